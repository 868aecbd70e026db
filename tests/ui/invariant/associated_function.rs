//! r16: an invariant is a free function, not an associated one. Two errors, as for a handler.
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
