use enact::prelude::*;

use super::AccountId;

/// The most that is moved at a time: a million, in cents.
pub const MAX_CENTS: i64 = 100_000_000;

/// A bank account.
#[entity]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its number.
    pub id: AccountId,
    /// Whom it belongs to; not known of an account that a deposit has opened.
    pub holder: Option<String>,
    /// How much is on it, in cents.
    pub balance_cents: i64,
}

/// An account is never overdrawn.
#[invariant]
fn not_overdrawn(account: &Account) -> bool {
    account.balance_cents >= 0
}
