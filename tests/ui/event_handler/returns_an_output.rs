//! r03: an event handler has no output.
use enact::prelude::*;

#[event]
struct Started {}

#[event_handler]
async fn started(_event: Started) -> Result<u64, Failure> {
    Ok(1)
}

fn main() {}
