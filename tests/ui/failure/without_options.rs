//! `#[failure]` needs options.
use enact::prelude::*;

#[derive(Debug, thiserror::Error, Failure)]
enum WithdrawError {
    #[error("the withdrawal looks like fraud")]
    #[failure]
    Suspicious,
}

fn main() {}
