//! An option is given once.
use enact::prelude::*;

#[derive(Debug, thiserror::Error, Failure)]
enum WithdrawError {
    #[error("the withdrawal looks like fraud")]
    #[failure(permanent, code = "fraud")]
    #[failure(code = "suspicious")]
    Suspicious,
}

fn main() {}
