//! r16: an invariant has a message for people: its doc comment, or `message`.
use enact::prelude::*;

#[entity]
struct Account {
    id: String,
    balance: i64,
}

// An account is never overdrawn.
#[invariant]
fn not_overdrawn(account: &Account) -> bool {
    account.balance >= 0
}

fn main() {}
