//! Cancelling jobs (r24).

use enact::JobState::{self, Cancelled, Failed, Ready, Running, Succeeded, Waiting};
use enact::store::{Begin, Changed, Commit, Release, RunningJob};

use super::prune;
use crate::TestStore;
use crate::attempt::RunningAttempt;
use crate::sample::{
    With, account, after, at, cancellation, due, event, in_lane, job, job_id, lease, worker, write,
};

pub async fn r24_every_job_that_has_not_ended_can_be_cancelled(store: TestStore) {
    let front = store.publish(in_lane("x", "front")).await;
    let jobs = [
        (Waiting, store.publish(due(at(50), "due")).await),
        (Waiting, store.publish(in_lane("x", "following")).await),
        (Waiting, store.publish(after([front], "after")).await),
        (Ready, store.publish(job("ready")).await),
        (Running, store.run(job("claimed")).await.job.id),
        (Running, store.execute(job("executed"), &worker("v")).await.job.id),
    ];
    for (state, id) in jobs {
        let before = store.find(id).await;
        assert_eq!(before.state, state);
        assert_eq!(store.cancel_job(id).await, Changed::Done(vec![id]));
        let failure = (state == Running).then(cancellation);
        let expected = before.with(|job| {
            job.state = Cancelled;
            job.ended_at = Some(at(9));
            job.due_at = None;
            job.failure = failure;
        });
        assert_eq!(store.find(id).await, expected);
    }
    assert_eq!(store.state(front).await, Ready);
}

pub async fn r24_cancelling_ends_the_running_attempt_with_the_failure(store: TestStore) {
    let active = store.run(job("ship")).await;
    store.must_cancel(active.job.id).await;

    let ended = active.ended().with(|attempt| {
        attempt.ended_at = Some(at(9));
        attempt.reached = None;
        attempt.failure = Some(cancellation());
    });
    assert_eq!(store.attempts_of(active.job.id).await, [ended]);
    assert!(store.release_attempt(&active).await);
    assert_eq!(store.attempts_of(active.job.id).await.len(), 1, "it stays recorded");
    assert_eq!(store.running_ids("w", 9).await, []);
}

pub async fn r24_the_commit_of_a_cancelled_job_is_refused(store: TestStore) {
    let active = store.run(job("ship")).await;
    store.must_cancel(active.job.id).await;

    store
        .fence(Commit {
            write: Some(write(account("a"), 0)),
            events: vec![event("shipped")],
            jobs: vec![job("bill")],
            ..active.succeeds()
        })
        .await;
    store.fence(active.fails()).await;
    store.fence(active.retries(at(10))).await;
    store.fence(active.is_rescued(0)).await;
}

pub async fn r24_a_cancelled_job_stays_cancelled(store: TestStore) {
    let id = store.publish(job("ship")).await;
    store.must_cancel(id).await;
    let before = store.snapshot().await;

    assert_eq!(store.cancel_job(id).await, Changed::Illegal(Cancelled));
    assert_eq!(store.retry_job(id).await, Changed::Illegal(Cancelled));
    assert_eq!(store.claim_ids(&["ship"], 9, at(99)).await, []);
    assert_eq!(store.snapshot().await, before);
}

pub async fn r24_an_ended_job_cannot_be_cancelled(store: TestStore) {
    let jobs: [(JobState, _); 2] =
        [(Succeeded, store.succeeded(job("a")).await), (Failed, store.failed(job("b")).await)];
    let before = store.snapshot().await;
    for (state, id) in jobs {
        assert_eq!(store.cancel_job(id).await, Changed::Illegal(state));
    }
    assert_eq!(store.snapshot().await, before);
}

pub async fn r24_cancel_returns_one_result_per_job_in_order(store: TestStore) {
    let done = store.succeeded(job("done")).await;
    let [first, second] = [store.publish(job("a")).await, store.publish(job("b")).await];
    let results = store.cancel_jobs(&[second, job_id(), done, first, second]).await;

    let expected = [
        Changed::Done(vec![second]),
        Changed::Missing,
        Changed::Illegal(Succeeded),
        Changed::Done(vec![first]),
        Changed::Illegal(Cancelled),
    ];
    assert_eq!(results, expected);
    assert_eq!(store.cancel_jobs(&[]).await, []);
}

pub async fn r24_a_cancelled_waiting_job_keeps_its_last_failure(store: TestStore) {
    let active = store.run(job("ship")).await;
    let commit = active.retries(at(50));
    let attempt = commit.attempt.clone();
    store.accept(commit).await;
    store.must_cancel(active.job.id).await;

    let found = store.find(active.job.id).await;
    assert_eq!((found.state, found.due_at, &found.failure), (Cancelled, None, &attempt.failure));
    assert_eq!(store.attempts_of(active.job.id).await, [attempt], "no attempt was running");
    assert_eq!(store.claim_by(&worker("w"), &["ship"], 9, at(99)).await.next_due, None);
}

pub async fn r26_a_cancelled_job_frees_its_lane(store: TestStore) {
    let front = store.run(in_lane("x", "ship")).await;
    let mut following = Vec::new();
    for _ in 0..3 {
        following.push(store.publish(in_lane("x", "ship")).await);
    }
    store.must_cancel(following[0]).await;
    assert_eq!(store.claim_ids(&["ship"], 9, at(0)).await, [], "the first one runs");
    store.must_cancel(front.job.id).await;
    assert_eq!(store.state(following[1]).await, Waiting, "the first one may still run");
    assert!(store.release_attempt(&front).await);
    assert_eq!(store.state(following[1]).await, Ready);
    store.must_cancel(following[1]).await;
    assert_eq!(store.claim_ids(&["ship"], 9, at(0)).await, [following[2]]);
}

