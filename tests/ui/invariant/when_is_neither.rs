//! r10: `when` names a command or an event.
use enact::prelude::*;

#[entity]
struct Account {
    id: String,
    balance: i64,
}

struct Withdrawal {
    cents: i64,
}

/// The account holds at least what is taken out.
#[invariant(when = Withdrawal)]
fn covered(account: &Account, withdrawal: &Withdrawal) -> bool {
    withdrawal.cents <= account.balance
}

fn main() {}
