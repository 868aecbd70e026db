//! r16: an invariant takes its entity by reference.
use enact::prelude::*;

#[entity]
struct Account {
    id: String,
    balance: i64,
}

/// An account is never overdrawn.
#[invariant]
fn not_overdrawn(account: Account) -> bool {
    account.balance >= 0
}

fn main() {}
