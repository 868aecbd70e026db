//! The type of a `transparent` variant's field is classified.
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
