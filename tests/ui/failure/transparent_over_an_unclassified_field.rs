//! The field of a `transparent` variant says itself which failure it is.
use enact::prelude::*;

#[derive(Debug, thiserror::Error)]
#[error("the vendor is busy")]
struct Busy;

#[derive(Debug, thiserror::Error, Failure)]
enum WithdrawError {
    #[error(transparent)]
    #[failure(transparent)]
    Vendor(#[from] Busy),
}

fn main() {}
