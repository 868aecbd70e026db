//! A transfer between two accounts. An execution writes one entity, so a transfer takes several executions, connected by
//! events:
//!
//! ```text
//! StartTransfer             debits the sender
//!   TransferStarted
//!     route_transfer        checks that the recipient exists
//!       CompleteTransfer    credits the recipient
//!         TransferCompleted
//!       RefundTransfer      or credits the sender again
//!         TransferRefunded
//! ```
//!
//! Each step commits its effects together with the job of the next step, so a crash between two steps neither loses nor
//! repeats anything. Once the sender is debited, the remaining steps are retried until they succeed.

use std::fmt;

use enact::prelude::*;

use super::account::MAX_CENTS;
use super::{Account, AccountId, TransferId};

/// The retry policy of the steps after the debit, when the money is in neither account.
const UNTIL_DONE: Retry = Retry::exponential(u32::MAX, Duration::from_millis(100));

/// Send money from one account to another.
#[command(target = from, order_by = from, idempotency_key = transfer)]
#[derive(Clone, Debug)]
pub struct StartTransfer {
    /// The transfer's id. Each transfer is carried out once.
    pub transfer: TransferId,
    /// The sender's account.
    pub from: AccountId,
    /// The recipient's account.
    pub to: AccountId,
    /// The amount in cents.
    #[schemars(range(min = 1, max = MAX_CENTS))]
    pub cents: i64,
}

/// Credit the recipient of a transfer. Published by the transfer itself.
#[command(target = to)]
#[derive(Clone, Debug)]
pub struct CompleteTransfer {
    /// The transfer's id.
    pub transfer: TransferId,
    /// The sender's account.
    pub from: AccountId,
    /// The recipient's account.
    pub to: AccountId,
    /// The amount in cents.
    #[schemars(range(min = 1, max = MAX_CENTS))]
    pub cents: i64,
}

/// Return the money of a failed transfer to the sender. Published by the transfer itself.
#[command(target = from)]
#[derive(Clone, Debug)]
pub struct RefundTransfer {
    /// The transfer's id.
    pub transfer: TransferId,
    /// The sender's account.
    pub from: AccountId,
    /// The amount in cents.
    #[schemars(range(min = 1, max = MAX_CENTS))]
    pub cents: i64,
    /// Why the transfer failed.
    pub reason: RefundReason,
}

/// The sender of a transfer was debited.
#[event]
#[derive(Clone, Debug)]
pub struct TransferStarted {
    /// The transfer's id.
    pub transfer: TransferId,
    /// The sender's account.
    pub from: AccountId,
    /// The recipient's account.
    pub to: AccountId,
    /// The amount in cents.
    pub cents: i64,
}

/// The recipient of a transfer was credited.
#[event]
#[derive(Clone, Debug)]
pub struct TransferCompleted {
    /// The transfer's id.
    pub transfer: TransferId,
}

/// The money of a transfer was returned to the sender.
#[event]
#[derive(Clone, Debug)]
pub struct TransferRefunded {
    /// The transfer's id.
    pub transfer: TransferId,
    /// Why the transfer failed.
    pub reason: RefundReason,
}

/// Why a transfer was refunded.
#[value]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum RefundReason {
    /// The recipient's account does not exist.
    NoSuchAccount,
    /// The recipient's account cannot hold the amount.
    NoRoom,
}

/// A transfer and its state.
#[entity]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// The transfer's id.
    pub id: TransferId,
    /// The sender's account.
    pub from: AccountId,
    /// The recipient's account.
    pub to: AccountId,
    /// The amount in cents.
    pub cents: i64,
    /// The state.
    pub state: TransferState,
}

/// The state of a transfer.
#[value]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum TransferState {
    /// The sender is debited, and the recipient not yet credited.
    Pending,
    /// The recipient is credited.
    Completed,
    /// The sender has the money back.
    Refunded(RefundReason),
}

