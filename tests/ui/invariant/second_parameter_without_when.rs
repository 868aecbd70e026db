//! r10: an invariant that takes a command needs `when`.
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

#[command]
async fn withdraw(_withdrawal: Withdraw, _account: &mut Account) {}

/// The account holds at least what is taken out.
#[invariant]
fn covered(account: &Account, withdrawal: &Withdraw) -> bool {
    withdrawal.cents <= account.balance
}

fn main() {}
