//! Leases: their renewal, the jobs of a worker, and the rescue of its attempts (r23).

use std::time::Duration;

use enact::JobState;
use enact::store::{Commit, Lease, Next, RunningJob};

use crate::TestStore;
use crate::sample::{account, at, event, job, jobs, lease, worker, write};

pub async fn r23_a_lease_is_read_as_stored(store: TestStore) {
    store.run(job("ship")).await;
    for (renewals, microseconds) in [(1, 0), (2, 1), (3, 30_000_001), (1 << 53, 31_536_000_000_000)] {
        let length = Duration::from_micros(microseconds);
        let lease = Lease { worker: worker("w"), renewals, length };
        store.renew(lease.clone()).await.expect("renew");
        assert_eq!(store.all_leases().await, [lease], "replaces the previous lease");
    }
}

pub async fn r23_a_worker_without_a_lease_reads_as_an_empty_lease(store: TestStore) {
    store.run(job("ship")).await;

    let empty = Lease { worker: worker("w"), renewals: 0, length: Duration::ZERO };
    assert_eq!(store.all_leases().await, [empty]);
}

pub async fn r23_each_worker_has_its_lease_renewal(store: TestStore) {
    for by in ["u", "v", "w"] {
        store.execute(job("ship"), &worker(by)).await;
    }
    store.lease("v", 7).await;
    store.lease("w", 2).await;

    let empty = Lease { worker: worker("u"), renewals: 0, length: Duration::ZERO };
    assert_eq!(store.all_leases().await, [empty, lease("v", 7), lease("w", 2)]);
}

pub async fn r23_leases_lists_idle_workers_and_those_with_running_jobs(store: TestStore) {
    store.lease("w", 1).await;
    store.lease("idle", 1).await;
    assert_eq!(store.all_leases().await, [lease("idle", 1), lease("w", 1)]);

    let [claimed, executed] = [store.run(job("ship")).await, store.execute(job("ship"), &worker("w")).await];
    assert_eq!(store.all_leases().await, [lease("idle", 1), lease("w", 1)], "each is listed once");
    store.accept(claimed.succeeds()).await;
    store.accept(executed.retries(at(5))).await;
    for (by, left) in [("idle", vec![lease("w", 1)]), ("w", vec![])] {
        store.retire(&worker(by), 1).await.expect("retire");
        assert_eq!(store.all_leases().await, left);
    }

    // These have no lease.
    let again = store.claim_one(&worker("v"), "ship", at(5)).await;
    store.execute(job("ship"), &worker("v")).await;
    let of_v = Lease { worker: worker("v"), renewals: 0, length: Duration::ZERO };
    assert_eq!(store.all_leases().await, std::slice::from_ref(&of_v));
    store.must_cancel(again.job.id).await;
    assert_eq!(store.all_leases().await, std::slice::from_ref(&of_v));
    assert!(store.release_attempt(&again).await);
    assert_eq!(store.all_leases().await, [of_v]);
}

pub async fn running_lists_claimed_and_executed_jobs(store: TestStore) {
    let first = store.run(job("ship")).await;
    store.execute(job("ship"), &worker("v")).await;
    let second = store.execute(job("ship"), &worker("w")).await;

    assert_eq!(store.running_ids("w", 9).await, [first.job.id, second.job.id]);
    assert_eq!(store.running_ids("W", 9).await, []);
}

pub async fn running_lists_at_most_limit_jobs_in_sequence_order(store: TestStore) {
    let jobs = jobs::<5>("ship");
    let ids = jobs.each_ref().map(|job| job.id);
    store.publish_all(jobs.into()).await;
    store.claim_ids(&["ship"], 5, at(0)).await;

    assert_eq!(store.running_ids("w", 0).await, []);
    assert_eq!(store.running_ids("w", 2).await, ids[..2]);
    assert_eq!(store.running_ids("w", 9).await, ids);
}

pub async fn running_names_the_worker_and_start_of_the_current_attempt(store: TestStore) {
    let first = store.run(job("ship")).await;
    store.accept(first.retries(at(5))).await;
    let second = store.claim_one(&worker("v"), "ship", at(6)).await;

    let expected = RunningJob { job: second.job.clone(), worker: worker("v"), started_at: at(6) };
    assert_eq!(store.running(&worker("v"), 9).await.expect("running"), [expected]);
    assert_eq!(store.running_ids("w", 9).await, [], "it ran the previous attempt");
    assert_eq!(second.job.attempts, 2);
}

pub async fn running_lists_only_running_jobs(store: TestStore) {
    for name in ["succeeds", "fails", "retries", "cancelled"] {
        let active = store.run(job(name)).await;
        match name {
            "succeeds" => _ = store.accept(active.succeeds()).await,
            "fails" => _ = store.accept(active.fails()).await,
            "retries" => _ = store.accept(active.retries(at(50))).await,
            _ => {
                store.must_cancel(active.job.id).await;
                assert!(store.release_attempt(&active).await);
            }
        }
    }
    store.publish(job("ready")).await;

    assert_eq!(store.running_ids("w", 9).await, []);
}

