//! r27: a handler returns a type that implements `Error`.
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
