//! Interest is paid automatically, once per month and account.

use bank::domain::{Account, Notifier};
use enact::clock::Timestamp;
use enact::prelude::*;
use enact::testing::{Outcome, TestRuntime};

use crate::fixture::{Recorder, account};
use crate::program::run;

const DAY: Duration = Duration::from_hours(24);

async fn bank_at(time: &str) -> TestRuntime {
    let time: Timestamp = time.parse().expect("a timestamp");
    let bank = TestRuntime::builder().provide::<dyn Notifier>(Arc::new(Recorder::default()));
    bank.starting_at(time).start().await
}

/// Returns the months of all `PayInterest` jobs that ran, in order.
fn months(outcome: &Outcome) -> Vec<String> {
    let jobs = outcome.attempts().iter().filter(|ran| &*ran.job.name == "PayInterest");
    let month = |payload: serde_json::Value| payload["step"]["month"].as_str().map(str::to_owned);
    jobs.filter_map(|ran| ran.job.payload.value().ok().and_then(month)).collect()
}

/// Returns the account with this number.
fn numbered(number: usize, balance_cents: i64) -> Account {
    account(&format!("a-{number:04}"), balance_cents)
}

#[tokio::test]
async fn each_account_is_paid_once_a_month() {
    const ACCOUNTS: usize = 1_001;
    let mut bank = bank_at("2030-01-31T12:00:00Z").await;
    for number in 0..ACCOUNTS {
        bank.given(numbered(number, 80_000)).await;
    }
    bank.drain().await.then_ran([]);

    bank.advance(DAY).await;
    let paid = bank.drain().await;
    assert_eq!(months(&paid), ["2030-01"; 3], "one job per page");
    paid.then_succeeds();
    for number in 0..ACCOUNTS {
        paid.then_entity(&numbered(number, 80_100));
    }

    // A bank that was down on the first of a month catches up on each month that it missed.
    bank.clock().advance(60 * DAY);
    bank.restart().await;
    let paid = bank.drain().await;
    let mut months = months(&paid);
    months.sort();
    assert_eq!(months, ["2030-02", "2030-02", "2030-02", "2030-03", "2030-03", "2030-03"]);
    paid.then_succeeds();
    for number in 0..ACCOUNTS {
        paid.then_entity(&numbered(number, 80_300));
    }
}

#[tokio::test]
async fn an_account_whose_interest_is_below_one_cent_is_paid_nothing() {
    let bank = bank_at("2030-01-31T12:00:00Z").await;
    bank.given(account("poor", 799)).await;
    bank.advance(DAY).await;
    bank.drain()
        .await
        .then_ran(["PayInterest", "CreditInterest"])
        .then_succeeds()
        .then_emits_nothing()
        .then_entity(&account("poor", 799));
}

#[test]
fn the_wiring_shows_schedules_and_queues() {
    let wiring = run(["wiring"]).success();
    assert!(wiring.contains("0 3 1 * *"), "{wiring}");
    assert!(wiring.contains("mail"), "{wiring}");
}
