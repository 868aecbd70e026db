//! `transparent` goes on a variant.
use enact::prelude::*;

#[derive(Debug, thiserror::Error, Failure)]
#[error("the vendor is busy")]
struct Busy;

#[derive(Debug, thiserror::Error, Failure)]
#[failure(transparent)]
enum WithdrawError {
    #[error(transparent)]
    Vendor(#[from] Busy),
}

fn main() {}
