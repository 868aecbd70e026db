//! Transfers arrive, come back, or never start; and no cent is lost.

use bank::domain::{
    Account, AccountId, Deposit, RefundReason, StartTransfer, Transfer, TransferId, TransferState,
};
use bank::matter::wait_until_idle;
use enact::prelude::*;

use crate::notify::bank_in_memory;

/// Gives an account a balance that no deposit could.
#[command(target = account)]
struct Endow {
    account: AccountId,
    balance_cents: i64,
}

impl From<&Endow> for Account {
    fn from(endow: &Endow) -> Self {
        Self { id: endow.account.clone(), holder: None, balance_cents: 0 }
    }
}

#[command(create = if_missing)]
async fn endow(endow: Endow, account: &mut Account) {
    account.balance_cents = endow.balance_cents;
}

struct Bank(Runtime);

impl Bank {
    async fn with(accounts: &[(&str, i64)]) -> Self {
        let (bank, _) = bank_in_memory().await;
        for (account, balance_cents) in accounts {
            let endow = Endow { account: (*account).into(), balance_cents: *balance_cents };
            bank.execute(endow).await.expect("an account is endowed");
        }
        Self(bank)
    }

    async fn transfer(&self, id: &str, from: &str, to: &str, cents: i64) -> Result<(), Failure> {
        let transfer = StartTransfer { transfer: id.into(), from: from.into(), to: to.into(), cents };
        let seed = ContextSeed::new().correlation_id("transfers");
        let started = self.0.scope(seed, async { self.0.execute(transfer).await }).await;
        wait_until_idle(&self.0, "transfers").await?;
        started
    }

    async fn state(&self, id: &str) -> Option<TransferState> {
        let transfer: Option<Transfer> =
            self.0.entities().get(&TransferId::from(id)).await.expect("readable");
        transfer.map(|transfer| transfer.state)
    }

    async fn balance(&self, id: &str) -> Option<i64> {
        let account: Option<Account> = self.0.entities().get(&AccountId::from(id)).await.expect("readable");
        account.map(|account| account.balance_cents)
    }
}

#[tokio::test]
async fn a_transfer_arrives() -> Result<(), Failure> {
    let bank = Bank::with(&[("a", 500), ("b", 0)]).await;
    bank.transfer("t", "a", "b", 200).await?;
    assert_eq!(bank.state("t").await, Some(TransferState::Completed));
    assert_eq!((bank.balance("a").await, bank.balance("b").await), (Some(300), Some(200)));
    Ok(())
}

#[tokio::test]
async fn a_transfer_to_nobody_comes_back() -> Result<(), Failure> {
    let bank = Bank::with(&[("a", 500)]).await;
    bank.transfer("t", "a", "nobody", 200).await?;
    assert_eq!(bank.state("t").await, Some(TransferState::Refunded(RefundReason::NoSuchAccount)));
    assert_eq!((bank.balance("a").await, bank.balance("nobody").await), (Some(500), None));
    Ok(())
}

#[tokio::test]
async fn a_transfer_to_a_full_account_comes_back() -> Result<(), Failure> {
    let bank = Bank::with(&[("a", 500), ("full", i64::MAX - 100)]).await;
    bank.transfer("t", "a", "full", 101).await?;
    assert_eq!(bank.state("t").await, Some(TransferState::Refunded(RefundReason::NoRoom)));
    assert_eq!((bank.balance("a").await, bank.balance("full").await), (Some(500), Some(i64::MAX - 100)));
    bank.transfer("u", "a", "full", 100).await?;
    assert_eq!(bank.state("u").await, Some(TransferState::Completed));
    Ok(())
}

#[tokio::test]
async fn a_transfer_that_is_not_covered_never_starts() {
    let bank = Bank::with(&[("a", 500), ("b", 0)]).await;
    let failure = bank.transfer("t", "a", "b", 501).await.expect_err("it is not covered");
    assert_eq!((failure.kind(), failure.code()), (FailureKind::Violated, "transfer_covered"));
    assert_eq!((bank.state("t").await, bank.balance("a").await), (None, Some(500)));
}

#[tokio::test]
async fn a_transfer_to_oneself_never_starts_and_all_that_is_wrong_is_said() {
    let bank = Bank::with(&[("a", 500)]).await;
    let failure = bank.transfer("t", "a", "a", 100).await.expect_err("it goes nowhere");
    assert_eq!((failure.kind(), failure.code()), (FailureKind::Violated, "to_another_account"));
    assert!(failure.to_string().contains("A transfer goes to another account than it comes from."));
    let failure = bank.transfer("u", "a", "a", 501).await.expect_err("it goes nowhere, and is not covered");
    assert_eq!(failure.violations().len(), 2);
}

#[tokio::test]
async fn a_transfer_from_nobody_never_starts() {
    let bank = Bank::with(&[("b", 0)]).await;
    let failure = bank.transfer("t", "nobody", "b", 1).await.expect_err("there is no such account");
    assert_eq!(failure.kind(), FailureKind::NotFound);
}

#[tokio::test]
async fn a_transfer_is_carried_out_once() -> Result<(), Failure> {
    let bank = Bank::with(&[("a", 500), ("b", 0)]).await;
    bank.transfer("t", "a", "b", 200).await?;
    bank.transfer("t", "a", "b", 200).await?;
    let failure = bank.transfer("t", "a", "b", 201).await.expect_err("it is another transfer");
    assert_eq!(failure.kind(), FailureKind::IdempotencyMismatch);
    assert_eq!((bank.balance("a").await, bank.balance("b").await), (Some(300), Some(200)));
    Ok(())
}

#[tokio::test]
async fn a_name_that_could_be_a_step_of_a_transfer_is_refused() {
    let bank = Bank::with(&[("a", 500)]).await;
    for name in ["t/refund", "t/complete", ""] {
        let failure = bank.transfer(name, "a", "b", 1).await.expect_err("it is no name");
        assert_eq!((failure.kind(), failure.code()), (FailureKind::Invalid, "pattern"));
        let deposit = Deposit { account: "a".into(), cents: 1, transaction: Some(name.into()) };
        let failure = bank.0.execute(deposit).await.expect_err("it is no name");
        assert_eq!(failure.violations()[0].pointer(), Some("/transaction"));
    }
}

#[tokio::test]
async fn a_deposit_that_the_account_has_no_room_for_is_refused() {
    let bank = Bank::with(&[("full", i64::MAX)]).await;
    let deposit = Deposit { account: "full".into(), cents: 1, transaction: None };
    let failure = bank.0.execute(deposit).await.expect_err("there is no room");
    assert_eq!((failure.kind(), failure.code()), (FailureKind::Violated, "has_room"));
    assert_eq!(bank.balance("full").await, Some(i64::MAX));
}
