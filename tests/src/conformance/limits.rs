//! Limits: how many jobs of a name may be on record that have not ended.

use enact::JobKind;
use enact::store::Submitted::{Existing, Full, Mismatch, New};
use enact::store::{Commit, NewJob};

use super::Subject;
use super::sample::{at, due, event, in_lane, job, json, key, under_key, worker};

/// A job that is taken if fewer than so many of its name are queued.
fn limited(max_queued: u64, name: &str) -> NewJob {
    NewJob { max_queued: Some(max_queued), ..job(name) }
}

pub async fn a_job_is_added_while_fewer_of_its_name_are_queued(store: Subject) {
    assert_eq!(store.publish_all(vec![limited(0, "ship")]).await, [Full(0)]);
    for answer in [New, New, Full(2), Full(2)] {
        assert_eq!(store.publish_all(vec![limited(2, "ship")]).await, [answer]);
    }
    assert_eq!(store.publish_all(vec![limited(1, "ship")]).await, [Full(2)]);
    assert_eq!(store.publish_all(vec![limited(3, "ship")]).await, [New]);
    assert_eq!(store.all_ids().await.len(), 3, "what is refused is not on record");
}

pub async fn those_of_other_names_are_not_counted(store: Subject) {
    for name in ["Ship", "shi", "ship ", "bill"] {
        store.publish(job(name)).await;
    }
    let renamed = NewJob { aliases: &["bill"], ..limited(1, "ship") };

    assert_eq!(store.publish_all(vec![renamed]).await, [New]);
}

pub async fn a_job_that_says_no_limit_is_added_and_counted(store: Subject) {
    for _ in 0..3 {
        store.publish(job("ship")).await;
    }
    store.publish(NewJob { max_queued: Some(u64::MAX), ..job("ship") }).await;

    assert_eq!(store.publish_all(vec![limited(4, "ship")]).await, [Full(4)]);
}

pub async fn every_job_is_counted_that_has_not_ended(store: Subject) {
    let running = store.run(job("ship")).await;
    store.execute(job("ship"), &worker("v")).await;
    store.publish(NewJob { kind: JobKind::EventHandler, ..job("ship") }).await;
    store.publish(due(at(50), "ship")).await;
    store.publish(in_lane("x", "ship")).await;
    store.publish(in_lane("x", "ship")).await;
    let full = async |queued| {
        assert_eq!(store.publish_all(vec![limited(queued, "ship")]).await, [Full(queued)]);
    };
    full(6).await;
    store.accept(running.retries(at(60))).await;
    full(6).await;

    let again = store.take(&worker("w"), "ship", at(0)).await;
    full(6).await;
    store.accept(again.succeeds()).await;
    full(5).await;
    let failed = store.take(&worker("w"), "ship", at(0)).await;
    store.accept(failed.fails()).await;
    full(4).await;
    store.called_off(running.job.id).await;
    full(3).await;
    store.run_again(failed.job.id).await;
    full(4).await;
}

pub async fn those_of_the_same_call_are_counted(store: Subject) {
    let jobs =
        vec![limited(2, "ship"), job("bill"), limited(2, "ship"), limited(2, "ship"), limited(3, "ship")];

    assert_eq!(store.publish_all(jobs).await, [New, New, New, Full(2), New]);
}

pub async fn what_is_refused_or_known_is_not_counted(store: Subject) {
    let first = NewJob { max_queued: Some(1), ..under_key("k", "pay", json(5)) };
    let id = first.id;
    let again = |cents| NewJob { max_queued: Some(2), ..under_key("k", "pay", json(cents)) };
    let jobs = vec![first, again(5), again(6), limited(1, "pay"), limited(2, "pay")];

    assert_eq!(store.publish_all(jobs).await, [New, Existing(id), Mismatch(id), Full(1), New]);
}

pub async fn r25_a_request_that_is_known_is_answered_however_many_are_queued(store: Subject) {
    let first = store.publish(under_key("k", "pay", json(5))).await;
    let again = NewJob { max_queued: Some(1), ..under_key("k", "pay", json(5)) };

    assert_eq!(store.publish_all(vec![again]).await, [Existing(first)]);
}

pub async fn a_job_that_starts_at_once_is_refused_like_any_other(store: Subject) {
    store.publish(job("ship")).await;
    let executed = || NewJob { start: Some(worker("w")), ..limited(1, "ship") };

    assert_eq!(store.publish_all(vec![executed()]).await, [Full(1)]);
    assert_eq!(store.running_ids("w", 9).await, []);
}

pub async fn r15_events_are_not_put_on_record_without_a_job_whose_queue_is_full(store: Subject) {
    store.publish(job("on_sent")).await;
    let before = store.everything().await;
    let keyed = NewJob { order_key: Some(key("x")), ..under_key("k", "second", json(1)) };
    let jobs = vec![keyed.clone(), limited(1, "on_sent")];
    let answers = store.submit(vec![event("sent")], jobs).await.expect("submit");

    assert_eq!(answers[1], Full(1));
    assert_eq!(store.everything().await, before);
    assert_eq!(store.publish_all(vec![keyed]).await, [New], "its key is free");
}

pub async fn r15_what_a_handler_stages_is_taken_however_many_are_queued(store: Subject) {
    let taken = store.run(job("ship")).await;
    let staged = vec![limited(0, "bill"), limited(0, "bill")];
    store.accept(Commit { jobs: staged, ..taken.succeeds() }).await;

    assert_eq!(store.all_ids().await.len(), 3);
    assert_eq!(store.publish_all(vec![limited(2, "bill")]).await, [Full(2)]);
}
