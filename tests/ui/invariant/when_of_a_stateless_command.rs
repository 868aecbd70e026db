//! r10: a stateless handler binds no entity that an invariant could check.
use enact::prelude::*;

#[entity]
struct Account {
    id: String,
    balance: i64,
}

#[command(target = account)]
struct Audit {
    account: String,
}

#[command(stateless)]
async fn audit(_audit: Audit) {}

/// An account is never overdrawn.
#[invariant(when = Audit)]
fn not_overdrawn(account: &Account) -> bool {
    account.balance >= 0
}

fn main() {}
