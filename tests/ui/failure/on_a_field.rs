//! `#[failure]` goes on a variant, not on its fields.
use enact::prelude::*;

#[derive(Debug, thiserror::Error, Failure)]
enum WithdrawError {
    #[error("the account {account} is unknown")]
    UnknownAccount {
        #[failure(permanent)]
        account: String,
    },
}

fn main() {}
