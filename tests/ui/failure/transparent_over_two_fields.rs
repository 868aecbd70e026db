//! A `transparent` variant has exactly one field.
use enact::prelude::*;

#[derive(Debug, thiserror::Error, Failure)]
#[error("the vendor is busy")]
struct Busy;

#[derive(Debug, thiserror::Error, Failure)]
enum WithdrawError {
    #[error("the vendor failed in line {line}")]
    #[failure(transparent)]
    Vendor { source: Busy, line: u32 },
}

fn main() {}
