//! r16: the first parameter of an invariant is an entity.
use enact::prelude::*;

struct Account {
    balance: i64,
}

/// An account is never overdrawn.
#[invariant]
fn not_overdrawn(account: &Account) -> bool {
    account.balance >= 0
}

fn main() {}
