//! `transparent` leaves all to the one field of the variant.
use enact::prelude::*;

#[derive(Debug, thiserror::Error, Failure)]
enum WithdrawError {
    #[error("the withdrawal looks like fraud")]
    #[failure(transparent)]
    Suspicious,
}

fn main() {}
