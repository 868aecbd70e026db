//! A `transparent` variant has exactly one field.
use enact::prelude::*;

#[derive(Debug, thiserror::Error, Failure)]
enum WithdrawError {
    #[error("the withdrawal looks like fraud")]
    #[failure(transparent)]
    Suspicious,
}

fn main() {}
