//! Limits on the number of jobs of a name that have not ended.

use enact::JobKind;
use enact::store::Submitted::{Existing, Full, Mismatch, New};
use enact::store::{Commit, NewJob, Start};

use crate::TestStore;
use crate::sample::{With, at, due, event, in_lane, job, json, key, under_key, worker};

/// A job that is accepted while fewer than `max_queued` of its name are queued.
fn limited(max_queued: u64, name: &str) -> NewJob {
    NewJob { max_queued: Some(max_queued), ..job(name) }
}

pub async fn a_job_is_accepted_below_its_limit(store: TestStore) {
    assert_eq!(store.publish_all(vec![limited(0, "ship")]).await, [Full(0)]);
    for result in [New, New, Full(2), Full(2)] {
        assert_eq!(store.publish_all(vec![limited(2, "ship")]).await, [result]);
    }
    assert_eq!(store.publish_all(vec![limited(1, "ship")]).await, [Full(2)]);
    assert_eq!(store.publish_all(vec![limited(3, "ship")]).await, [New]);
    assert_eq!(store.all_ids().await.len(), 3, "refused jobs are not stored");
}

pub async fn jobs_of_other_names_do_not_count(store: TestStore) {
    for name in ["Ship", "shi", "ship ", "bill"] {
        store.publish(job(name)).await;
    }
    let renamed = NewJob { aliases: &["bill"], ..limited(1, "ship") };

    assert_eq!(store.publish_all(vec![renamed]).await, [New]);
}

pub async fn jobs_without_a_limit_are_accepted_and_count(store: TestStore) {
    for _ in 0..3 {
        store.publish(job("ship")).await;
    }
    store.publish(NewJob { max_queued: Some(u64::MAX), ..job("ship") }).await;

    assert_eq!(store.publish_all(vec![limited(4, "ship")]).await, [Full(4)]);
}

pub async fn every_job_that_has_not_ended_counts(store: TestStore) {
    let running = store.run(job("ship")).await;
    store.execute(job("ship"), &worker("v")).await;
    store.publish(job("ship").with(|job| job.kind = JobKind::EventHandler)).await;
    store.publish(due(at(50), "ship")).await;
    store.publish(in_lane("x", "ship")).await;
    store.publish(in_lane("x", "ship")).await;
    let full = async |queued| {
        assert_eq!(store.publish_all(vec![limited(queued, "ship")]).await, [Full(queued)]);
    };
    full(6).await;
    store.accept(running.retries(at(60))).await;
    full(6).await;

    let again = store.claim_one(&worker("w"), "ship", at(0)).await;
    full(6).await;
    store.accept(again.succeeds()).await;
    full(5).await;
    let failed = store.claim_one(&worker("w"), "ship", at(0)).await;
    store.accept(failed.fails()).await;
    full(4).await;
    store.must_cancel(running.job.id).await;
    full(3).await;
    store.retry_job(failed.job.id).await;
    full(4).await;
}

pub async fn jobs_of_the_same_call_count(store: TestStore) {
    let jobs =
        vec![limited(2, "ship"), job("bill"), limited(2, "ship"), limited(2, "ship"), limited(3, "ship")];

    assert_eq!(store.publish_all(jobs).await, [New, New, New, Full(2), New]);
}

pub async fn refused_and_existing_jobs_do_not_count(store: TestStore) {
    let first = NewJob { max_queued: Some(1), ..under_key("k", "pay", json(5)) };
    let id = first.id;
    let again = |cents| NewJob { max_queued: Some(2), ..under_key("k", "pay", json(cents)) };
    let jobs = vec![first, again(5), again(6), limited(1, "pay"), limited(2, "pay")];

    assert_eq!(store.publish_all(jobs).await, [New, Existing(id), Mismatch(id), Full(1), New]);
}

pub async fn r25_an_existing_request_is_returned_above_the_limit(store: TestStore) {
    let first = store.publish(under_key("k", "pay", json(5))).await;
    let again = NewJob { max_queued: Some(1), ..under_key("k", "pay", json(5)) };

    assert_eq!(store.publish_all(vec![again]).await, [Existing(first)]);
}

pub async fn the_limit_applies_to_jobs_that_start_on_submit(store: TestStore) {
    store.publish(job("ship")).await;
    let executed = || NewJob { start: Some(Start::Running(worker("w"))), ..limited(1, "ship") };

    assert_eq!(store.publish_all(vec![executed()]).await, [Full(1)]);
    assert_eq!(store.running_ids("w", 9).await, []);
}

pub async fn r15_no_event_is_stored_when_a_job_is_over_its_limit(store: TestStore) {
    store.publish(job("on_sent")).await;
    let before = store.snapshot().await;
    let keyed = under_key("k", "second", json(1)).with(|job| job.order_key = Some(key("x")));
    let jobs = vec![keyed.clone(), limited(1, "on_sent")];
    let results = store.submit(vec![event("sent")], jobs).await.expect("submit");

    assert_eq!(results[1], Full(1));
    assert_eq!(store.snapshot().await, before);
    assert_eq!(store.publish_all(vec![keyed]).await, [New], "its key is free");
}

pub async fn r15_staged_jobs_are_accepted_above_the_limit(store: TestStore) {
    let active = store.run(job("ship")).await;
    let staged = vec![limited(0, "bill"), limited(0, "bill")];
    store.accept(Commit { jobs: staged, ..active.succeeds() }).await;

    assert_eq!(store.all_ids().await.len(), 3);
    assert_eq!(store.publish_all(vec![limited(2, "bill")]).await, [Full(2)]);
}
