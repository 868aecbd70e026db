//! Two calls about one job, made by two threads at the same moment, a thousand times: the outcome is one that the table of
//! states allows, and both callers are told the same.

use std::sync::{Arc, Barrier};

use enact::store::{Changed, CommitError, Prune, Store, Submitted};
use enact::{JobId, JobState};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use super::Subject;
use super::prune::everything;
use super::races::claim_all;
use super::sample::{after, at, called_off, in_lane, job, lease, worker};
use super::taken::Taken;

const ROUNDS: usize = 1_000;

/// The store by two handles, as two processes have it.
struct Duel {
    store: Subject,
    other: Arc<dyn Store>,
}

impl Duel {
    fn new(store: Subject) -> Self {
        let other = store.other_handle();
        Self { store, other }
    }

    /// What two calls answer that two threads make at the same moment.
    async fn fight<L, R, Left, Right>(&self, left: L, right: R) -> (Left::Output, Right::Output)
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
    store.cancel(vec![id], called_off(), at(9)).await.expect("cancel").remove(0)
}

pub async fn r24_either_a_job_is_called_off_or_its_attempt_is_committed(store: Subject) {
    let duel = Duel::new(store);
    for round in 0..ROUNDS {
        let taken = duel.store.run(job("ship")).await;
        let id = taken.job.id;
        let commit = match round % 3 {
            0 => taken.succeeds(),
            1 => taken.fails(),
            _ => taken.retries(at(99)),
        };
        let (committed, cancelled) = duel
            .fight(async move |store| store.commit(commit).await, async move |store| cancel(store, id).await)
            .await;

        let found = duel.store.find(id).await;
        match (committed, cancelled) {
            (Ok(_), Changed::Illegal(state)) => assert_eq!((state.has_ended(), found.state), (true, state)),
            (Ok(_), Changed::Done(ids)) => {
                // It was called off after it had begun to wait for another attempt.
                assert_eq!((round % 3, ids, found.state), (2, vec![id], JobState::Cancelled));
            }
            (Err(CommitError::Fenced), Changed::Done(ids)) => {
                assert_eq!((ids, found.state), (vec![id], JobState::Cancelled));
                assert_eq!(found.failure, Some(called_off()));
            }
            both => panic!("{both:?}"),
        }
        assert_eq!(duel.store.attempts_of(id).await.len(), 1);
    }
}

pub async fn r24_a_job_that_is_called_off_is_not_begun_again(store: Subject) {
    let duel = Duel::new(store);
    for _ in 0..ROUNDS {
        let id = duel.store.publish(job("ship")).await;
        let (claimed, cancelled) = duel
            .fight(
                async |store| store.claim(claim_all("ship", 0, 1)).await.expect("claim").jobs,
                async move |store| cancel(store, id).await,
            )
            .await;

        assert_eq!(cancelled, Changed::Done(vec![id]));
        assert_eq!(duel.store.state(id).await, JobState::Cancelled);
        // Who had begun an attempt before finds out with the commit.
        assert_eq!(duel.store.attempts_of(id).await.len(), claimed.len());
        for job in claimed {
            duel.store.fence(Taken { job, worker: worker("w-0"), started_at: at(10) }.succeeds()).await;
        }
    }
}

pub async fn r22_either_a_failed_job_is_retried_by_hand_or_it_is_deleted(store: Subject) {
    let duel = Duel::new(store);
    let prune = Prune {
        succeeded_before: None,
        failed_before: Some(at(99)),
        cancelled_before: None,
        now: at(99),
        after: None,
        limit: ROUNDS,
    };
    for _ in 0..ROUNDS {
        let id = duel.store.failed(job("ship")).await;
        let prune = prune.clone();
        let (retried, pruned) = duel
            .fight(
                async move |store| store.retry(vec![id]).await.expect("retry").remove(0),
                async move |store| store.prune(prune).await.expect("prune").deleted,
            )
            .await;

        match (retried, pruned) {
            (Changed::Done(ids), 0) => {
                assert_eq!(ids, [id]);
                let again = duel.store.take(&worker("w"), "ship", at(0)).await;
                assert_eq!((again.job.id, again.job.attempts), (id, 2));
                duel.store.accept(again.succeeds()).await;
            }
            (Changed::Missing, 1) => assert_eq!(duel.store.job(id).await.expect("job"), None),
            both => panic!("{both:?}"),
        }
    }
}

