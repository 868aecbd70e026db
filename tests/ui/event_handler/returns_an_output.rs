//! r03: nobody waits for an output of an event's handler.
use enact::prelude::*;

#[event]
struct Started {}

#[event_handler]
async fn started(_event: Started) -> Result<u64, Failure> {
    Ok(1)
}

fn main() {}
