//! r10: `when` names a command whose handler binds the invariant's entity.
use enact::prelude::*;

#[entity]
struct Account {
    id: String,
    balance: i64,
}

#[entity]
struct Customer {
    id: String,
}

#[command(target = customer)]
struct Rename {
    customer: String,
}

#[command]
async fn rename(_rename: Rename, _customer: &mut Customer) {}

/// An account in the red cannot be renamed.
#[invariant(when = Rename)]
fn in_the_black(account: &Account, _rename: &Rename) -> bool {
    account.balance >= 0
}

fn main() {}
