//! `when` is a type, not a text.
use enact::prelude::*;

#[entity]
struct Account {
    id: String,
    balance: i64,
}

#[event]
struct MoneyWithdrawn {}

/// An account is never overdrawn.
#[invariant(when = "MoneyWithdrawn")]
fn not_overdrawn(account: &Account) -> bool {
    account.balance >= 0
}

fn main() {}
