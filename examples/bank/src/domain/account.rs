use enact::prelude::*;

use super::AccountId;

/// The largest amount that a single command moves: one million, in cents.
pub const MAX_CENTS: i64 = 100_000_000;

/// A bank account.
#[entity]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The account number.
    pub id: AccountId,
    /// The holder's name. Unknown if the first deposit opened the account.
    pub holder: Option<String>,
    /// The balance in cents.
    pub balance_cents: i64,
}

/// An account is never overdrawn.
#[invariant]
fn not_overdrawn(account: &Account) -> bool {
    account.balance_cents >= 0
}
