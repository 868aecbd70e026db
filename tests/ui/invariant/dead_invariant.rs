//! A function whose attribute was forgotten is never checked, and is warned of. With its attribute it is alive.
#![deny(dead_code)]
use enact::prelude::*;

#[entity]
struct Account {
    id: String,
    balance: i64,
}

/// An account has an id.
#[invariant]
fn identified(account: &Account) -> bool {
    !account.id.is_empty()
}

/// An account is never overdrawn.
fn not_overdrawn(account: &Account) -> bool {
    account.balance >= 0
}

fn main() {}