pub async fn r26_either_a_job_is_deleted_or_another_waits_for_it(store: Subject) {
    let duel = Duel::new(store);
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
        let first = duel.store.failed(job("first")).await;
        let (second, prune) = (after([first], "second"), prune.clone());
        let id = second.id;
        let (submitted, pruned) = duel
            .fight(
                async move |store| store.submit(Vec::new(), vec![second]).await.expect("submit").remove(0),
                async move |store| store.prune(prune).await.expect("prune").deleted,
            )
            .await;

        match (submitted, pruned) {
            (Submitted::New, 0) => {
                assert_eq!(duel.store.state(id).await, JobState::Waiting);
                assert_eq!(duel.store.state(first).await, JobState::Failed);
                duel.store.called_off(id).await;
            }
            (Submitted::NoPredecessor(missing), 1) => assert_eq!(missing, first),
            both => panic!("{both:?}"),
        }
        duel.store.prune_all(everything()).await;
    }
}

pub async fn r20_of_two_workers_one_begins_a_job(store: Subject) {
    let duel = Duel::new(store);
    for round in 0..ROUNDS {
        // Another one in its lane must not begin, either.
        let lane = format!("lane {round}");
        let [id, behind] = [
            duel.store.publish(in_lane(&lane, "ship")).await,
            duel.store.publish(in_lane(&lane, "ship")).await,
        ];
        let claim = |by| {
            async move |store: Arc<dyn Store>| {
                store.claim(claim_all("ship", by, 2)).await.expect("claim").jobs
            }
        };
        let (left, right) = duel.fight(claim(0), claim(1)).await;

        let begun: Vec<JobId> = left.iter().chain(&right).map(|job| job.id).collect();
        assert_eq!(begun, [id]);
        assert_eq!(duel.store.attempts_of(id).await.len(), 1);
        for id in [behind, id] {
            duel.store.called_off(id).await;
        }
    }
}

pub async fn r23_either_a_worker_is_given_up_and_taken_off_or_it_has_renewed(store: Subject) {
    let duel = Duel::new(store);
    for round in 0..ROUNDS {
        let name = format!("w {round}");
        let by = worker(&name);
        duel.store.lease(&name, 1).await;
        let taken = duel.store.execute(job("ship"), &by).await;
        let (lost, done, next) = (taken.is_lost(1), taken.succeeds(), lease(&name, 2));
        let watched = by.clone();
        let (given_up, committed) = duel
            .fight(
                async move |store| {
                    let given_up = store.commit(lost).await;
                    store.retire(&watched, 1).await.expect("retire");
                    given_up
                },
                async move |store| {
                    store.renew(next).await.expect("renew");
                    store.commit(done).await
                },
            )
            .await;

        let state = duel.store.state(taken.job.id).await;
        match (given_up, committed) {
            (Ok(_), Err(CommitError::Fenced)) => assert_eq!(state, JobState::Failed),
            (Err(CommitError::Fenced), Ok(_)) => assert_eq!(state, JobState::Succeeded),
            both => panic!("{both:?}"),
        }
        // Whoever won: it has renewed, and what it begins now nobody gives up who has not seen that.
        let again = duel.store.execute(job("ship"), &by).await;
        assert_eq!(duel.store.all_leases().await, [lease(&name, 2)]);
        duel.store.accept(again.succeeds()).await;
    }
}

pub async fn r26_what_comes_after_a_job_is_not_left_behind_when_that_is_called_off(store: Subject) {
    let duel = Duel::new(store);
    for _ in 0..ROUNDS {
        let first = duel.store.publish(job("first")).await;
        let second = after([first], "second");
        let id = second.id;
        let (cancelled, submitted) = duel
            .fight(
                async move |store| cancel(store, first).await,
                async move |store| store.submit(Vec::new(), vec![second]).await.expect("submit"),
            )
            .await;

        assert_eq!(submitted, [Submitted::New]);
        assert_eq!(duel.store.state(id).await, JobState::Cancelled);
        let Changed::Done(ids) = cancelled else { panic!("{cancelled:?}") };
        assert!(ids == [first] || ids == [first, id], "{ids:?}");
    }
}

pub async fn r26_what_comes_after_a_job_is_not_left_behind_when_that_succeeds(store: Subject) {
    let duel = Duel::new(store);
    for _ in 0..ROUNDS {
        let first = duel.store.run(job("first")).await;
        let second = after([first.job.id], "second");
        let id = second.id;
        let (committed, submitted) = duel
            .fight(
                async move |store| store.commit(first.succeeds()).await,
                async move |store| store.submit(Vec::new(), vec![second]).await.expect("submit"),
            )
            .await;

        assert_eq!((committed.is_ok(), submitted), (true, vec![Submitted::New]));
        assert_eq!(duel.store.state(id).await, JobState::Ready);
    }
}
