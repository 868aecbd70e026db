//! Leases: what a worker says of itself, what it runs, and who may give its attempts up.

use std::time::Duration;

use enact::JobState;
use enact::store::{Commit, Lease, Next, RunningJob};

use super::Subject;
use super::sample::{account, at, event, job, jobs, lease, worker, write};

pub async fn r23_a_lease_is_read_as_it_was_put_on_record(store: Subject) {
    store.run(job("ship")).await;
    for (renewals, microseconds) in [(1, 0), (2, 1), (3, 30_000_001), (1 << 53, 31_536_000_000_000)] {
        let length = Duration::from_micros(microseconds);
        let lease = Lease { worker: worker("w"), renewals, length };
        store.renew(lease.clone()).await.expect("renew");
        assert_eq!(store.all_leases().await, [lease], "in the place of the one before");
    }
}

pub async fn r23_a_worker_that_never_took_a_lease_has_an_empty_one(store: Subject) {
    store.run(job("ship")).await;

    let empty = Lease { worker: worker("w"), renewals: 0, length: Duration::ZERO };
    assert_eq!(store.all_leases().await, [empty]);
}

pub async fn r23_each_worker_has_a_lease_of_its_own(store: Subject) {
    for by in ["u", "v", "w"] {
        store.execute(job("ship"), &worker(by)).await;
    }
    store.lease("v", 7).await;
    store.lease("w", 2).await;

    let empty = Lease { worker: worker("u"), renewals: 0, length: Duration::ZERO };
    assert_eq!(store.all_leases().await, [empty, lease("v", 7), lease("w", 2)]);
}

pub async fn r23_the_leases_are_those_of_the_workers_that_run_something(store: Subject) {
    store.lease("w", 1).await;
    store.lease("idle", 1).await;
    assert_eq!(store.all_leases().await, []);

    let [claimed, executed] = [store.run(job("ship")).await, store.execute(job("ship"), &worker("w")).await];
    assert_eq!(store.all_leases().await, [lease("w", 1)]);
    store.accept(claimed.succeeds()).await;
    assert_eq!(store.all_leases().await, [lease("w", 1)]);
    store.accept(executed.retries(at(5))).await;
    assert_eq!(store.all_leases().await, []);

    let again = store.take(&worker("v"), "ship", at(5)).await;
    let of_v = Lease { worker: worker("v"), renewals: 0, length: Duration::ZERO };
    assert_eq!(store.all_leases().await, [of_v]);
    store.called_off(again.job.id).await;
    assert_eq!(store.all_leases().await, []);
}

pub async fn a_worker_runs_what_it_claimed_and_what_it_began_at_once(store: Subject) {
    let first = store.run(job("ship")).await;
    store.execute(job("ship"), &worker("v")).await;
    let second = store.execute(job("ship"), &worker("w")).await;

    assert_eq!(store.running_ids("w", 9).await, [first.job.id, second.job.id]);
    assert_eq!(store.running_ids("W", 9).await, []);
}

pub async fn running_jobs_come_first_ones_first_and_no_more_than_asked_for(store: Subject) {
    let jobs = jobs::<5>("ship");
    let ids = jobs.each_ref().map(|job| job.id);
    store.publish_all(jobs.into()).await;
    store.claim_ids(&["ship"], 5, at(0)).await;

    assert_eq!(store.running_ids("w", 0).await, []);
    assert_eq!(store.running_ids("w", 2).await, ids[..2]);
    assert_eq!(store.running_ids("w", 9).await, ids);
}

pub async fn a_running_job_is_answered_with_its_worker_and_its_time(store: Subject) {
    let first = store.run(job("ship")).await;
    store.accept(first.retries(at(5))).await;
    let second = store.take(&worker("v"), "ship", at(6)).await;

    let expected = RunningJob { job: second.job.clone(), worker: worker("v"), started_at: at(6) };
    assert_eq!(store.running(&worker("v"), 9).await.expect("running"), [expected]);
    assert_eq!(store.running_ids("w", 9).await, [], "it ran the attempt before");
    assert_eq!(second.job.attempts, 2);
}

pub async fn only_what_runs_is_running(store: Subject) {
    for name in ["succeeds", "fails", "retries", "is called off"] {
        let taken = store.run(job(name)).await;
        match name {
            "succeeds" => _ = store.accept(taken.succeeds()).await,
            "fails" => _ = store.accept(taken.fails()).await,
            "retries" => _ = store.accept(taken.retries(at(50))).await,
            _ => store.called_off(taken.job.id).await,
        }
    }
    store.publish(job("ready")).await;

    assert_eq!(store.running_ids("w", 9).await, []);
}

