use enact::prelude::*;

use super::account::MAX_CENTS;
use super::{Account, AccountId, TransactionId};

/// Pay money into an account. The first deposit opens it.
#[command(target = account, order_by = account, idempotency_key = transaction)]
#[derive(Clone, Debug)]
pub struct Deposit {
    /// Into which account.
    pub account: AccountId,
    /// How much, in cents.
    #[schemars(range(min = 1, max = MAX_CENTS))]
    pub cents: i64,
    /// The booking that says so, if one does: it is carried out once.
    pub transaction: Option<TransactionId>,
}

/// Money has come into an account.
#[event]
#[derive(Clone, Debug)]
pub struct MoneyDeposited {
    /// Into which account.
    pub account: AccountId,
    /// How much, in cents.
    pub cents: i64,
}

impl From<&Deposit> for Account {
    fn from(deposit: &Deposit) -> Self {
        Self { id: deposit.account.clone(), holder: None, balance_cents: 0 }
    }
}

/// The account has room for what is paid in.
#[invariant(when = Deposit)]
fn has_room(account: &Account, deposit: &Deposit) -> bool {
    account.balance_cents.checked_add(deposit.cents).is_some()
}

#[command(create = if_missing, retry = Retry::exponential(5, Duration::from_millis(100)))]
async fn deposit(deposit: Deposit, account: &mut Account) {
    account.balance_cents += deposit.cents;
    emit(MoneyDeposited { account: deposit.account, cents: deposit.cents });
}
