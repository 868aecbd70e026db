//! Two calls about one job, made by two threads at once, a thousand times. The outcome is one that the state table allows,
//! and both callers get consistent results.

use std::sync::{Arc, Barrier};

use enact::store::{Begin, Changed, Claim, CommitError, NewJob, Prune, Release, Start, Store, Submitted};
use enact::{JobId, JobState};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use super::prune::all_ended;
use super::races::claim_all;
use super::turns::{claim_of, on};
use crate::TestStore;
use crate::attempt::RunningAttempt;
use crate::sample::{after, at, cancellation, in_lane, job, lease, worker};

const ROUNDS: usize = 1_000;

/// One store through two handles, like two processes.
struct Pair {
    store: TestStore,
    other: Arc<dyn Store>,
}

impl Pair {
    fn new(store: TestStore) -> Self {
        let other = store.other_handle();
        Self { store, other }
    }

    /// Makes two calls on two threads at the same moment and returns both results.
    async fn race<L, R, Left, Right>(&self, left: L, right: R) -> (Left::Output, Right::Output)
    where
        L: FnOnce(Arc<dyn Store>) -> Left + Send + 'static,
        R: FnOnce(Arc<dyn Store>) -> Right + Send + 'static,
        Left: Future<Output: Send + 'static>,
        Right: Future<Output: Send + 'static>,
    {
        let line = Arc::new(Barrier::new(2));
        let (runtime, start, store) = (Handle::current(), line.clone(), self.store.handle());
        let left = spawn_blocking(move || {
            start.wait();
            runtime.block_on(left(store))
        });
        let (runtime, store) = (Handle::current(), self.other.clone());
        let right = spawn_blocking(move || {
            line.wait();
            runtime.block_on(right(store))
        });
        (left.await.expect("the thread ends"), right.await.expect("the thread ends"))
    }
}

async fn cancel(store: Arc<dyn Store>, id: JobId) -> Changed {
    store.cancel(vec![id], cancellation(), at(9)).await.expect("cancel").remove(0)
}

pub async fn r24_a_job_is_either_cancelled_or_committed(store: TestStore) {
    let pair = Pair::new(store);
    for round in 0..ROUNDS {
        let active = pair.store.run(job("ship")).await;
        let id = active.job.id;
        let commit = match round % 3 {
            0 => active.succeeds(),
            1 => active.fails(),
            _ => active.retries(at(99)),
        };
        let (committed, cancelled) = pair
            .race(async move |store| store.commit(commit).await, async move |store| cancel(store, id).await)
            .await;

        let found = pair.store.find(id).await;
        match (committed, cancelled) {
            (Ok(_), Changed::Illegal(state)) => assert_eq!((state.has_ended(), found.state), (true, state)),
            (Ok(_), Changed::Done(ids)) => {
                // Cancelled after the commit, while it waited for its retry.
                assert_eq!((round % 3, ids, found.state), (2, vec![id], JobState::Cancelled));
            }
            (Err(CommitError::Fenced), Changed::Done(ids)) => {
                assert_eq!((ids, found.state), (vec![id], JobState::Cancelled));
                assert_eq!(found.failure, Some(cancellation()));
            }
            both => panic!("{both:?}"),
        }
        assert_eq!(pair.store.attempts_of(id).await.len(), 1);
    }
}

pub async fn r24_a_cancelled_job_is_not_claimed(store: TestStore) {
    let pair = Pair::new(store);
    for _ in 0..ROUNDS {
        let id = pair.store.publish(job("ship")).await;
        let (claimed, cancelled) = pair
            .race(
                async |store| store.claim(claim_all("ship", 0, 1)).await.expect("claim").jobs,
                async move |store| cancel(store, id).await,
            )
            .await;

        assert_eq!(cancelled, Changed::Done(vec![id]));
        assert_eq!(pair.store.state(id).await, JobState::Cancelled);
        // A worker that claimed first is refused at the commit.
        assert_eq!(pair.store.attempts_of(id).await.len(), claimed.len());
        for job in claimed {
            pair.store
                .fence(RunningAttempt { job, worker: worker("w-0"), started_at: at(10) }.succeeds())
                .await;
        }
    }
}

pub async fn r22_a_failed_job_is_either_retried_or_deleted(store: TestStore) {
    let pair = Pair::new(store);
    let prune = Prune {
        succeeded_before: None,
        failed_before: Some(at(99)),
        cancelled_before: None,
        now: at(99),
        after: None,
        limit: ROUNDS,
    };
    for _ in 0..ROUNDS {
        let id = pair.store.failed(job("ship")).await;
        let prune = prune.clone();
        let (retried, pruned) = pair
            .race(
                async move |store| store.retry(vec![id]).await.expect("retry").remove(0),
                async move |store| store.prune(prune).await.expect("prune").deleted,
            )
            .await;

        match (retried, pruned) {
            (Changed::Done(ids), 0) => {
                assert_eq!(ids, [id]);
                let again = pair.store.claim_one(&worker("w"), "ship", at(0)).await;
                assert_eq!((again.job.id, again.job.attempts), (id, 2));
                pair.store.accept(again.succeeds()).await;
            }
            (Changed::Missing, 1) => assert_eq!(pair.store.job(id).await.expect("job"), None),
            both => panic!("{both:?}"),
        }
    }
}

