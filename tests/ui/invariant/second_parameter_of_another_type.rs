//! r10: the second parameter has the type that `when` names.
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

#[event]
struct MoneyWithdrawn {
    cents: i64,
}

/// The account holds at least what is taken out.
#[invariant(when = MoneyWithdrawn)]
fn covered(account: &Account, withdrawal: &Withdraw) -> bool {
    withdrawal.cents <= account.balance
}

fn main() {}