pub async fn r23_an_attempt_of_a_worker_without_a_lease_can_be_rescued(store: TestStore) {
    let active = store.run(job("ship")).await;
    store.accept(active.is_rescued(0)).await;

    assert_eq!(store.state(active.job.id).await, JobState::Failed);
}

pub async fn r23_an_attempt_is_not_rescued_after_its_worker_renewed(store: TestStore) {
    store.lease("w", 4).await;
    let active = store.run(job("ship")).await;
    for seen in [0, 3] {
        store.fence(active.is_rescued(seen)).await;
    }
    store.lease("w", 5).await;
    store.fence(active.is_rescued(4)).await;
    store.lease("v", 4).await;
    store.fence(active.is_rescued(4)).await;
    store.accept(active.is_rescued(5)).await;
}

pub async fn r23_a_worker_cannot_commit_a_rescued_attempt(store: TestStore) {
    store.lease("w", 1).await;
    let active = store.run(job("ship")).await;
    let lost = Commit { next: Next::Retry(at(11)), ..active.is_rescued(1) };
    store.accept(lost).await;

    let late =
        Commit { write: Some(write(account("a"), 0)), events: vec![event("shipped")], ..active.succeeds() };
    store.fence(late.clone()).await;
    // Neither after the worker renews, nor while another worker runs the job.
    store.lease("w", 2).await;
    store.fence(late.clone()).await;
    let again = store.claim_one(&worker("v"), "ship", at(12)).await;
    store.fence(late).await;
    store.accept(again.succeeds()).await;
}

pub async fn r23_a_worker_can_commit_late_unless_rescued(store: TestStore) {
    store.lease("w", 1).await;
    let active = store.run(job("ship")).await;
    store.lease("w", 2).await;

    store.accept(active.succeeds()).await;
}

pub async fn r23_retire_deletes_the_lease_of_an_idle_worker(store: TestStore) {
    store.lease("w", 3).await;
    store.lease("v", 3).await;
    store.retire(&worker("w"), 3).await.expect("retire");
    assert_eq!(store.all_leases().await, [lease("v", 3)]);

    for by in ["w", "v"] {
        store.execute(job("ship"), &worker(by)).await;
    }
    let empty = Lease { worker: worker("w"), renewals: 0, length: Duration::ZERO };
    assert_eq!(store.all_leases().await, [lease("v", 3), empty], "only that worker is retired");
}

pub async fn r23_retire_keeps_a_lease_renewed_since(store: TestStore) {
    store.lease("w", 3).await;
    store.lease("w", 4).await;
    for seen in [0, 3, 5] {
        store.retire(&worker("w"), seen).await.expect("retire");
    }

    let active = store.run(job("ship")).await;
    assert_eq!(store.all_leases().await, [lease("w", 4)]);
    store.fence(active.is_rescued(3)).await;
    store.accept(active.succeeds()).await;
}

pub async fn r23_retire_keeps_the_lease_of_a_worker_with_running_jobs(store: TestStore) {
    store.lease("w", 3).await;
    let [claimed, executed] = [store.run(job("ship")).await, store.execute(job("ship"), &worker("w")).await];
    for active in [claimed, executed] {
        store.retire(&worker("w"), 3).await.expect("retire");
        assert_eq!(store.all_leases().await, [lease("w", 3)]);
        // A rescue by an older renewal count is still refused.
        for seen in [0, 2] {
            store.fence(active.is_rescued(seen)).await;
        }
        store.accept(active.succeeds()).await;
    }
    store.retire(&worker("w"), 3).await.expect("retire");

    store.run(job("ship")).await;
    let empty = Lease { worker: worker("w"), renewals: 0, length: Duration::ZERO };
    assert_eq!(store.all_leases().await, [empty], "the worker was idle");
}

pub async fn r23_a_retired_worker_can_renew_again(store: TestStore) {
    store.lease("w", 3).await;
    store.retire(&worker("w"), 3).await.expect("retire");
    store.lease("w", 4).await;
    let active = store.run(job("ship")).await;

    assert_eq!(store.all_leases().await, [lease("w", 4)]);
    store.fence(active.is_rescued(0)).await;
    store.fence(active.is_rescued(3)).await;
    store.accept(active.succeeds()).await;
}

pub async fn retiring_an_unknown_worker_changes_nothing(store: TestStore) {
    store.run(job("ship")).await;
    let before = store.snapshot().await;
    for renewals in [0, 1] {
        store.retire(&worker("stranger"), renewals).await.expect("retire");
    }

    assert_eq!(store.snapshot().await, before);
}
