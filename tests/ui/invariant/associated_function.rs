//! r16: an invariant is a free function, and stands outside of `impl`. Two errors, as of a handler.
use enact::prelude::*;

#[entity]
struct Account {
    id: String,
    balance: i64,
}

impl Account {
    /// An account is never overdrawn.
    #[invariant]
    fn not_overdrawn(account: &Account) -> bool {
        account.balance >= 0
    }
}

fn main() {}
