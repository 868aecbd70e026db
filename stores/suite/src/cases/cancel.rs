//! Cancelling jobs (r24).

use enact::JobState::{self, Cancelled, Failed, Ready, Running, Succeeded, Waiting};
use enact::store::{Changed, Commit};

use crate::TestStore;
use crate::sample::{
    With, account, after, at, cancellation, due, event, in_lane, job, job_id, worker, write,
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
