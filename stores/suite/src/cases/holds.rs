//! Holds: a ready job that only one worker may begin, and attempts that are taken back (r06, r17, r22).

use enact::store::{Begin, Changed, Lease, NewJob, Release, RunningJob, Start, Submitted};
use enact::{JobId, JobQuery, JobState};

use super::turns::{claim_of, on, release};
use crate::TestStore;
use crate::attempt::RunningAttempt;
use crate::sample::{With, after, at, in_lane, job, job_id, json, key, lease, under_key, worker};

/// A job that a worker holds.
fn held_by(by: &str, job: NewJob) -> NewJob {
    NewJob { start: Some(Start::Held(worker(by))), ..job }
}

/// Publishes a job that worker `w` holds.
async fn hold(store: &TestStore, job: NewJob) -> JobId {
    store.publish(held_by("w", job)).await
}

fn begin_of(job: JobId, by: &str, number: u32) -> Begin {
    Begin { job, worker: worker(by), number, repeatable: true, now: at(3) }
}

async fn begin(store: &TestStore, job: JobId, by: &str, number: u32) -> bool {
    store.begin(begin_of(job, by, number)).await.expect("begin")
}

/// The attempt of a job that was begun by [`begin`].
async fn begun(store: &TestStore, id: JobId) -> RunningAttempt {
    RunningAttempt { job: store.find(id).await, worker: worker("w"), started_at: at(3) }
}

fn release_of(job: JobId, by: &str, number: u32) -> Release {
    Release { job, worker: worker(by), number, lapsed: None, hold: false }
}

/// Makes a call that must return `false` and change nothing.
async fn is_refused(store: &TestStore, release: Release) {
    let before = store.snapshot().await;
    assert!(!store.release(release.clone()).await.expect("release"), "{release:?}");
    assert_eq!(store.snapshot().await, before, "{release:?}");
}

pub async fn r06_a_held_job_is_ready_and_not_claimed(store: TestStore) {
    let id = hold(&store, job("ship")).await;

    let found = store.find(id).await;
    assert_eq!((found.state, found.attempts, found.due_at), (JobState::Ready, 0, None));
    assert_eq!(store.attempts_of(id).await, []);
    assert_eq!(store.claim_ids(&["ship"], 9, at(9)).await, []);
    let counts = store.counts().await;
    assert_eq!((counts[0].state, counts[0].count, counts.len()), (JobState::Ready, 1, 1));
    for (state, expected) in [(JobState::Ready, vec![id]), (JobState::Running, vec![])] {
        for query in [JobQuery::new(), JobQuery::new().name("ship"), JobQuery::new().latest_first()] {
            let found = store.page(&query.state(state)).await.jobs;
            assert_eq!(found.iter().map(|job| job.id).collect::<Vec<_>>(), expected, "{state}");
        }
    }
}

pub async fn r06_ready_jobs_are_listed_in_sequence_order_whether_held_or_not(store: TestStore) {
    let ids = [
        store.publish(job("ship")).await,
        hold(&store, job("ship")).await,
        store.publish(job("ship")).await,
        hold(&store, job("bill")).await,
    ];
    let query = JobQuery::new().state(JobState::Ready).limit(2);
    let first = store.page(&query).await;
    let second = store.page(&query.clone().page(first.next)).await;
    let listed: Vec<JobId> = first.jobs.iter().chain(&second.jobs).map(|job| job.id).collect();
    assert_eq!((listed, second.next), (ids.to_vec(), None));
}

pub async fn r06_a_held_job_is_begun_once_and_only_by_its_worker(store: TestStore) {
    let id = hold(&store, job("ship")).await;
    assert!(!begin(&store, id, "v", 1).await, "another worker");
    assert!(!begin(&store, id, "w", 0).await, "another attempt");
    assert!(!begin(&store, id, "w", 2).await, "another attempt");
    assert_eq!(store.state(id).await, JobState::Ready);

    assert!(begin(&store, id, "w", 1).await);
    let found = store.find(id).await;
    assert_eq!((found.state, found.attempts), (JobState::Running, 1));
    let attempts = store.attempts_of(id).await;
    assert_eq!((attempts.len(), attempts[0].started_at, attempts[0].ended_at), (1, at(3), None));
    assert!(!begin(&store, id, "w", 1).await, "again");
    assert!(!begin(&store, id, "w", 2).await, "again");

    let active = begun(&store, id).await;
    store.accept(active.succeeds()).await;
    assert!(!begin(&store, id, "w", 2).await, "it has ended");
}

