//! Idempotency: of the jobs that are not cancelled, no two have the same key (r25, r24).

use std::sync::Arc;

use enact::JobState;
use enact::store::Submitted::{Existing, Mismatch, New};
use enact::store::{Changed, Commit, CommitError, NewJob, PayloadComparison, Start};
use enact::{JobId, Json};

use super::prune;
use crate::TestStore;
use crate::sample::{With, at, event, job, json, key, under_key, worker};

fn pay(cents: i64) -> NewJob {
    under_key("k", "pay", json(cents))
}

pub async fn r25_the_same_request_returns_the_existing_job(store: TestStore) {
    let first = store.publish(pay(5)).await;
    let before = store.snapshot().await;

    assert_eq!(store.publish_all(vec![pay(5)]).await, [Existing(first)]);
    assert_eq!(store.snapshot().await, before);
}

pub async fn r25_another_payload_is_a_mismatch(store: TestStore) {
    let first = store.publish(pay(5)).await;
    let before = store.snapshot().await;

    assert_eq!(store.publish_all(vec![pay(6)]).await, [Mismatch(first)]);
    assert_eq!(store.snapshot().await, before);
}

pub async fn r25_another_name_is_a_mismatch(store: TestStore) {
    let first = store.publish(pay(5)).await;

    let other = pay(5).with(|job| job.name = "refund".into());
    assert_eq!(store.publish_all(vec![other]).await, [Mismatch(first)]);
}

pub async fn r52_a_request_under_a_former_name_is_the_same(store: TestStore) {
    let first = store.publish(pay(5)).await;

    let renamed = |cents| {
        pay(cents).with(|job| {
            job.name = "settle".into();
            job.aliases = &["pay_off", "pay"];
        })
    };
    assert_eq!(store.publish_all(vec![renamed(5)]).await, [Existing(first)]);
    assert_eq!(store.publish_all(vec![renamed(6)]).await, [Mismatch(first)]);
}

pub async fn r52_a_staged_request_under_a_former_name_is_the_same(store: TestStore) {
    let first = store.publish(pay(5)).await;
    let renamed = pay(5).with(|job| {
        job.name = "settle".into();
        job.aliases = &["pay"];
    });
    let active = store.run(job("ship")).await;
    store.accept(Commit { jobs: vec![renamed], ..active.succeeds() }).await;

    assert_eq!(store.all_ids().await, [first, active.job.id]);
}

