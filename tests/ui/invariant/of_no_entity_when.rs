//! r16: what an invariant is about is an entity, of one with `when` too.
use enact::prelude::*;

struct Account {
    balance: i64,
}

#[event]
struct MoneyWithdrawn {
    cents: i64,
}

/// An account is never overdrawn.
#[invariant(when = MoneyWithdrawn)]
fn not_overdrawn(account: &Account) -> bool {
    account.balance >= 0
}

fn main() {}
