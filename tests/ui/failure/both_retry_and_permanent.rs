//! A variant is retried or permanent, not both.
use enact::prelude::*;

#[derive(Debug, thiserror::Error, Failure)]
enum WithdrawError {
    #[error("the vendor cannot be reached")]
    #[failure(retry, permanent)]
    Unreachable,
}

fn main() {}
