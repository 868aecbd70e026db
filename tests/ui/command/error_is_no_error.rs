//! r27: a handler returns a type that implements `Error`.
//!
//! Reported twice at the same place: for the command's output, and for the future that the handler returns.
use enact::prelude::*;

#[derive(Debug)]
enum PayError {
    Declined,
}

#[command]
struct Pay {}

#[command]
async fn pay(_pay: Pay) -> Result<(), PayError> {
    Err(PayError::Declined)
}

fn main() {}
