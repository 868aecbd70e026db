//! Leases: which attempts have lost their worker, and who may give them up.

use enact::JobState;
use enact::store::{Commit, Next, RunningJob};

use super::Subject;
use super::sample::{MICROSECOND, account, at, event, job, jobs, worker, write};

pub async fn r23_an_attempt_of_a_worker_without_a_lease_has_lapsed(store: Subject) {
    let taken = store.run(job("ship")).await;

    assert_eq!(store.lapsed_ids(at(0), 9).await, [taken.job.id]);
}

pub async fn r23_an_attempt_lapses_when_the_lease_has_ended_and_not_before(store: Subject) {
    store.lease(&worker("w"), at(10)).await;
    let taken = store.run(job("ship")).await;

    assert_eq!(store.lapsed_ids(at(9), 9).await, []);
    assert_eq!(store.lapsed_ids(at(10), 9).await, []);
    assert_eq!(store.lapsed_ids(at(10) + MICROSECOND, 9).await, [taken.job.id]);
}

pub async fn r23_a_renewed_lease_covers_everything_that_the_worker_runs(store: Subject) {
    store.lease(&worker("w"), at(10)).await;
    let claimed = store.run(job("ship")).await;
    let executed = store.execute(job("ship"), &worker("w")).await;
    store.lease(&worker("w"), at(20)).await;
    let later = store.run(job("ship")).await;

    assert_eq!(store.lapsed_ids(at(20), 9).await, []);
    let all = [claimed.job.id, executed.job.id, later.job.id];
    assert_eq!(store.lapsed_ids(at(21), 9).await, all);
}

pub async fn r23_each_worker_has_a_lease_of_its_own(store: Subject) {
    store.lease(&worker("w"), at(10)).await;
    store.lease(&worker("v"), at(20)).await;
    let [of_w, of_v, of_u] = ["w", "v", "u"].map(worker);
    let of_w = store.execute(job("ship"), &of_w).await.job.id;
    let of_v = store.execute(job("ship"), &of_v).await.job.id;
    let of_u = store.execute(job("ship"), &of_u).await.job.id;

    assert_eq!(store.lapsed_ids(at(5), 9).await, [of_u]);
    assert_eq!(store.lapsed_ids(at(15), 9).await, [of_w, of_u]);
    assert_eq!(store.lapsed_ids(at(25), 9).await, [of_w, of_v, of_u]);
}

pub async fn lapsed_attempts_come_first_ones_first_and_no_more_than_asked_for(store: Subject) {
    let jobs = jobs::<5>("ship");
    let ids = jobs.each_ref().map(|job| job.id);
    store.publish_all(jobs.into()).await;
    store.claim_ids(&["ship"], 5, at(0)).await;

    assert_eq!(store.lapsed_ids(at(99), 0).await, []);
    assert_eq!(store.lapsed_ids(at(99), 2).await, ids[..2]);
    assert_eq!(store.lapsed_ids(at(99), 9).await, ids);
}

pub async fn a_limit_counts_lapsed_attempts_only(store: Subject) {
    store.lease(&worker("w"), at(99)).await;
    store.execute(job("ship"), &worker("w")).await;
    let lapsed = store.execute(job("ship"), &worker("v")).await;

    assert_eq!(store.lapsed_ids(at(50), 1).await, [lapsed.job.id]);
}

pub async fn a_lapsed_attempt_is_answered_with_its_worker_and_its_time(store: Subject) {
    let first = store.run(job("ship")).await;
    store.accept(first.retries(at(5))).await;
    let second = store.take(&worker("v"), "ship", at(6)).await;

    let expected = RunningJob { job: second.job.clone(), worker: worker("v"), started_at: at(6) };
    assert_eq!(store.lapsed(at(9), 9).await.expect("lapsed"), [expected]);
    assert_eq!(second.job.attempts, 2);
}

pub async fn only_what_runs_can_lapse(store: Subject) {
    for name in ["succeeds", "fails", "retries"] {
        let taken = store.run(job(name)).await;
        let commit = match name {
            "succeeds" => taken.succeeds(),
            "fails" => taken.fails(),
            _ => taken.retries(at(50)),
        };
        store.accept(commit).await;
    }
    store.publish(job("ready")).await;

    assert_eq!(store.lapsed_ids(at(99), 9).await, []);
}

pub async fn r23_an_attempt_of_a_worker_without_a_lease_can_be_given_up(store: Subject) {
    let taken = store.run(job("ship")).await;
    store.accept(taken.is_lost(at(1))).await;

    assert_eq!(store.state(taken.job.id).await, JobState::Failed);
}

pub async fn r23_an_attempt_is_given_up_only_after_its_lease_has_ended(store: Subject) {
    store.lease(&worker("w"), at(10)).await;
    let taken = store.run(job("ship")).await;
    store.fence(taken.is_lost(at(9))).await;
    store.fence(taken.is_lost(at(10))).await;
    store.accept(taken.is_lost(at(10) + MICROSECOND)).await;
}

pub async fn r23_an_attempt_whose_lease_was_renewed_in_time_is_not_given_up(store: Subject) {
    store.lease(&worker("w"), at(10)).await;
    let taken = store.run(job("ship")).await;
    assert_eq!(store.lapsed_ids(at(11), 9).await, [taken.job.id]);

    store.lease(&worker("w"), at(20)).await;
    store.fence(taken.is_lost(at(11))).await;
    store.accept(taken.succeeds()).await;
}

pub async fn r23_a_worker_cannot_commit_what_was_given_up(store: Subject) {
    store.lease(&worker("w"), at(10)).await;
    let taken = store.run(job("ship")).await;
    let lost = Commit { next: Next::Retry(at(11)), ..taken.is_lost(at(11)) };
    store.accept(lost).await;

    let late =
        Commit { write: Some(write(account("a"), 0)), events: vec![event("shipped")], ..taken.succeeds() };
    store.fence(late.clone()).await;
    // Not when it has its lease back, nor while another worker runs the job.
    store.lease(&worker("w"), at(99)).await;
    store.fence(late.clone()).await;
    let again = store.take(&worker("v"), "ship", at(12)).await;
    store.fence(late).await;
    store.accept(again.succeeds()).await;
}

pub async fn r23_a_worker_that_nobody_gave_up_can_commit_late(store: Subject) {
    store.lease(&worker("w"), at(10)).await;
    let taken = store.run(job("ship")).await;
    assert_eq!(store.lapsed_ids(at(50), 9).await, [taken.job.id]);

    store.accept(taken.succeeds()).await;
}