pub async fn r23_an_attempt_of_a_worker_without_a_lease_can_be_given_up(store: Subject) {
    let taken = store.run(job("ship")).await;
    store.accept(taken.is_lost(0)).await;

    assert_eq!(store.state(taken.job.id).await, JobState::Failed);
}

pub async fn r23_an_attempt_is_given_up_unless_its_worker_has_renewed_since(store: Subject) {
    store.lease("w", 4).await;
    let taken = store.run(job("ship")).await;
    for seen in [0, 3] {
        store.fence(taken.is_lost(seen)).await;
    }
    store.lease("w", 5).await;
    store.fence(taken.is_lost(4)).await;
    store.lease("v", 4).await;
    store.fence(taken.is_lost(4)).await;
    store.accept(taken.is_lost(5)).await;
}

pub async fn r23_a_worker_cannot_commit_what_was_given_up(store: Subject) {
    store.lease("w", 1).await;
    let taken = store.run(job("ship")).await;
    let lost = Commit { next: Next::Retry(at(11)), ..taken.is_lost(1) };
    store.accept(lost).await;

    let late =
        Commit { write: Some(write(account("a"), 0)), events: vec![event("shipped")], ..taken.succeeds() };
    store.fence(late.clone()).await;
    // Not when it is heard of again, nor while another worker runs the job.
    store.lease("w", 2).await;
    store.fence(late.clone()).await;
    let again = store.take(&worker("v"), "ship", at(12)).await;
    store.fence(late).await;
    store.accept(again.succeeds()).await;
}

pub async fn r23_a_worker_that_nobody_gave_up_can_commit_late(store: Subject) {
    store.lease("w", 1).await;
    let taken = store.run(job("ship")).await;
    store.lease("w", 2).await;

    store.accept(taken.succeeds()).await;
}

pub async fn r23_a_worker_that_runs_nothing_is_taken_off_the_record(store: Subject) {
    store.lease("w", 3).await;
    store.lease("v", 3).await;
    store.retire(&worker("w"), 3).await.expect("retire");

    for by in ["w", "v"] {
        store.execute(job("ship"), &worker(by)).await;
    }
    let empty = Lease { worker: worker("w"), renewals: 0, length: Duration::ZERO };
    assert_eq!(store.all_leases().await, [lease("v", 3), empty], "only that worker has retired");
}

pub async fn r23_a_worker_that_has_renewed_since_stays(store: Subject) {
    store.lease("w", 3).await;
    store.lease("w", 4).await;
    for seen in [0, 3, 5] {
        store.retire(&worker("w"), seen).await.expect("retire");
    }

    let taken = store.run(job("ship")).await;
    assert_eq!(store.all_leases().await, [lease("w", 4)]);
    store.fence(taken.is_lost(3)).await;
    store.accept(taken.succeeds()).await;
}

pub async fn r23_a_worker_that_runs_something_stays(store: Subject) {
    store.lease("w", 3).await;
    let [claimed, executed] = [store.run(job("ship")).await, store.execute(job("ship"), &worker("w")).await];
    for taken in [claimed, executed] {
        store.retire(&worker("w"), 3).await.expect("retire");
        assert_eq!(store.all_leases().await, [lease("w", 3)]);
        // Nobody who has looked before its last renewal gives up what it runs.
        for seen in [0, 2] {
            store.fence(taken.is_lost(seen)).await;
        }
        store.accept(taken.succeeds()).await;
    }
    store.retire(&worker("w"), 3).await.expect("retire");

    store.run(job("ship")).await;
    let empty = Lease { worker: worker("w"), renewals: 0, length: Duration::ZERO };
    assert_eq!(store.all_leases().await, [empty], "it ran nothing any more");
}

pub async fn r23_a_retired_worker_that_is_alive_can_come_back(store: Subject) {
    store.lease("w", 3).await;
    store.retire(&worker("w"), 3).await.expect("retire");
    store.lease("w", 4).await;
    let taken = store.run(job("ship")).await;

    assert_eq!(store.all_leases().await, [lease("w", 4)]);
    store.fence(taken.is_lost(0)).await;
    store.fence(taken.is_lost(3)).await;
    store.accept(taken.succeeds()).await;
}

pub async fn a_worker_that_nobody_knows_can_retire(store: Subject) {
    store.run(job("ship")).await;
    let before = store.everything().await;
    for renewals in [0, 1] {
        store.retire(&worker("stranger"), renewals).await.expect("retire");
    }

    assert_eq!(store.everything().await, before);
}
