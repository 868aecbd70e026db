//! r27: the error that a handler returns is an error.
//!
//! Twice the same, at the same place: the compiler says it of the command's output, and of the future that the handler returns.
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
