//! Transfers are completed, refunded or refused, and no money is lost.

use bank::domain::{
    Account, CompleteTransfer, Deposit, RefundReason, RefundTransfer, StartTransfer, Transfer,
    TransferCompleted, TransferRefunded, TransferStarted, TransferState,
};
use enact::Step;
use enact::prelude::*;
use enact::testing::{Fault, Outcome, Point, TestRuntime};

use crate::fixture::{account, bank};

/// Starts a bank with these accounts.
async fn bank_with(accounts: &[(&str, i64)]) -> TestRuntime {
    let (bank, _) = bank().await;
    for (id, cents) in accounts {
        bank.given(account(id, *cents)).await;
    }
    bank
}

fn start(id: &str, from: &str, to: &str, cents: i64) -> StartTransfer {
    StartTransfer { transfer: id.into(), from: from.into(), to: to.into(), cents }
}

/// Returns the transfer that `start` begins, in this state.
fn transfer(start: StartTransfer, state: TransferState) -> Transfer {
    Transfer { id: start.transfer, from: start.from, to: start.to, cents: start.cents, state }
}

/// Executes a transfer and all jobs that it causes.
async fn carry_out(bank: &TestRuntime, start: StartTransfer) -> Outcome {
    bank.when(start).await.then_succeeds();
    let outcome = bank.drain().await;
    outcome.then_succeeds();
    outcome
}

#[tokio::test]
async fn a_transfer_is_completed_step_by_step() {
    let bank = bank_with(&[("a", 500), ("b", 0)]).await;
    let (id, from, to) = (|| "t".into(), || "a".into(), || "b".into());

    bank.when(start("t", "a", "b", 200))
        .await
        .then_emits(TransferStarted { transfer: id(), from: from(), to: to(), cents: 200 })
        .then_entity(&account("a", 300));
    bank.drain_one()
        .await
        .expect("the transfer is routed")
        .then_ran(["route_transfer"])
        .then_publishes(CompleteTransfer { transfer: id(), from: from(), to: to(), cents: 200 })
        .then_entity(&transfer(start("t", "a", "b", 200), TransferState::Pending));
    bank.drain()
        .await
        .then_ran(["CompleteTransfer", "record_completion"])
        .then_succeeds()
        .then_emits(TransferCompleted { transfer: id() })
        .then_entity(&account("b", 200))
        .then_entity(&transfer(start("t", "a", "b", 200), TransferState::Completed));
}

#[tokio::test]
async fn a_transfer_to_a_missing_account_is_refunded() {
    let bank = bank_with(&[("a", 500)]).await;
    let reason = RefundReason::NoSuchAccount;
    carry_out(&bank, start("t", "a", "nobody", 200))
        .await
        .then_publishes(RefundTransfer { transfer: "t".into(), from: "a".into(), cents: 200, reason })
        .then_emits(TransferRefunded { transfer: "t".into(), reason })
        .then_entity(&transfer(start("t", "a", "nobody", 200), TransferState::Refunded(reason)))
        .then_entity(&account("a", 500))
        .then_no_entity::<Account>(&"nobody".into());
}

#[tokio::test]
async fn a_transfer_to_a_full_account_is_refunded() {
    let full = i64::MAX - 100;
    let bank = bank_with(&[("a", 500), ("full", full)]).await;
    carry_out(&bank, start("t", "a", "full", 101))
        .await
        .then_entity(&transfer(start("t", "a", "full", 101), TransferState::Refunded(RefundReason::NoRoom)))
        .then_entity(&account("a", 500))
        .then_entity(&account("full", full));
    carry_out(&bank, start("u", "a", "full", 100))
        .await
        .then_entity(&transfer(start("u", "a", "full", 100), TransferState::Completed));
}

#[tokio::test]
async fn a_transfer_that_is_not_covered_is_refused() {
    let bank = bank_with(&[("a", 500), ("b", 0)]).await;
    bank.when(start("t", "a", "b", 501))
        .await
        .then_fails(FailureKind::Violated, "transfer_covered")
        .then_gives_up()
        .then_changes_nothing();
}

#[tokio::test]
async fn a_transfer_to_the_same_account_is_refused_with_all_violations() {
    let bank = bank_with(&[("a", 500)]).await;
    let outcome = bank.when(start("t", "a", "a", 501)).await;
    outcome.then_fails(FailureKind::Violated, "to_another_account");
    let failure = outcome.failure().expect("the transfer fails");
    assert!(failure.to_string().contains("Sender and recipient are different accounts."));
    assert_eq!(failure.violations().len(), 2);
}

#[tokio::test]
async fn a_transfer_from_a_missing_account_is_refused() {
    let bank = bank_with(&[("b", 0)]).await;
    bank.when(start("t", "nobody", "b", 1)).await.then_fails(FailureKind::NotFound, "not_found");
}

#[tokio::test]
async fn a_transfer_is_carried_out_once() {
    let bank = bank_with(&[("a", 500), ("b", 0)]).await;
    carry_out(&bank, start("t", "a", "b", 200)).await.then_entity(&account("b", 200));

    bank.when(start("t", "a", "b", 200)).await.then_succeeds().then_changes_nothing();
    bank.when(start("t", "a", "b", 201))
        .await
        .then_fails(FailureKind::IdempotencyMismatch, "idempotency_mismatch")
        .then_changes_nothing();
    bank.drain().await.then_ran([]).then_entity(&account("a", 300)).then_entity(&account("b", 200));
}

#[tokio::test]
async fn a_transfer_is_completed_wherever_the_bank_crashes() {
    for &point in Point::ALL {
        for step in 0..4 {
            let mut bank = bank_with(&[("a", 500), ("b", 0)]).await;
            let published = bank.runtime().publish(start("t", "a", "b", 200)).await;
            published.expect("the transfer is published");
            for _ in 0..step {
                bank.drain_one().await.expect("there is another step").then_succeeds();
            }
            if matches!(point, Point::Failing | Point::Failed) {
                bank.fault(Point::Before(Step::Handle), Fault::Error);
            }
            bank.fault(point, Fault::Crash);
            let _ = bank.drain().await;
            assert_eq!(bank.faults_left(), [], "{point} of step {step}");

            bank.restart().await;
            bank.advance_past_lease().await;
            bank.advance(Duration::from_secs(1)).await;
            bank.drain()
                .await
                .then_entity(&account("a", 300))
                .then_entity(&account("b", 200))
                .then_entity(&transfer(start("t", "a", "b", 200), TransferState::Completed));
        }
    }
}

#[tokio::test]
async fn ids_that_could_collide_with_step_keys_are_refused() {
    let bank = bank_with(&[("a", 500)]).await;
    for id in ["t/refund", "t/complete", ""] {
        bank.when(start(id, "a", "b", 1)).await.then_fails(FailureKind::Invalid, "pattern");
        let deposit = Deposit { account: "a".into(), cents: 1, transaction: Some(id.into()) };
        let outcome = bank.when(deposit).await;
        outcome.then_fails(FailureKind::Invalid, "pattern");
        let failure = outcome.failure().expect("the deposit is refused");
        assert_eq!(failure.violations()[0].pointer(), Some("/transaction"));
    }
}

#[tokio::test]
async fn a_deposit_that_exceeds_the_maximum_balance_is_refused() {
    let bank = bank_with(&[("full", i64::MAX)]).await;
    bank.when(Deposit { account: "full".into(), cents: 1, transaction: None })
        .await
        .then_fails(FailureKind::Violated, "has_room")
        .then_changes_nothing();
}
