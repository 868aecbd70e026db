//! r16: an invariant follows from what it looks at, and waits for nothing.
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
