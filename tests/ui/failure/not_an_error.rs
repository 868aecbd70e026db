//! r27: the message of a failure is the error's `Display`.
use enact::prelude::*;

#[derive(Debug, Failure)]
enum WithdrawError {
    Suspicious,
}

fn main() {}