pub async fn r26_a_job_is_either_deleted_or_waited_for(store: TestStore) {
    let pair = Pair::new(store);
    let end = Some(at(99));
    let prune = Prune {
        succeeded_before: end,
        failed_before: end,
        cancelled_before: end,
        now: at(99),
        after: None,
        limit: ROUNDS,
    };
    for _ in 0..ROUNDS {
        let first = pair.store.failed(job("first")).await;
        let (second, prune) = (after([first], "second"), prune.clone());
        let id = second.id;
        let (submitted, pruned) = pair
            .race(
                async move |store| store.submit(Vec::new(), vec![second]).await.expect("submit").remove(0),
                async move |store| store.prune(prune).await.expect("prune").deleted,
            )
            .await;

        match (submitted, pruned) {
            (Submitted::New, 0) => {
                assert_eq!(pair.store.state(id).await, JobState::Waiting);
                assert_eq!(pair.store.state(first).await, JobState::Failed);
                pair.store.must_cancel(id).await;
            }
            (Submitted::NoPredecessor(missing), 1) => assert_eq!(missing, first),
            both => panic!("{both:?}"),
        }
        pair.store.prune_all(all_ended()).await;
    }
}

pub async fn r20_one_of_two_workers_claims_a_job(store: TestStore) {
    let pair = Pair::new(store);
    for round in 0..ROUNDS {
        // The next job in the lane must not start either.
        let lane = format!("lane {round}");
        let [id, following] = [
            pair.store.publish(in_lane(&lane, "ship")).await,
            pair.store.publish(in_lane(&lane, "ship")).await,
        ];
        let claim = |by| {
            async move |store: Arc<dyn Store>| {
                store.claim(claim_all("ship", by, 2)).await.expect("claim").jobs
            }
        };
        let (left, right) = pair.race(claim(0), claim(1)).await;

        let begun: Vec<JobId> = left.iter().chain(&right).map(|job| job.id).collect();
        assert_eq!(begun, [id]);
        assert_eq!(pair.store.attempts_of(id).await.len(), 1);
        for id in [following, id] {
            pair.store.must_cancel(id).await;
        }
    }
}

pub async fn r23_a_worker_is_either_retired_or_renews_its_lease(store: TestStore) {
    let pair = Pair::new(store);
    for round in 0..ROUNDS {
        let name = format!("w {round}");
        let by = worker(&name);
        pair.store.lease(&name, 1).await;
        let active = pair.store.execute(job("ship"), &by).await;
        let (lost, done, next) = (active.is_rescued(1), active.succeeds(), lease(&name, 2));
        let watched = by.clone();
        let (rescued, committed) = pair
            .race(
                async move |store| {
                    let rescued = store.commit(lost).await;
                    store.retire(&watched, 1).await.expect("retire");
                    rescued
                },
                async move |store| {
                    store.renew(next).await.expect("renew");
                    store.commit(done).await
                },
            )
            .await;

        let state = pair.store.state(active.job.id).await;
        match (rescued, committed) {
            (Ok(_), Err(CommitError::Fenced)) => assert_eq!(state, JobState::Failed),
            (Err(CommitError::Fenced), Ok(_)) => assert_eq!(state, JobState::Succeeded),
            both => panic!("{both:?}"),
        }
        // In both cases the lease is renewed: a rescue by the old renewal count is refused from now on.
        let again = pair.store.execute(job("ship"), &by).await;
        assert_eq!(pair.store.all_leases().await, [lease(&name, 2)]);
        pair.store.accept(again.succeeds()).await;
        pair.store.retire(&by, 2).await.expect("retire");
    }
}

pub async fn r26_a_job_submitted_while_its_predecessor_is_cancelled_is_cancelled(store: TestStore) {
    let pair = Pair::new(store);
    for _ in 0..ROUNDS {
        let first = pair.store.publish(job("first")).await;
        let second = after([first], "second");
        let id = second.id;
        let (cancelled, submitted) = pair
            .race(
                async move |store| cancel(store, first).await,
                async move |store| store.submit(Vec::new(), vec![second]).await.expect("submit"),
            )
            .await;

        assert_eq!(submitted, [Submitted::New]);
        assert_eq!(pair.store.state(id).await, JobState::Cancelled);
        let Changed::Done(ids) = cancelled else { panic!("{cancelled:?}") };
        assert!(ids == [first] || ids == [first, id], "{ids:?}");
    }
}

