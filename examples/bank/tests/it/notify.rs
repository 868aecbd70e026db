//! Holders are told of large withdrawals, and of no others, until they have been reached.

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
async fn a_holder_is_told_of_a_large_withdrawal_only() {
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
    assert_eq!(notifier.told(), [], "nobody waits for a holder");

    bank.drain().await.then_ran(["notify_holder"]).then_succeeds();
    assert_eq!(notifier.told(), [large(5_000_000)]);
}

#[tokio::test]
async fn a_holder_who_cannot_be_reached_is_tried_again_ever_later() {
    let (bank, notifier) = bank().await;
    notifier.is_out_of_reach(3);

    let mut outcome = bank.when_event(large(5_000_000)).await.of("notify_holder");
    for longest in [1, 2, 4].map(Duration::from_secs) {
        outcome.then_fails(FailureKind::Error, "error").then_retries();
        let pause = bank.advance_to_next().await.expect("another attempt is to come");
        assert!((longest / 2..=longest).contains(&pause), "{pause:?} is not about {longest:?}");
        outcome = bank.drain_one().await.expect("it has come");
    }
    outcome.then_succeeds();
    assert_eq!(notifier.told(), [large(5_000_000)]);
}

#[tokio::test]
async fn a_holder_is_told_twice_if_the_bank_dies_right_after_and_the_money_leaves_once() {
    let (mut bank, notifier) = bank().await;
    bank.given(account("a-1", 10_000_000)).await;
    bank.when(withdraw(5_000_000)).await.then_succeeds();

    bank.fault(Point::Before(Step::Commit), Fault::Crash);
    bank.drain().await.then_crashes();
    bank.restart().await;
    bank.advance_past_lease().await;
    bank.advance_to_next().await;
    bank.drain().await.then_ran(["notify_holder"]).then_succeeds().then_entity(&account("a-1", 5_000_000));
    assert_eq!(notifier.told(), [large(5_000_000), large(5_000_000)]);
}

/// What the domain needs and the compiler cannot know, as a capability that nobody provides, is found by starting it.
#[tokio::test]
#[should_panic(expected = "`notify_holder` needs")]
async fn the_domain_does_not_start_without_its_notifier() {
    TestRuntime::start().await;
}