impl fmt::Display for TransferState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pending => "pending",
            Self::Completed => "completed",
            Self::Refunded(RefundReason::NoSuchAccount) => "refunded: the recipient's account does not exist",
            Self::Refunded(RefundReason::NoRoom) => {
                "refunded: the recipient's account cannot hold the amount"
            }
        })
    }
}

/// Sender and recipient are different accounts.
#[invariant(when = StartTransfer)]
fn to_another_account(_: &Account, transfer: &StartTransfer) -> bool {
    transfer.to != transfer.from
}

/// The account holds at least the amount to transfer.
#[invariant(when = StartTransfer)]
fn transfer_covered(account: &Account, transfer: &StartTransfer) -> bool {
    transfer.cents <= account.balance_cents
}

#[command(retry = Retry::exponential(5, Duration::from_millis(100)))]
async fn start_transfer(start: StartTransfer, account: &mut Account) {
    let StartTransfer { transfer, from, to, cents } = start;
    account.balance_cents -= cents;
    emit(TransferStarted { transfer, from, to, cents });
}

/// Records the transfer and decides whether it is completed or refunded, in one commit. Accounts are never deleted, so
/// the decision stays valid.
#[event_handler(retry = UNTIL_DONE)]
async fn route_transfer(
    started: TransferStarted,
    accounts: Repository<Account>,
    transfers: Repository<Transfer>,
) -> Result<(), Failure> {
    let TransferStarted { transfer, from, to, cents } = started;
    transfers.save(Transfer {
        id: transfer.clone(),
        from: from.clone(),
        to: to.clone(),
        cents,
        state: TransferState::Pending,
    })?;
    if accounts.get(&to).await?.is_some() {
        let key = step_key(&transfer, "complete");
        publish(CompleteTransfer { transfer, from, to, cents }).idempotency_key(&key);
    } else {
        let (key, reason) = (step_key(&transfer, "refund"), RefundReason::NoSuchAccount);
        publish(RefundTransfer { transfer, from, cents, reason }).idempotency_key(&key);
    }
    Ok(())
}

#[command(retry = UNTIL_DONE)]
async fn complete_transfer(complete: CompleteTransfer, account: &mut Account) {
    let CompleteTransfer { transfer, from, cents, .. } = complete;
    if let Some(balance) = account.balance_cents.checked_add(cents) {
        account.balance_cents = balance;
        emit(TransferCompleted { transfer });
    } else {
        let (key, reason) = (step_key(&transfer, "refund"), RefundReason::NoRoom);
        publish(RefundTransfer { transfer, from, cents, reason }).idempotency_key(&key);
    }
}

#[command(retry = UNTIL_DONE)]
async fn refund_transfer(refund: RefundTransfer, account: &mut Account) -> Result<(), String> {
    account.balance_cents = account.balance_cents.checked_add(refund.cents).ok_or_else(|| {
        format!("account {} cannot hold the refund of {} cents yet", refund.from, refund.cents)
    })?;
    emit(TransferRefunded { transfer: refund.transfer, reason: refund.reason });
    Ok(())
}

#[event_handler(retry = UNTIL_DONE)]
async fn record_completion(event: TransferCompleted, transfers: Repository<Transfer>) -> Result<(), Failure> {
    set_state(&event.transfer, TransferState::Completed, &transfers).await
}

#[event_handler(retry = UNTIL_DONE)]
async fn record_refund(event: TransferRefunded, transfers: Repository<Transfer>) -> Result<(), Failure> {
    set_state(&event.transfer, TransferState::Refunded(event.reason), &transfers).await
}

/// The idempotency key of a step. The slash, which no [`TransferId`] contains, keeps it apart from keys of callers.
fn step_key(transfer: &TransferId, step: &str) -> String {
    format!("{transfer}/{step}")
}

async fn set_state(
    id: &TransferId,
    state: TransferState,
    transfers: &Repository<Transfer>,
) -> Result<(), Failure> {
    let transfer = transfers.get(id).await?.ok_or_else(|| {
        Failure::new(
            FailureKind::Error,
            "no_record",
            format!("transfer {id} is {state}, but was never recorded"),
        )
    })?;
    transfers.save(Transfer { state, ..transfer })
}
