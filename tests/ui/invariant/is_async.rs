//! r16: an invariant is not `async`.
use enact::prelude::*;

#[entity]
struct Account {
    id: String,
    balance: i64,
}

/// An account is never overdrawn.
#[invariant]
async fn not_overdrawn(account: &Account) -> bool {
    account.balance >= 0
}

fn main() {}
