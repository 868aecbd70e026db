//! r27: the error that a handler returns is an error.
use enact::prelude::*;

#[derive(Debug)]
struct Unreachable;

#[event]
struct Started {}

#[event_handler]
async fn started(_event: Started) -> Result<(), Unreachable> {
    Err(Unreachable)
}

fn main() {}
