//! An unknown option suggests the one that was meant.
use enact::prelude::*;

#[entity]
struct Account {
    id: String,
    balance: i64,
}

/// An account is never overdrawn.
#[invariant(mesage = "it is overdrawn")]
fn not_overdrawn(account: &Account) -> bool {
    account.balance >= 0
}

fn main() {}
