//! r16: the first parameter of an invariant with `when` is an entity.
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
