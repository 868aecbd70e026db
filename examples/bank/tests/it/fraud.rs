//! The fraud assessment of withdrawals, for private customers and enterprises.

use bank::domain::{FraudAssessment, Withdraw};
use enact::prelude::*;
use enact::testing::{Outcome, TestRuntime};

use crate::fixture::{account, bank};

async fn bank_with(cents: i64) -> TestRuntime {
    let (bank, _) = bank().await;
    bank.given(account("a-1", cents)).await;
    bank
}

fn withdraw(cents: i64) -> Withdraw {
    Withdraw { account: "a-1".into(), cents, transaction: None }
}

async fn enterprise_withdraws(bank: &TestRuntime, cents: i64) -> Outcome {
    bank.when_as(ContextSeed::new().with_tenant("enterprise"), withdraw(cents)).await
}

#[tokio::test]
async fn private_customers_can_withdraw_half_a_million_at_a_time() {
    let bank = bank_with(100_000_000).await;

    bank.when(withdraw(50_000_001))
        .await
        .then_chooses::<dyn FraudAssessment>("amount_limit")
        .then_fails(FailureKind::Error, "suspicious")
        .then_gives_up()
        .then_changes_nothing();
    bank.when(withdraw(50_000_000)).await.then_succeeds().then_entity(&account("a-1", 50_000_000));
}

#[tokio::test]
async fn enterprises_can_withdraw_more_but_not_everything() {
    let bank = bank_with(100_000_000).await;

    enterprise_withdraws(&bank, 100_000_000)
        .await
        .then_chooses::<dyn FraudAssessment>("clearance")
        .then_fails(FailureKind::Error, "suspicious")
        .then_changes_nothing();
    enterprise_withdraws(&bank, 99_999_999).await.then_succeeds().then_entity(&account("a-1", 1));
    // A small account can be emptied.
    enterprise_withdraws(&bank, 1).await.then_succeeds().then_entity(&account("a-1", 0));
}
