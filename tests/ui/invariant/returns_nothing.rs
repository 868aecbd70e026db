//! r16: an invariant returns whether it holds.
use enact::prelude::*;

#[entity]
struct Account {
    id: String,
    balance: i64,
}

/// An account is never overdrawn.
#[invariant]
fn not_overdrawn(account: &Account) {
    assert!(account.balance >= 0);
}

fn main() {}
