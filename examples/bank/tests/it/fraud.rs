//! Which withdrawals look like fraud, and to whom.

use bank::domain::{Account, Deposit, Withdraw};
use enact::Attempt;
use enact::prelude::*;

use crate::notify::bank_in_memory;

const ENTERPRISE: Option<&str> = Some("enterprise");

async fn bank_with(cents: i64) -> Runtime {
    let (bank, _) = bank_in_memory().await;
    let deposit = Deposit { account: "a-1".into(), cents, transaction: None };
    bank.execute(deposit).await.expect("the deposit is booked");
    bank
}

/// Takes money out for a tenant: how the only attempt ended, and what is left.
async fn withdraw(bank: &Runtime, tenant: Option<&str>, cents: i64) -> (Attempt, i64) {
    let withdrawal = Withdraw { account: "a-1".into(), cents, transaction: None };
    let seed = tenant.map_or_else(ContextSeed::new, |tenant| ContextSeed::new().tenant(tenant));
    let published = bank.scope(seed, async { bank.publish(withdrawal).await }).await;
    let job = published.expect("the withdrawal is published");
    let _ = job.outcome().await;
    let attempts = bank.jobs().attempts(job.id()).await.expect("the store answers");
    let [attempt] = attempts.try_into().expect("fraud is not retried");
    let account = bank.entities::<Account>().get(&"a-1".into()).await.expect("the store answers");
    (attempt, account.expect("the account exists").balance_cents)
}

fn chosen(attempt: &Attempt) -> Vec<(&str, &str)> {
    attempt.strategies.iter().map(|choice| (&*choice.strategy, &*choice.variant)).collect()
}

fn code(attempt: &Attempt) -> Option<&str> {
    attempt.failure.as_ref().map(Failure::code)
}

#[tokio::test]
async fn people_take_half_a_million_at_most() {
    let bank = bank_with(100_000_000).await;

    let (attempt, left) = withdraw(&bank, None, 50_000_001).await;
    assert_eq!((code(&attempt), left), (Some("suspicious"), 100_000_000));
    assert_eq!(chosen(&attempt), [("FraudAssessment", "amount_limit")]);
    let (attempt, left) = withdraw(&bank, None, 50_000_000).await;
    assert_eq!((code(&attempt), left), (None, 50_000_000));
}

#[tokio::test]
async fn enterprises_take_more_but_not_all() {
    let bank = bank_with(100_000_000).await;

    let (attempt, left) = withdraw(&bank, ENTERPRISE, 100_000_000).await;
    assert_eq!((code(&attempt), left), (Some("suspicious"), 100_000_000));
    assert_eq!(chosen(&attempt), [("FraudAssessment", "clearance")]);
    let (attempt, left) = withdraw(&bank, ENTERPRISE, 99_999_999).await;
    assert_eq!((code(&attempt), left), (None, 1));
    let (attempt, left) = withdraw(&bank, ENTERPRISE, 1).await;
    assert_eq!((code(&attempt), left), (None, 0), "little is not well filled");
}
