use enact::prelude::*;

use super::account::MAX_CENTS;
use super::{Account, AccountId, FraudAssessment, TransactionId, Verdict};

/// The amount from which the holder is notified.
const LARGE_CENTS: i64 = 5_000_000;

/// Withdraw money from an account.
#[command(target = account, order_by = account, idempotency_key = transaction)]
#[derive(Clone, Debug)]
pub struct Withdraw {
    /// The account to debit.
    pub account: AccountId,
    /// The amount in cents.
    #[schemars(range(min = 1, max = MAX_CENTS))]
    pub cents: i64,
    /// The transaction, if it has an id. Each transaction is applied once.
    pub transaction: Option<TransactionId>,
}

/// Money was withdrawn from an account.
#[event]
#[derive(Clone, Debug)]
pub struct MoneyWithdrawn {
    /// The account that was debited.
    pub account: AccountId,
    /// The amount in cents.
    pub cents: i64,
}

/// An amount was withdrawn that is large enough to notify the holder.
#[event]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LargeWithdrawal {
    /// The account that was debited.
    pub account: AccountId,
    /// The holder's name, if it is known.
    pub holder: Option<String>,
    /// The amount in cents.
    pub cents: i64,
}

/// The account holds at least the amount to withdraw.
#[invariant(when = Withdraw)]
fn covered(account: &Account, withdrawal: &Withdraw) -> bool {
    withdrawal.cents <= account.balance_cents
}

/// Why a withdrawal that the balance covers is refused.
#[derive(Debug, thiserror::Error, Failure)]
pub enum WithdrawError {
    /// The fraud assessment denied it.
    #[error("the withdrawal looks like fraud; contact the bank")]
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
