//! An option is given once.
use enact::prelude::*;

#[entity]
struct Account {
    id: String,
    balance: i64,
}

/// An account is never overdrawn.
#[invariant(code = "overdrawn", code = "in_the_red")]
fn not_overdrawn(account: &Account) -> bool {
    account.balance >= 0
}

fn main() {}
