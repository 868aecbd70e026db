//! r27: a failure has a message, which is the error's.
use enact::prelude::*;

#[derive(Debug, Failure)]
enum WithdrawError {
    Suspicious,
}

fn main() {}
