//! `transparent` excludes the other options.
use enact::prelude::*;

#[derive(Debug, thiserror::Error, Failure)]
#[error("the vendor is busy")]
struct Busy;

#[derive(Debug, thiserror::Error, Failure)]
enum WithdrawError {
    #[error(transparent)]
    #[failure(transparent, code = "vendor_busy")]
    Vendor(#[from] Busy),
}

fn main() {}
