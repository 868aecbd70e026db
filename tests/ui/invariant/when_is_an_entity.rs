//! r10: `when` names a command or an event, not the entity.
use enact::prelude::*;

#[entity]
struct Account {
    id: String,
    balance: i64,
}

/// An account is never overdrawn.
#[invariant(when = Account)]
fn not_overdrawn(account: &Account) -> bool {
    account.balance >= 0
}

fn main() {}
