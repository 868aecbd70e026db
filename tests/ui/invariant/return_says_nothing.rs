//! r16: an invariant returns `bool` or a `Result`.
use enact::prelude::*;

#[entity]
struct Account {
    id: String,
    balance: i64,
}

/// An account is never overdrawn.
#[invariant]
fn not_overdrawn(account: &Account) -> Option<String> {
    (account.balance < 0).then(|| "it is overdrawn".to_owned())
}

fn main() {}