pub async fn r26_a_whole_lane_can_be_cancelled(store: TestStore) {
    let mut lane = Vec::new();
    for _ in 0..4 {
        lane.push(store.publish(in_lane("x", "ship")).await);
    }
    let results = store.cancel_jobs(&lane).await;
    assert!(results.iter().all(|result| matches!(result, Changed::Done(ids) if ids.len() == 1)));

    let next = store.publish(in_lane("x", "ship")).await;
    assert_eq!(store.state(next).await, Ready);
}

pub async fn r24_cancelling_includes_successors_in_the_same_lane(store: TestStore) {
    let first = store.publish(in_lane("x", "ship")).await;
    let second = store.publish(in_lane("x", "ship").with(|job| job.after = vec![first])).await;
    let third = store.publish(in_lane("x", "ship")).await;

    assert_eq!(store.cancel_job(first).await, Changed::Done(vec![first, second]));
    assert_eq!(store.state(third).await, Ready);
}

pub async fn r24_a_cancelled_job_is_released_by_its_worker(store: TestStore) {
    store.lease("w", 2).await;
    for is_held in [false, true] {
        let front = store.run(in_lane("x", "ship")).await;
        let next = store.publish(in_lane("x", "ship")).await;
        if is_held {
            assert!(store.release(Release { hold: true, ..release_of(&front) }).await.expect("release"));
        }
        store.must_cancel(front.job.id).await;
        let [RunningJob { job, worker: by, started_at }] =
            &store.running(&worker("w"), 9).await.expect("running")[..]
        else {
            panic!("it is not released")
        };
        assert_eq!((job.id, job.state, job.attempts), (front.job.id, Cancelled, 1));
        assert_eq!((by, *started_at), (&worker("w"), at(0)));
        assert_eq!(store.running_ids("w", 0).await, []);

        let before = store.snapshot().await;
        for refused in [
            Release { worker: worker("v"), ..release_of(&front) },
            Release { number: 0, ..release_of(&front) },
            Release { number: 2, ..release_of(&front) },
            Release { hold: true, ..release_of(&front) },
            Release { lapsed: Some(1), ..release_of(&front) },
        ] {
            assert!(!store.release(refused.clone()).await.expect("release"), "{refused:?}");
        }
        let begin = Begin { job: front.job.id, worker: worker("w"), number: 1, repeatable: true, now: at(0) };
        assert!(!store.begin(begin).await.expect("begin"));
        assert_eq!(store.claim_ids(&["ship"], 9, at(99)).await, []);
        assert_eq!(store.snapshot().await, before);

        assert!(store.release_attempt(&front).await);
        assert!(!store.release_attempt(&front).await, "it is released already");
        assert_eq!(store.state(front.job.id).await, Cancelled);
        assert_eq!(store.claim_ids(&["ship"], 9, at(0)).await, [next]);
        let next = RunningAttempt { job: store.find(next).await, ..front };
        store.accept(next.succeeds()).await;
    }
}

pub async fn r24_a_cancelled_job_of_a_dead_worker_is_released(store: TestStore) {
    store.lease("w", 2).await;
    let front = store.run(in_lane("x", "ship")).await;
    let next = store.publish(in_lane("x", "ship")).await;
    store.must_cancel(front.job.id).await;
    assert_eq!(store.all_leases().await, [lease("w", 2)]);
    store.retire(&worker("w"), 2).await.expect("retire");
    assert_eq!(store.all_leases().await, [lease("w", 2)], "a worker is not retired whose attempt may run");

    let lapsed = Release { lapsed: Some(2), ..release_of(&front) };
    assert!(store.release(lapsed).await.expect("release"));
    assert_eq!(store.state(next).await, Ready);
    store.retire(&worker("w"), 2).await.expect("retire");
    assert_eq!(store.all_leases().await, []);
}

pub async fn r24_a_cancelled_job_is_not_pruned_before_it_is_released(store: TestStore) {
    let front = store.run(in_lane("x", "ship")).await;
    store.must_cancel(front.job.id).await;
    assert_eq!(store.prune_all(prune::all_ended()).await, 0);

    assert!(store.release_attempt(&front).await);
    assert_eq!(store.prune_all(prune::all_ended()).await, 1);
    let next = store.publish(in_lane("x", "ship")).await;
    assert_eq!(store.state(next).await, Ready);
}

pub async fn r24_a_job_that_is_retried_by_hand_waits_until_a_cancelled_one_is_released(store: TestStore) {
    let failed = store.failed(in_lane("x", "ship")).await;
    let front = store.run(in_lane("x", "ship")).await;
    store.must_cancel(front.job.id).await;
    assert_eq!(store.retry_job(failed).await, Changed::Done(vec![failed]));
    assert_eq!(store.state(failed).await, Waiting);

    assert!(store.release_attempt(&front).await);
    assert_eq!(store.claim_ids(&["ship"], 9, at(0)).await, [failed]);
}

pub async fn r24_a_cancelled_job_is_unreleased_after_a_restart(store: TestStore) {
    let front = store.run(in_lane("x", "ship")).await;
    let next = store.publish(in_lane("x", "ship")).await;
    store.must_cancel(front.job.id).await;

    let store = store.reopened();
    assert_eq!(store.running_ids("w", 9).await, [front.job.id]);
    assert_eq!((store.state(front.job.id).await, store.state(next).await), (Cancelled, Waiting));
    assert!(store.release_attempt(&front).await);
    let store = store.reopened();
    assert_eq!((store.running_ids("w", 9).await, store.state(next).await), (vec![], Ready));
}

fn release_of(active: &RunningAttempt) -> Release {
    let RunningAttempt { job, worker, .. } = active;
    Release { job: job.id, worker: worker.clone(), number: job.attempts, lapsed: None, hold: false }
}