pub async fn r25_the_key_order_of_a_payload_is_ignored(store: TestStore) {
    let payload = |text: &str| under_key("k", "pay", Json::from_text(text));
    let first = store.publish(payload(r#"{"to":{"iban":"DE1","bic":"X"},"cents":5}"#)).await;

    let reordered = payload(r#"{"cents":5,"to":{"bic":"X","iban":"DE1"}}"#);
    assert_eq!(store.publish_all(vec![reordered]).await, [Existing(first)]);
    let other = payload(r#"{"cents":5,"to":{"bic":"DE1","iban":"X"}}"#);
    assert_eq!(store.publish_all(vec![other]).await, [Mismatch(first)]);
}

pub async fn r25_the_notation_of_a_payload_is_ignored(store: TestStore) {
    let payload = |text: &str| under_key("k", "pay", Json::from_text(text));
    let first = store.publish(payload(r#"{"cents":1,"by":"\u00e9"}"#)).await;

    let same = ["{ \"by\": \"\u{e9}\", \"cents\": 1.0 }", r#"{"cents":10e-1,"by":"\u00e9"}"#].map(payload);
    assert_eq!(store.publish_all(same.into()).await, [Existing(first), Existing(first)]);
    let others = [r#"{"cents":1.5,"by":"\u00e9"}"#, r#"{"cents":1,"by":"e"}"#].map(payload);
    assert_eq!(store.publish_all(others.into()).await, [Mismatch(first), Mismatch(first)]);
}

pub async fn r25_large_numbers_are_compared_exactly(store: TestStore) {
    let large = |number: &str| under_key(&number[..3], "pay", Json::from_text(number));
    for (number, next) in [
        ("18446744073709551615", "18446744073709551614"),
        ("-9223372036854775808", "-9223372036854775807"),
        ("340282366920938463463374607431768211455", "340282366920938463463374607431768211454"),
    ] {
        let first = store.publish(large(number)).await;
        assert_eq!(
            store.publish_all(vec![large(next), large(number)]).await,
            [Mismatch(first), Existing(first)]
        );
    }
}

/// Compares amounts without their last digit.
#[derive(Debug)]
struct Rounded;

impl PayloadComparison for Rounded {
    fn is_equal(&self, stored: &Json, new: &Json) -> bool {
        let [stored, new] =
            [stored, new].map(|amount| amount.parse::<i64>().expect("the payload of this case is a number"));
        stored / 10 == new / 10
    }
}

fn rounded(cents: i64) -> NewJob {
    pay(cents).with(|job| job.comparison = Some(Arc::new(Rounded)))
}

pub async fn r25_payloads_are_compared_by_the_comparison_of_the_new_job(store: TestStore) {
    let first = store.publish(pay(15)).await;

    assert_eq!(
        store.publish_all(vec![rounded(15), rounded(19), rounded(20), pay(19)]).await,
        [Existing(first), Existing(first), Mismatch(first), Mismatch(first)]
    );
    let renamed = rounded(19).with(|job| job.name = "refund".into());
    assert_eq!(store.publish_all(vec![renamed]).await, [Mismatch(first)]);
}

pub async fn r25_payloads_of_one_call_are_compared_by_the_comparison_of_the_later_job(store: TestStore) {
    let jobs = vec![pay(15), rounded(19), rounded(20)];
    let first = jobs[0].id;

    assert_eq!(store.publish_all(jobs).await, [New, Existing(first), Mismatch(first)]);
}

pub async fn r25_the_payloads_of_staged_jobs_are_compared_by_their_comparison(store: TestStore) {
    let first = store.publish(pay(15)).await;
    let active = store.run(job("ship")).await;
    store.accept(Commit { jobs: vec![rounded(19)], ..active.succeeds() }).await;

    assert_eq!(store.all_ids().await, [first, active.job.id]);
}

pub async fn r25_only_name_and_payload_are_compared(store: TestStore) {
    let first = store.publish(pay(5)).await;

    let elsewhere = pay(5).with(|job| {
        job.target = Some(key("a"));
        job.created_at = at(60);
    });
    assert_eq!(store.publish_all(vec![elsewhere]).await, [Existing(first)]);
}

pub async fn r25_a_key_used_twice_in_one_call_stores_one_job(store: TestStore) {
    let jobs = vec![pay(5), job("ship"), pay(5), pay(6)];
    let [first, ship]: [JobId; 2] = [jobs[0].id, jobs[1].id];

    assert_eq!(store.publish_all(jobs).await, [New, New, Existing(first), Mismatch(first)]);
    assert_eq!(store.all_ids().await, [first, ship]);
}

pub async fn r25_a_mismatch_does_not_affect_the_rest_of_the_call(store: TestStore) {
    let first = store.publish(pay(5)).await;
    let ship = job("ship");
    let ship_id = ship.id;

    let result = store.submit(vec![event("paid")], vec![pay(6), ship]).await.expect("submit");
    assert_eq!(result, [Mismatch(first), New]);
    assert_eq!(store.all_ids().await, [first, ship_id]);
    assert_eq!(store.all_events().await.len(), 1);
}

pub async fn r25_an_execution_under_a_used_key_does_not_start(store: TestStore) {
    let first = store.publish(pay(5)).await;
    let executed = NewJob { start: Some(Start::Running(worker("w"))), ..pay(5) };

    assert_eq!(store.publish_all(vec![executed]).await, [Existing(first)]);
    assert_eq!(store.state(first).await, JobState::Ready);
    assert_eq!(store.running_ids("w", 9).await, []);
}

pub async fn r25_a_key_is_used_in_every_state_of_its_job(store: TestStore) {
    let first = store.publish(pay(5)).await;
    let check = async |state| {
        assert_eq!(store.state(first).await, state);
        assert_eq!(
            store.publish_all(vec![pay(5), pay(6)]).await,
            [Existing(first), Mismatch(first)],
            "{state}"
        );
    };
    check(JobState::Ready).await;
    let active = store.claim_one(&worker("w"), "pay", at(0)).await;
    check(JobState::Running).await;
    store.accept(active.retries(at(5))).await;
    check(JobState::Waiting).await;
    let active = store.claim_one(&worker("w"), "pay", at(5)).await;
    store.accept(active.succeeds()).await;
    check(JobState::Succeeded).await;
}

pub async fn r25_a_key_is_used_after_its_job_failed(store: TestStore) {
    let active = store.run(pay(5)).await;
    store.accept(active.fails()).await;

    assert_eq!(store.publish_all(vec![pay(5)]).await, [Existing(active.job.id)]);
}

pub async fn r24_cancelling_a_job_in_any_state_frees_its_key(store: TestStore) {
    for state in [JobState::Ready, JobState::Running, JobState::Waiting] {
        let first = store.publish(pay(5)).await;
        if state != JobState::Ready {
            let active = store.claim_one(&worker("w"), "pay", at(0)).await;
            if state == JobState::Waiting {
                store.accept(active.retries(at(50))).await;
            }
        }
        assert_eq!(store.state(first).await, state);
        store.must_cancel(first).await;

        // Another request, and the same one after it.
        let second = store.publish(pay(6)).await;
        assert_eq!(store.publish_all(vec![pay(5)]).await, [Mismatch(second)], "{state}");
        store.must_cancel(second).await;
        let third = store.publish(pay(5)).await;
        assert_eq!(store.publish_all(vec![pay(5)]).await, [Existing(third)], "{state}");
        store.must_cancel(third).await;
    }
}

pub async fn r24_a_cancelled_job_shows_its_key_and_another_has_it(store: TestStore) {
    let first = store.publish(pay(5)).await;
    store.must_cancel(first).await;
    let second = store.publish(pay(5)).await;

    for id in [first, second] {
        assert_eq!(store.find(id).await.idempotency_key, Some(key("k")));
    }
    assert_eq!(store.cancel_job(first).await, Changed::Illegal(JobState::Cancelled));
    assert_eq!(store.retry_job(first).await, Changed::Illegal(JobState::Cancelled));
    assert_eq!(store.publish_all(vec![pay(5), pay(6)]).await, [Existing(second), Mismatch(second)]);
}

pub async fn r24_a_successor_that_is_cancelled_with_its_predecessor_frees_its_key(store: TestStore) {
    let ship = store.publish(job("ship")).await;
    let first = store.publish(pay(5).with(|job| job.after = vec![ship])).await;
    assert_eq!(store.cancel_job(ship).await, Changed::Done(vec![ship, first]));

    let second = store.publish(pay(6)).await;
    assert_eq!(store.state(second).await, JobState::Ready);
}

pub async fn r24_a_job_that_is_cancelled_from_the_start_does_not_have_its_key(store: TestStore) {
    let ship = store.publish(job("ship")).await;
    store.must_cancel(ship).await;
    let after_ship = || pay(5).with(|job| job.after = vec![ship]);
    let jobs = vec![after_ship(), pay(6), pay(5), after_ship()];
    let holder = jobs[1].id;
    assert_eq!(store.publish_all(jobs).await, [New, New, Mismatch(holder), Mismatch(holder)]);
    store.must_cancel(holder).await;
    assert_eq!(store.state(store.publish(after_ship()).await).await, JobState::Cancelled);

    // Also when an execution stages them.
    let active = store.run(job("ship")).await;
    let (staged, second) = (after_ship(), pay(7));
    let ids = [staged.id, second.id];
    store.accept(Commit { jobs: vec![staged, second], ..active.succeeds() }).await;
    assert_eq!(store.state(ids[0]).await, JobState::Cancelled);
    assert_eq!(store.publish_all(vec![pay(7)]).await, [Existing(ids[1])]);
}

pub async fn r24_a_key_can_be_freed_again_and_again(store: TestStore) {
    for cents in 0..20 {
        let id = store.publish(pay(cents)).await;
        store.must_cancel(id).await;
    }
    let active = store.run(pay(5)).await;
    store.accept(active.succeeds()).await;
    assert_eq!(
        store.publish_all(vec![pay(5), pay(6)]).await,
        [Existing(active.job.id), Mismatch(active.job.id)]
    );
}

pub async fn r24_pruning_a_cancelled_job_leaves_its_key_to_the_next(store: TestStore) {
    let first = store.publish(pay(5)).await;
    store.must_cancel(first).await;
    let second = store.publish(pay(5)).await;
    assert_eq!(store.prune_all(prune::all_ended()).await, 1);

    assert_eq!(store.all_ids().await, [second]);
    assert_eq!(store.publish_all(vec![pay(5)]).await, [Existing(second)]);
    store.must_cancel(second).await;
    assert_eq!(store.prune_all(prune::all_ended()).await, 1);
    store.publish(pay(6)).await;
}

pub async fn r25_idempotency_keys_match_exactly(store: TestStore) {
    for text in ["k", "K", "k ", "", "\u{e9}", "e\u{301}", "k\0"] {
        store.publish(under_key(text, "pay", json(5))).await;
    }
}

pub async fn jobs_without_a_key_are_all_stored(store: TestStore) {
    for _ in 0..3 {
        store.publish(job("pay")).await;
    }
    assert_eq!(store.all_ids().await.len(), 3);
}

pub async fn r25_a_staged_job_that_exists_is_not_stored_again(store: TestStore) {
    let first = store.publish(pay(5)).await;
    let active = store.run(job("ship")).await;
    let bill = job("bill");
    let bill_id = bill.id;
    store.accept(Commit { jobs: vec![pay(5), bill], ..active.succeeds() }).await;

    assert_eq!(store.all_ids().await, [first, active.job.id, bill_id]);
}

pub async fn r25_a_staged_job_uses_its_key(store: TestStore) {
    let active = store.run(job("ship")).await;
    let staged = pay(5);
    let staged_id = staged.id;
    store.accept(Commit { jobs: vec![staged, pay(5)], ..active.succeeds() }).await;

    assert_eq!(store.publish_all(vec![pay(5), pay(6)]).await, [Existing(staged_id), Mismatch(staged_id)]);
}

pub async fn r25_two_different_staged_jobs_under_one_key_are_a_mismatch(store: TestStore) {
    let active = store.run(job("ship")).await;
    let (first, second) = (pay(5), pay(6));
    let ids = (second.id, first.id);
    match store.refuse(Commit { jobs: vec![first, second], ..active.succeeds() }).await {
        CommitError::Mismatch { staged, existing } => assert_eq!((staged, existing), ids),
        refusal => panic!("{refusal:?}"),
    }
}
