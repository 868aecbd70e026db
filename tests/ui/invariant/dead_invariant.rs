//! Without its attribute, a function is never checked, and the compiler warns about dead code.
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
