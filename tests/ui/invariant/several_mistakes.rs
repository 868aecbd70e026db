//! Several mistakes in one item are reported in one compile, and cause no further errors.
use enact::prelude::*;

#[entity]
struct Account {
    id: String,
    balance: i64,
}

/// An account is never overdrawn.
#[invariant(name = "overdrawn")]
async fn not_overdrawn(account: &mut Account) -> bool {
    account.balance >= 0
}

fn main() {}
