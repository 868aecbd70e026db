use enact::prelude::*;

use super::account::MAX_CENTS;
use super::{Account, AccountId, FraudAssessment, TransactionId, Verdict};

/// From this amount on, the holder is told.
const LARGE_CENTS: i64 = 5_000_000;

/// Take money out of an account.
#[command(target = account, order_by = account, idempotency_key = transaction)]
#[derive(Clone, Debug)]
pub struct Withdraw {
    /// Out of which account.
    pub account: AccountId,
    /// How much, in cents.
    #[schemars(range(min = 1, max = MAX_CENTS))]
    pub cents: i64,
    /// The booking that says so, if one does: it is carried out once.
    pub transaction: Option<TransactionId>,
}

/// Money has left an account.
#[event]
#[derive(Clone, Debug)]
pub struct MoneyWithdrawn {
    /// Which account.
    pub account: AccountId,
    /// How much, in cents.
    pub cents: i64,
}

/// So much money has left an account that its holder should know at once.
#[event]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LargeWithdrawal {
    /// Which account.
    pub account: AccountId,
    /// Whom it belongs to, if that is known.
    pub holder: Option<String>,
    /// How much, in cents.
    pub cents: i64,
}

/// The account holds at least what is taken out.
#[invariant(when = Withdraw)]
fn covered(account: &Account, withdrawal: &Withdraw) -> bool {
    withdrawal.cents <= account.balance_cents
}

/// Why a withdrawal that the account covers is not carried out.
#[derive(Debug, thiserror::Error, Failure)]
pub enum WithdrawError {
    /// It looks like fraud.
    #[error("the withdrawal looks like fraud; ask the bank")]
    #[failure(permanent)]
    Suspicious,
}

#[command(retry = Retry::exponential(5, Duration::from_millis(100)))]
async fn withdraw(
    withdrawal: Withdraw,
    account: &mut Account,
    fraud: Box<dyn FraudAssessment>,
) -> Result<(), WithdrawError> {
    if fraud.assess(&withdrawal, account).await == Verdict::Deny {
        return Err(WithdrawError::Suspicious);
    }
    let Withdraw { account: id, cents, .. } = withdrawal;
    account.balance_cents -= cents;
    if cents >= LARGE_CENTS {
        emit(LargeWithdrawal { account: id.clone(), holder: account.holder.clone(), cents });
    }
    emit(MoneyWithdrawn { account: id, cents });
    Ok(())
}