pub async fn r06_a_job_that_is_not_held_cannot_be_begun(store: TestStore) {
    assert!(!begin(&store, job_id(), "w", 1).await, "no such job");
    let ready = store.publish(job("ship")).await;
    let waiting = store.publish(after([ready], "ship")).await;
    for id in [ready, waiting] {
        assert!(!begin(&store, id, "w", 1).await);
        is_refused(&store, release_of(id, "w", 1)).await;
    }
    let claimed = store.claim_one(&worker("w"), "ship", at(0)).await;
    store.accept(claimed.retries(at(5))).await;
    assert!(!begin(&store, ready, "w", 2).await, "it waits for its retry");
}

pub async fn r06_a_held_job_that_was_begun_is_retried_like_any_other(store: TestStore) {
    let id = hold(&store, job("ship")).await;
    assert!(begin(&store, id, "w", 1).await);
    let active = begun(&store, id).await;
    store.accept(active.retries(at(5))).await;

    assert!(!begin(&store, id, "w", 2).await, "nobody holds it any more");
    let again = store.claim_one(&worker("v"), "ship", at(5)).await;
    assert_eq!((again.job.id, again.job.attempts), (id, 2));
}

pub async fn r06_a_begin_takes_its_place_when_it_is_called(store: TestStore) {
    let id = hold(&store, job("ship")).await;
    let active = RunningAttempt {
        job: store.find(id).await.with(|job| job.attempts = 1),
        worker: worker("w"),
        started_at: at(3),
    };
    let begun = store.begin(begin_of(id, "w", 1));
    let committed = store.commit(active.succeeds());
    committed.await.expect("the attempt was begun before");
    assert!(begun.await.expect("begin"));
    assert_eq!(store.state(id).await, JobState::Succeeded);

    let id = hold(&store, job("ship")).await;
    drop(store.begin(begin_of(id, "w", 1)));
    assert!(!begin(&store, id, "w", 1).await, "it was begun already");
    assert_eq!(store.state(id).await, JobState::Running);
}

pub async fn r06_a_held_job_under_a_used_key_is_not_inserted(store: TestStore) {
    let first = store.publish(under_key("k", "ship", json(1))).await;
    let second = held_by("w", under_key("k", "ship", json(1)));
    let id = second.id;
    assert_eq!(store.publish_all(vec![second]).await, [Submitted::Existing(first)]);

    assert!(!begin(&store, id, "w", 1).await);
    assert_eq!(store.running_ids("w", 9).await, []);
}

pub async fn r06_a_held_job_counts_for_the_limit_of_its_name(store: TestStore) {
    let id = hold(&store, job("ship")).await;
    let limited = || NewJob { max_queued: Some(1), ..job("ship") };
    assert_eq!(store.publish_all(vec![limited()]).await, [Submitted::Full(1)]);
    assert_eq!(store.publish_all(vec![held_by("w", limited())]).await, [Submitted::Full(1)]);

    store.must_cancel(id).await;
    assert_eq!(store.publish_all(vec![limited()]).await, [Submitted::New]);
}

pub async fn r22_a_released_hold_can_be_claimed(store: TestStore) {
    let id = hold(&store, job("ship")).await;
    is_refused(&store, release_of(id, "v", 1)).await;
    is_refused(&store, release_of(id, "w", 0)).await;
    is_refused(&store, release_of(id, "w", 2)).await;

    assert!(store.release(release_of(id, "w", 1)).await.expect("release"));
    is_refused(&store, release_of(id, "w", 1)).await;
    assert!(!begin(&store, id, "w", 1).await);
    assert_eq!(store.running_ids("w", 9).await, []);
    let claimed = store.claim_one(&worker("v"), "ship", at(0)).await;
    assert_eq!((claimed.job.id, claimed.job.attempts), (id, 1));
}

