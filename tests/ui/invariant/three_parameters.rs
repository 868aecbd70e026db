//! r16: an invariant takes its entity and the command or event of `when`, and nothing else.
use enact::prelude::*;

struct Limits {
    overdraft: i64,
}

#[entity]
struct Account {
    id: String,
    balance: i64,
}

#[event]
struct MoneyWithdrawn {
    cents: i64,
}

/// An account is never overdrawn.
#[invariant(when = MoneyWithdrawn)]
fn not_overdrawn(account: &Account, _event: &MoneyWithdrawn, limits: &Limits) -> bool {
    account.balance >= limits.overdraft
}

fn main() {}
