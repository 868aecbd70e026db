//! r27: a code identifies one variant.
use enact::prelude::*;

#[derive(Debug, thiserror::Error, Failure)]
enum WithdrawError {
    #[error("the vendor cannot be reached")]
    #[failure(code = "vendor_down")]
    Unreachable,
    #[error("the vendor is down")]
    VendorDown,
}

fn main() {}
