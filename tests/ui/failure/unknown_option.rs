//! An unknown option suggests the one that was meant.
use enact::prelude::*;

#[derive(Debug, thiserror::Error, Failure)]
enum WithdrawError {
    #[error("the withdrawal looks like fraud")]
    #[failure(permanant)]
    Suspicious,
}

fn main() {}
