//! Holders are notified of large withdrawals only, and notifications are retried.

use bank::domain::{LargeWithdrawal, MoneyWithdrawn, Withdraw};
use enact::Step;
use enact::prelude::*;
use enact::testing::{Fault, Point, TestRuntime};

use crate::fixture::{account, bank};

fn withdraw(cents: i64) -> Withdraw {
    Withdraw { account: "a-1".into(), cents, transaction: None }
}

fn large(cents: i64) -> LargeWithdrawal {
    LargeWithdrawal { account: "a-1".into(), holder: Some("Ada".into()), cents }
}

#[tokio::test]
async fn a_holder_is_notified_of_large_withdrawals_only() {
    let (bank, notifier) = bank().await;
    bank.given(account("a-1", 10_000_000)).await;

    bank.when(withdraw(4_999_999))
        .await
        .then_succeeds()
        .then_emits(MoneyWithdrawn { account: "a-1".into(), cents: 4_999_999 });
    bank.when(withdraw(5_000_000))
        .await
        .then_succeeds()
        .then_emits((large(5_000_000), MoneyWithdrawn { account: "a-1".into(), cents: 5_000_000 }));
    assert_eq!(notifier.notified(), [], "the withdrawal waited for the notification");

    bank.drain().await.then_ran(["notify_holder"]).then_succeeds();
    assert_eq!(notifier.notified(), [large(5_000_000)]);
}

#[tokio::test]
async fn a_failed_notification_is_retried_with_growing_pauses() {
    let (bank, notifier) = bank().await;
    notifier.fail_next(3);

    let mut outcome = bank.when_event(large(5_000_000)).await.of("notify_holder");
    for longest in [1, 2, 4].map(Duration::from_secs) {
        outcome.then_fails(FailureKind::Error, "error").then_retries();
        let pause = bank.advance_to_next().await.expect("another attempt is scheduled");
        assert!((longest / 2..=longest).contains(&pause), "{pause:?} is not about {longest:?}");
        outcome = bank.drain_one().await.expect("the attempt is due");
    }
    outcome.then_succeeds();
    assert_eq!(notifier.notified(), [large(5_000_000)]);
}

#[tokio::test]
async fn after_a_crash_the_holder_is_notified_again_and_the_money_is_withdrawn_once() {
    let (mut bank, notifier) = bank().await;
    bank.given(account("a-1", 10_000_000)).await;
    bank.when(withdraw(5_000_000)).await.then_succeeds();

    bank.fault(Point::Before(Step::Commit), Fault::Crash);
    bank.drain().await.then_crashes();
    bank.restart().await;
    bank.advance_past_lease().await;
    bank.advance_to_next().await;
    bank.drain().await.then_ran(["notify_holder"]).then_succeeds().then_entity(&account("a-1", 5_000_000));
    assert_eq!(notifier.notified(), [large(5_000_000), large(5_000_000)]);
}

#[tokio::test]
#[should_panic(expected = "is required by `notify_holder`")]
async fn the_bank_does_not_start_without_a_notifier() {
    TestRuntime::start().await;
}
