//! r16: an invariant cannot change its entity.
use enact::prelude::*;

#[entity]
struct Account {
    id: String,
    balance: i64,
}

/// An account is never overdrawn.
#[invariant]
fn not_overdrawn(account: &mut Account) -> bool {
    account.balance >= 0
}

fn main() {}