pub async fn r26_a_job_submitted_while_its_predecessor_succeeds_becomes_ready(store: TestStore) {
    let pair = Pair::new(store);
    for _ in 0..ROUNDS {
        let first = pair.store.run(job("first")).await;
        let second = after([first.job.id], "second");
        let id = second.id;
        let (committed, submitted) = pair
            .race(
                async move |store| store.commit(first.succeeds()).await,
                async move |store| store.submit(Vec::new(), vec![second]).await.expect("submit"),
            )
            .await;

        assert_eq!((committed.is_ok(), submitted), (true, vec![Submitted::New]));
        assert_eq!(pair.store.state(id).await, JobState::Ready);
    }
}

fn claim_on_account() -> Claim {
    claim_of(&[("ship", Some("account"))], 9, at(0))
}

pub async fn r17_one_of_two_workers_takes_the_turn_of_an_entity(store: TestStore) {
    let pair = Pair::new(store);
    for _ in 0..ROUNDS {
        let [first, second] =
            [pair.store.publish(on("a", "ship")).await, pair.store.publish(on("a", "ship")).await];
        let claim = async |store: Arc<dyn Store>| store.claim(claim_on_account()).await.expect("claim").jobs;
        let (left, right) = pair.race(claim, claim).await;

        let begun: Vec<JobId> = left.iter().chain(&right).map(|job| job.id).collect();
        assert_eq!(begun, [first]);
        let active =
            RunningAttempt { job: pair.store.find(first).await, worker: worker("w"), started_at: at(0) };
        pair.store.must_cancel(second).await;
        pair.store.accept(active.succeeds()).await;
    }
}

pub async fn r17_a_job_is_not_lost_in_line_while_the_turn_ends(store: TestStore) {
    let pair = Pair::new(store);
    for round in 0..ROUNDS {
        pair.store.publish(on("a", "ship")).await;
        let job = pair.store.claim(claim_on_account()).await.expect("claim").jobs.remove(0);
        let active = RunningAttempt { job, worker: worker("w"), started_at: at(0) };
        let second = pair.store.publish(on("a", "ship")).await;
        let (claimed, ()) = pair
            .race(
                async |store| store.claim(claim_on_account()).await.expect("claim").jobs,
                async move |store| {
                    if round % 2 == 0 {
                        store.commit(active.succeeds()).await.expect("commit");
                        return;
                    }
                    cancel(store.clone(), active.job.id).await;
                    let job = active.job.id;
                    let release =
                        Release { job, worker: active.worker, number: 1, lapsed: None, hold: false };
                    assert!(store.release(release).await.expect("release"));
                },
            )
            .await;

        let later = pair.store.claim(claim_on_account()).await.expect("claim").jobs;
        let begun: Vec<JobId> = claimed.iter().chain(&later).map(|job| job.id).collect();
        assert_eq!(begun, [second]);
        let active =
            RunningAttempt { job: pair.store.find(second).await, worker: worker("w"), started_at: at(0) };
        pair.store.accept(active.succeeds()).await;
    }
}

pub async fn r23_a_held_job_is_either_begun_or_released(store: TestStore) {
    let pair = Pair::new(store);
    for _ in 0..ROUNDS {
        let held = NewJob { start: Some(Start::Held(worker("w"))), ..job("ship") };
        let id = pair.store.publish(held).await;
        let begin = Begin { job: id, worker: worker("w"), number: 1, repeatable: true, now: at(0) };
        // The lease of a worker has lapsed that was only slow: its hold is released, or its attempt is.
        let release = Release { job: id, worker: worker("w"), number: 1, lapsed: Some(0), hold: false };
        let (_, released) = pair
            .race(
                async move |store| store.begin(begin).await.expect("begin"),
                async move |store| store.release(release).await.expect("release"),
            )
            .await;

        assert!(released);
        assert_eq!(pair.store.state(id).await, JobState::Ready);
        assert_eq!(pair.store.attempts_of(id).await, []);
        let again = pair.store.claim_one(&worker("v"), "ship", at(0)).await;
        assert_eq!((again.job.id, again.job.attempts), (id, 1));
        pair.store.accept(again.succeeds()).await;
    }
}

pub async fn r24_a_held_job_is_cancelled_before_or_after_it_is_begun(store: TestStore) {
    let pair = Pair::new(store);
    for _ in 0..ROUNDS {
        let held = NewJob { start: Some(Start::Held(worker("w"))), ..job("ship") };
        let id = pair.store.publish(held).await;
        let begin = Begin { job: id, worker: worker("w"), number: 1, repeatable: true, now: at(0) };
        let (has_begun, cancelled) = pair
            .race(
                async move |store| store.begin(begin).await.expect("begin"),
                async move |store| cancel(store, id).await,
            )
            .await;

        assert_eq!(cancelled, Changed::Done(vec![id]));
        assert_eq!(pair.store.state(id).await, JobState::Cancelled);
        assert_eq!(pair.store.attempts_of(id).await.len(), usize::from(has_begun));
    }
}