pub async fn r22_a_released_attempt_is_not_counted(store: TestStore) {
    let active = store.run(job("ship")).await;
    let id = active.job.id;
    is_refused(&store, release_of(id, "v", 1)).await;
    is_refused(&store, release_of(id, "w", 2)).await;

    assert!(release(&store, &active, false).await);
    let found = store.find(id).await;
    assert_eq!((found.state, found.attempts, found.failure), (JobState::Ready, 0, None));
    assert_eq!(store.attempts_of(id).await, []);
    store.fence(active.succeeds()).await;
    is_refused(&store, release_of(id, "w", 1)).await;
    let again = store.claim_one(&worker("v"), "ship", at(4)).await;
    assert_eq!((again.job.id, again.job.attempts), (id, 1));
    store.accept(again.succeeds()).await;
    is_refused(&store, release_of(id, "v", 1)).await;
}

pub async fn r22_a_released_attempt_leaves_the_earlier_ones(store: TestStore) {
    let first = store.run(job("ship")).await;
    let id = first.job.id;
    store.accept(first.fails()).await;
    store.retry_job(id).await;
    let before = (store.find(id).await, store.attempts_of(id).await);
    let again = store.claim_one(&worker("w"), "ship", at(5)).await;
    assert_eq!((again.job.attempts, again.job.spent), (2, 1));

    assert!(release(&store, &again, false).await);
    assert_eq!((store.find(id).await, store.attempts_of(id).await), before);
    let again = store.claim_one(&worker("w"), "ship", at(6)).await;
    assert!(release(&store, &again, true).await);
    assert_eq!((store.find(id).await, store.attempts_of(id).await), before);
    assert!(begin(&store, id, "w", 2).await);
    assert_eq!(store.find(id).await.spent, 1);
}

pub async fn r17_a_released_attempt_may_be_held_and_begun_again(store: TestStore) {
    let first = store.publish(on("a", "ship")).await;
    let second = store.publish(on("a", "ship")).await;
    let claim = || claim_of(&[("ship", Some("account"))], 9, at(0));
    let job = store.claim(claim()).await.expect("claim").jobs.remove(0);
    let active = RunningAttempt { job, worker: worker("w"), started_at: at(0) };
    assert!(release(&store, &active, true).await);

    assert_eq!((store.state(first).await, store.attempts_of(first).await), (JobState::Ready, vec![]));
    store.fence(active.succeeds()).await;
    assert_eq!(store.claim(claim()).await.expect("claim").jobs, [], "its turn is kept");
    assert_eq!(store.running_ids("w", 9).await, [first]);
    assert!(release(&store, &active, true).await, "it is held still");
    assert!(!begin(&store, first, "v", 1).await);
    assert!(begin(&store, first, "w", 1).await);
    assert_eq!(store.claim(claim()).await.expect("claim").jobs, [], "its turn is kept");
    let active = begun(&store, first).await;
    store.accept(active.succeeds()).await;
    let claimed = store.claim(claim()).await.expect("claim").jobs;
    assert_eq!(claimed.iter().map(|job| job.id).collect::<Vec<_>>(), [second]);
}

pub async fn r23_a_hold_or_an_attempt_is_released_for_another_only_by_a_lapsed_lease(store: TestStore) {
    store.lease("w", 4).await;
    let held = hold(&store, job("ship")).await;
    let run = store.execute(job("ship"), &worker("w")).await.job.id;
    for id in [held, run] {
        let lapsed = |renewals| Release { lapsed: Some(renewals), ..release_of(id, "w", 1) };
        is_refused(&store, lapsed(3)).await;
        is_refused(&store, lapsed(5)).await;
        assert!(store.release(lapsed(4)).await.expect("release"));
        is_refused(&store, lapsed(4)).await;
        assert_eq!(store.state(id).await, JobState::Ready);
    }
    assert_eq!(store.claim_ids(&["ship"], 9, at(0)).await, [held, run]);

    let of_nobody = store.publish(held_by("u", job("ship"))).await;
    let lapsed = Release { lapsed: Some(0), ..release_of(of_nobody, "u", 1) };
    assert!(store.release(lapsed).await.expect("release"), "the worker has no lease");
}

pub async fn r24_a_held_job_is_cancelled_without_an_attempt(store: TestStore) {
    let id = hold(&store, job("ship")).await;
    let successor = store.publish(after([id], "bill")).await;
    assert_eq!(store.cancel_job(id).await, Changed::Done(vec![id, successor]));

    let found = store.find(id).await;
    assert_eq!((found.state, found.attempts, found.failure), (JobState::Cancelled, 0, None));
    assert_eq!(store.attempts_of(id).await, []);
    assert!(!begin(&store, id, "w", 1).await);
    assert!(store.release(release_of(id, "w", 1)).await.expect("release"), "it may have begun");
    is_refused(&store, release_of(id, "w", 1)).await;
    assert_eq!(store.all_leases().await, []);
}

