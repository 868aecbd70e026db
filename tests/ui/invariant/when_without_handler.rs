//! r10: `when` names a command whose handler binds the entity. A command without a handler binds none.
use enact::prelude::*;

#[entity]
struct Account {
    id: String,
    balance: i64,
}

#[command(target = account)]
struct Withdraw {
    account: String,
    cents: i64,
}

/// The account holds at least what is taken out.
#[invariant(when = Withdraw)]
fn covered(account: &Account, withdrawal: &Withdraw) -> bool {
    withdrawal.cents <= account.balance
}

fn main() {}
