//! A transfer between two accounts. One execution writes one entity, so it takes several, and events lead from one to
//! the next:
//!
//! ```text
//! StartTransfer     takes the money out of the one account, or refuses
//!   TransferStarted
//!     route_transfer: is there another account to go to?
//!       CompleteTransfer  pays it in there
//!         TransferCompleted
//!       RefundTransfer    or pays it back
//!         TransferRefunded
//! ```
//!
//! Each step commits what it has done together with the job that does the next, so a crash between two steps loses
//! nothing and repeats nothing. Once the money is out, nothing may give up: those steps are retried until they are done.

use std::fmt;

use enact::prelude::*;

use super::account::MAX_CENTS;
use super::{Account, AccountId, TransferId};

/// How the steps are retried that move money which has no account at the time.
const UNTIL_DONE: Retry = Retry::exponential(u32::MAX, Duration::from_millis(100));

/// Send money from one account to another.
#[command(target = from, order_by = from, idempotency_key = transfer)]
#[derive(Clone, Debug)]
pub struct StartTransfer {
    /// The transfer's name: one of a name is carried out once.
    pub transfer: TransferId,
    /// The account that it comes from.
    pub from: AccountId,
    /// The account that it goes to.
    pub to: AccountId,
    /// How much, in cents.
    #[schemars(range(min = 1, max = MAX_CENTS))]
    pub cents: i64,
}

/// Pay in what a transfer brings. The transfer's own second step.
#[command(target = to)]
#[derive(Clone, Debug)]
pub struct CompleteTransfer {
    /// Which transfer.
    pub transfer: TransferId,
    /// The account that it comes from.
    pub from: AccountId,
    /// The account that it goes to.
    pub to: AccountId,
    /// How much, in cents.
    #[schemars(range(min = 1, max = MAX_CENTS))]
    pub cents: i64,
}

/// Pay back what a transfer could not deliver. The transfer's own second or third step.
#[command(target = from)]
#[derive(Clone, Debug)]
pub struct RefundTransfer {
    /// Which transfer.
    pub transfer: TransferId,
    /// The account that it comes from.
    pub from: AccountId,
    /// How much, in cents.
    #[schemars(range(min = 1, max = MAX_CENTS))]
    pub cents: i64,
    /// Why.
    pub reason: RefundReason,
}

/// The money of a transfer has left its account.
#[event]
#[derive(Clone, Debug)]
pub struct TransferStarted {
    /// Which transfer.
    pub transfer: TransferId,
    /// The account that it comes from.
    pub from: AccountId,
    /// The account that it goes to.
    pub to: AccountId,
    /// How much, in cents.
    pub cents: i64,
}

/// The money of a transfer has arrived.
#[event]
#[derive(Clone, Debug)]
pub struct TransferCompleted {
    /// Which transfer.
    pub transfer: TransferId,
}

/// The money of a transfer is back where it came from.
#[event]
#[derive(Clone, Debug)]
pub struct TransferRefunded {
    /// Which transfer.
    pub transfer: TransferId,
    /// Why.
    pub reason: RefundReason,
}

/// Why a transfer was paid back.
#[value]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum RefundReason {
    /// The account that it was to go to does not exist.
    NoSuchAccount,
    /// The account that it was to go to can hold no more.
    NoRoom,
}

/// The record of a transfer: how far it has come.
#[entity]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Its name.
    pub id: TransferId,
    /// The account that it comes from.
    pub from: AccountId,
    /// The account that it goes to.
    pub to: AccountId,
    /// How much, in cents.
    pub cents: i64,
    /// Where it stands.
    pub state: TransferState,
}

/// Where a transfer stands.
#[value]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum TransferState {
    /// The money is on its way.
    Underway,
    /// The money has arrived.
    Completed,
    /// The money is back.
    Refunded(RefundReason),
}

impl fmt::Display for TransferState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Underway => "underway",
            Self::Completed => "completed",
            Self::Refunded(RefundReason::NoSuchAccount) => "refunded: there is no such account",
            Self::Refunded(RefundReason::NoRoom) => "refunded: the account has no room for it",
        })
    }
}

/// A transfer goes to another account than it comes from.
#[invariant(when = StartTransfer)]
fn to_another_account(_: &Account, transfer: &StartTransfer) -> bool {
    transfer.to != transfer.from
}

/// The account holds at least what is transferred.
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

/// Decides where the money goes. The decision and its record are committed together, and stand: an account that exists
/// exists for good.
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
        state: TransferState::Underway,
    })?;
    if accounts.get(&to).await?.is_some() {
        let key = step(&transfer, "complete");
        publish(CompleteTransfer { transfer, from, to, cents }).idempotency_key(&key);
    } else {
        let (key, reason) = (step(&transfer, "refund"), RefundReason::NoSuchAccount);
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
        let (key, reason) = (step(&transfer, "refund"), RefundReason::NoRoom);
        publish(RefundTransfer { transfer, from, cents, reason }).idempotency_key(&key);
    }
}

/// The key under which one of a transfer's own steps is taken once. It has a slash, which no name of a booking or a
/// transfer has.
fn step(transfer: &TransferId, name: &str) -> String {
    format!("{transfer}/{name}")
}

#[command(retry = UNTIL_DONE)]
async fn refund_transfer(refund: RefundTransfer, account: &mut Account) -> Result<(), String> {
    account.balance_cents = account
        .balance_cents
        .checked_add(refund.cents)
        .ok_or_else(|| format!("account {} has no room for its own money now", refund.from))?;
    emit(TransferRefunded { transfer: refund.transfer, reason: refund.reason });
    Ok(())
}

#[event_handler(retry = UNTIL_DONE)]
async fn record_completion(event: TransferCompleted, transfers: Repository<Transfer>) -> Result<(), Failure> {
    record(&event.transfer, TransferState::Completed, &transfers).await
}

#[event_handler(retry = UNTIL_DONE)]
async fn record_refund(event: TransferRefunded, transfers: Repository<Transfer>) -> Result<(), Failure> {
    record(&event.transfer, TransferState::Refunded(event.reason), &transfers).await
}

async fn record(
    id: &TransferId,
    state: TransferState,
    transfers: &Repository<Transfer>,
) -> Result<(), Failure> {
    let transfer = transfers.get(id).await?.ok_or_else(|| {
        Failure::new(FailureKind::Error, "no_record", format!("transfer {id} has no record to be completed"))
    })?;
    transfers.save(Transfer { state, ..transfer })
}