pub async fn r26_a_held_job_is_waited_for(store: TestStore) {
    let id = hold(&store, job("ship")).await;
    let successor = store.publish(after([id], "bill")).await;
    assert!(begin(&store, id, "w", 1).await);
    assert_eq!(store.state(successor).await, JobState::Waiting);

    let active = begun(&store, id).await;
    store.accept(active.succeeds()).await;
    assert_eq!(store.state(successor).await, JobState::Ready);
}

pub async fn r26_a_released_job_stays_at_the_head_of_its_lane(store: TestStore) {
    let head = store.publish(in_lane("x", "ship")).await;
    let following = store.publish(in_lane("x", "ship")).await;
    for hold in [true, false] {
        let active = store.claim_one(&worker("w"), "ship", at(0)).await;
        assert_eq!(active.job.id, head);
        assert!(release(&store, &active, hold).await);
        assert_eq!(store.state(following).await, JobState::Waiting);
        if hold {
            assert!(release(&store, &active, false).await);
        }
    }
    store.must_cancel(head).await;
    assert_eq!(store.state(following).await, JobState::Ready);
}

pub async fn r23_a_worker_that_holds_a_job_has_a_lease(store: TestStore) {
    store.lease("w", 2).await;
    let id = hold(&store, job("ship")).await;
    assert_eq!(store.all_leases().await, [lease("w", 2)]);
    store.retire(&worker("w"), 2).await.expect("retire");
    assert_eq!(store.all_leases().await, [lease("w", 2)], "a worker that holds a job is not retired");

    assert!(store.release(release_of(id, "w", 1)).await.expect("release"));
    store.retire(&worker("w"), 2).await.expect("retire");
    assert_eq!(store.all_leases().await, []);
    hold(&store, job("ship")).await;
    let [Lease { renewals, .. }] = store.all_leases().await[..] else { panic!("one worker holds a job") };
    assert_eq!(renewals, 0);
}

pub async fn running_lists_held_jobs_as_ready(store: TestStore) {
    let run = store.execute(job("ship"), &worker("w")).await;
    let id = hold(&store, NewJob { start: None, ..job("ship").with(|job| job.created_at = at(2)) }).await;
    store.publish(held_by("v", job("ship"))).await;

    let running = store.running(&worker("w"), 9).await.expect("running");
    let expected = [
        RunningJob { job: run.job.clone(), worker: worker("w"), started_at: at(0) },
        RunningJob { job: store.find(id).await, worker: worker("w"), started_at: at(2) },
    ];
    assert_eq!(running, expected);
    assert_eq!((running[1].job.state, running[1].job.attempts), (JobState::Ready, 0));
    assert!(begin(&store, id, "w", 1).await);
    let running = store.running(&worker("w"), 9).await.expect("running");
    assert_eq!((running[1].job.state, running[1].started_at), (JobState::Running, at(3)));
}

pub async fn r22_a_released_executed_job_has_no_lane(store: TestStore) {
    let active = store.execute(on("a", "ship"), &worker("w")).await;
    assert!(release(&store, &active, false).await);

    let again = store.claim_one(&worker("v"), "ship", at(0)).await;
    assert_eq!((again.job.id, again.job.order_key.clone()), (active.job.id, None));
    assert_eq!(again.job.target, Some(key("a")));
}

pub async fn r06_holds_survive_a_restart(store: TestStore) {
    let id = hold(&store, job("ship")).await;
    let active = store.run(job("bill")).await;
    assert!(release(&store, &active, true).await);

    let store = store.reopened();
    assert_eq!(store.claim_ids(&["ship", "bill"], 9, at(9)).await, []);
    assert_eq!(store.running_ids("w", 9).await, [id, active.job.id]);
    assert!(begin(&store, id, "w", 1).await);
    let store = store.reopened();
    assert_eq!(store.state(id).await, JobState::Running);
    assert!(store.release(release_of(active.job.id, "w", 1)).await.expect("release"));
    let store = store.reopened();
    assert_eq!(store.claim_ids(&["ship", "bill"], 9, at(9)).await, [active.job.id]);
}
