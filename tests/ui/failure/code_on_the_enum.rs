//! A code belongs to a variant.
use enact::prelude::*;

#[derive(Debug, thiserror::Error, Failure)]
#[failure(code = "withdraw")]
enum WithdrawError {
    #[error("the withdrawal looks like fraud")]
    Suspicious,
}

fn main() {}
