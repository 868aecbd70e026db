//! r16: the error of an invariant implements `Display`.
use enact::prelude::*;

struct Overdrawn;

#[entity]
struct Account {
    id: String,
    balance: i64,
}

/// An account is never overdrawn.
#[invariant]
fn not_overdrawn(account: &Account) -> Result<(), Overdrawn> {
    if account.balance < 0 { Err(Overdrawn) } else { Ok(()) }
}

fn main() {}
