//! The domain of the benchmarks: a command on one entity with an event and an invariant, with and without a retry policy.

use enact::prelude::*;

/// An account.
#[entity]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) balance_cents: i64,
    /// Only gives the account a size.
    pub(crate) note: String,
}

/// Put money into an account.
#[command(target = account)]
pub(crate) struct Deposit {
    pub(crate) account: String,
    #[schemars(range(min = 1, max = 100_000_000))]
    pub(crate) cents: i64,
}

/// Put money into an account, without a retry policy.
#[command(target = account)]
pub(crate) struct DepositOnce {
    pub(crate) account: String,
    #[schemars(range(min = 1, max = 100_000_000))]
    pub(crate) cents: i64,
}

/// Money was put into an account.
#[event]
pub(crate) struct MoneyDeposited {
    pub(crate) account: String,
    pub(crate) cents: i64,
}

impl From<&Deposit> for Account {
    fn from(deposit: &Deposit) -> Self {
        Self { id: deposit.account.clone(), balance_cents: 0, note: String::new() }
    }
}

impl From<&DepositOnce> for Account {
    fn from(deposit: &DepositOnce) -> Self {
        Self { id: deposit.account.clone(), balance_cents: 0, note: String::new() }
    }
}

/// An account is never overdrawn.
#[invariant]
fn not_overdrawn(account: &Account) -> bool {
    account.balance_cents >= 0
}

#[command(create = if_missing, retry = Retry::exponential(5, Duration::from_millis(100)))]
async fn deposit(deposit: Deposit, account: &mut Account) {
    account.balance_cents += deposit.cents;
    emit(MoneyDeposited { account: account.id.clone(), cents: deposit.cents });
}

#[command(create = if_missing)]
async fn deposit_once(deposit: DepositOnce, account: &mut Account) {
    account.balance_cents += deposit.cents;
    emit(MoneyDeposited { account: account.id.clone(), cents: deposit.cents });
}
