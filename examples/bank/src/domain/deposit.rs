use enact::prelude::*;

use super::account::MAX_CENTS;
use super::{Account, AccountId, TransactionId};

/// Deposit money into an account. The first deposit opens it.
#[command(target = account, order_by = account, idempotency_key = transaction)]
#[derive(Clone, Debug)]
pub struct Deposit {
    /// The account to credit.
    pub account: AccountId,
    /// The amount in cents.
    #[schemars(range(min = 1, max = MAX_CENTS))]
    pub cents: i64,
    /// The transaction, if it has an id. Each transaction is applied once.
    pub transaction: Option<TransactionId>,
}

/// Money was deposited into an account.
#[event]
#[derive(Clone, Debug)]
pub struct MoneyDeposited {
    /// The account that was credited.
    pub account: AccountId,
    /// The amount in cents.
    pub cents: i64,
}

impl From<&Deposit> for Account {
    fn from(deposit: &Deposit) -> Self {
        Self { id: deposit.account.clone(), holder: None, balance_cents: 0 }
    }
}

/// The balance stays below the maximum that an account can hold.
#[invariant(when = Deposit)]
fn has_room(account: &Account, deposit: &Deposit) -> bool {
    account.balance_cents.checked_add(deposit.cents).is_some()
}

#[command(create = if_missing, retry = Retry::exponential(5, Duration::from_millis(100)))]
async fn deposit(deposit: Deposit, account: &mut Account) {
    account.balance_cents += deposit.cents;
    emit(MoneyDeposited { account: deposit.account, cents: deposit.cents });
}
