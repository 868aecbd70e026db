//! r16: the entity comes first, then the command or event of `when`.
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
#[invariant(when = Withdraw)]
fn covered(withdrawal: &Withdraw, account: &Account) -> bool {
    withdrawal.cents <= account.balance
}

fn main() {}
