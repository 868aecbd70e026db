//! Manual retries of failed jobs (r22).

use enact::JobState::{self, Cancelled, Ready, Running, Succeeded, Waiting};
use enact::store::{Changed, Submitted};
use enact::{Attempt, JobId};

use crate::TestStore;
use crate::attempt::RunningAttempt;
use crate::sample::{With, after, at, due, in_lane, job, job_id, json, under_key, worker};

pub async fn r22_a_manual_retry_makes_a_failed_job_ready_and_changes_nothing_else(store: TestStore) {
    let new = under_key("k", "ship", json(1)).with(|job| {
        job.priority = 3;
        job.deadline = Some(at(5));
    });
    let id = store.failed(new).await;
    let (failed, attempts) = (store.find(id).await, store.attempts_of(id).await);
    assert_eq!(store.retry_job(id).await, Changed::Done(vec![id]));

    let again = failed.with(|job| {
        job.state = Ready;
        job.ended_at = None;
        job.spent = 1;
    });
    assert_eq!(store.find(id).await, again);
    assert_eq!(store.attempts_of(id).await, attempts);
}

pub async fn r22_a_manual_retry_keeps_the_attempt_count_and_marks_it_spent(store: TestStore) {
    let id = store.publish(job("ship")).await;
    let (mut attempts, mut expected): (u32, Vec<Attempt>) = (0, Vec::new());
    for round in 0..3 {
        // The first attempt of each round is retried automatically.
        for due_at in [Some(at(0)), None] {
            let active = store.claim_one(&worker("w"), "ship", at(0)).await;
            attempts += 1;
            assert_eq!((active.job.attempts, active.job.spent), (attempts, round * 2));
            let commit = due_at.map_or_else(|| active.fails(), |due_at| active.retries(due_at));
            expected.push(commit.attempt.clone());
            store.accept(commit).await;
        }
        store.retry_job(id).await;
        assert_eq!(store.find(id).await.spent, attempts);
    }
    assert_eq!(store.attempts_of(id).await, expected);
}

pub async fn r22_a_manually_retried_job_can_succeed(store: TestStore) {
    let id = store.failed(job("ship")).await;
    store.retry_job(id).await;
    let again = store.claim_one(&worker("w"), "ship", at(0)).await;
    assert_eq!((again.job.id, &again.job.failure), (id, &None));
    store.accept(again.succeeds()).await;

    let done = store.find(id).await;
    assert_eq!((done.state, done.failure, done.output), (Succeeded, None, Some(json("done"))));
}

pub async fn r22_only_a_failed_job_can_be_retried_manually(store: TestStore) {
    let front = store.publish(in_lane("x", "front")).await;
    let cancelled = store.publish(job("cancelled")).await;
    store.must_cancel(cancelled).await;
    let jobs: [(JobState, JobId); 6] = [
        (Ready, front),
        (Waiting, store.publish(in_lane("x", "following")).await),
        (Waiting, store.publish(due(at(50), "due")).await),
        (Running, store.run(job("running")).await.job.id),
        (Succeeded, store.succeeded(job("succeeded")).await),
        (Cancelled, cancelled),
    ];
    let before = store.snapshot().await;
    for (state, id) in jobs {
        assert_eq!(store.retry_job(id).await, Changed::Illegal(state));
    }
    assert_eq!(store.snapshot().await, before);
}

pub async fn r22_retry_returns_one_result_per_job_in_order(store: TestStore) {
    let [first, second] = [store.failed(job("a")).await, store.failed(job("b")).await];
    let done = store.succeeded(job("done")).await;
    let results = store.retry(vec![second, job_id(), done, first, second]).await.expect("retry");

    let expected = [
        Changed::Done(vec![second]),
        Changed::Missing,
        Changed::Illegal(Succeeded),
        Changed::Done(vec![first]),
        Changed::Illegal(Ready),
    ];
    assert_eq!(results, expected);
    assert_eq!(store.retry(Vec::new()).await.expect("retry"), []);
}

pub async fn r22_a_manually_retried_job_keeps_its_sequence_number(store: TestStore) {
    let failed = store.failed(job("ship")).await;
    let later = store.publish(job("ship")).await;
    store.retry_job(failed).await;

    assert_eq!(store.claim_ids(&["ship"], 9, at(0)).await, [failed, later]);
}

pub async fn r06_a_manually_retried_executed_job_is_claimed(store: TestStore) {
    let active = store.execute(job("ship"), &worker("v")).await;
    store.accept(active.fails()).await;
    store.retry_job(active.job.id).await;

    let again = store.claim_one(&worker("w"), "ship", at(0)).await;
    assert_eq!((again.job.id, again.job.attempts), (active.job.id, 2));
}

pub async fn r25_a_manually_retried_job_keeps_its_key(store: TestStore) {
    let id = store.failed(under_key("k", "pay", json(5))).await;
    store.retry_job(id).await;

    assert_eq!(store.publish_all(vec![under_key("k", "pay", json(5))]).await, [Submitted::Existing(id)]);
}

pub async fn r26_a_manually_retried_job_does_not_wait_for_its_predecessors_again(store: TestStore) {
    let first = store.succeeded(job("first")).await;
    let second = store.failed(after([first], "second")).await;
    store.retry_job(second).await;

    assert_eq!(store.state(second).await, Ready);
}

pub async fn r26_a_manually_retried_job_waits_for_the_ready_job_of_its_lane(store: TestStore) {
    let failed = store.failed(in_lane("x", "ship")).await;
    let next = store.publish(in_lane("x", "ship")).await;
    store.retry_job(failed).await;
    assert_eq!([store.state(failed).await, store.state(next).await], [Waiting, Ready]);
    assert_eq!(store.find(failed).await.due_at, None);

    let active = store.claim_one(&worker("w"), "ship", at(0)).await;
    assert_eq!(active.job.id, next);
    store.accept(active.succeeds()).await;
    assert_eq!(store.claim_ids(&["ship"], 9, at(0)).await, [failed]);
}

pub async fn r26_a_manually_retried_job_waits_for_the_running_job_of_its_lane(store: TestStore) {
    let failed = store.failed(in_lane("x", "ship")).await;
    let next = store.run(in_lane("x", "ship")).await;
    let last = store.publish(in_lane("x", "ship")).await;
    store.retry_job(failed).await;
    assert_eq!(store.claim_ids(&["ship"], 9, at(99)).await, []);

    store.accept(next.fails()).await;
    assert_eq!([store.state(failed).await, store.state(last).await], [Ready, Waiting]);
}

pub async fn r26_an_automatic_retry_stays_at_the_head_of_its_lane(store: TestStore) {
    let failed = store.failed(in_lane("x", "ship")).await;
    let next = store.run(in_lane("x", "ship")).await;
    store.retry_job(failed).await;
    store.accept(next.retries(at(5))).await;
    assert_eq!(store.claim_ids(&["ship"], 9, at(4)).await, [], "the head of the lane stays");

    assert_eq!(store.claim_ids(&["ship"], 9, at(5)).await, [next.job.id]);
}

pub async fn r26_the_head_of_a_lane_stays_when_other_jobs_leave_it(store: TestStore) {
    let failed = store.failed(in_lane("x", "ship")).await;
    let next = store.run(in_lane("x", "ship")).await;
    let following = store.publish(in_lane("x", "ship")).await;
    store.retry_job(failed).await;
    store.must_cancel(following).await;
    assert_eq!(store.state(failed).await, Waiting, "while the other runs");
    store.accept(next.retries(at(5))).await;
    let following = store.publish(in_lane("x", "ship")).await;
    store.must_cancel(following).await;

    assert_eq!(store.claim_ids(&["ship"], 9, at(5)).await, [next.job.id]);
}

pub async fn r26_a_manually_retried_job_overtakes_a_head_that_is_not_due(store: TestStore) {
    let failed = store.failed(in_lane("x", "ship")).await;
    let next = store.run(in_lane("x", "ship")).await;
    store.accept(next.retries(at(5))).await;
    store.retry_job(failed).await;
    assert_eq!([store.state(failed).await, store.state(next.job.id).await], [Ready, Waiting]);

    let claimed = store.claim_by(&worker("w"), &["ship"], 9, at(9)).await;
    assert_eq!((claimed.jobs[0].id, claimed.jobs.len()), (failed, 1));
    assert_eq!(claimed.next_due, None, "the other waits for its lane");
    assert_eq!(store.find(next.job.id).await.due_at, Some(at(5)));
    let again = running_attempt(&store, failed).await;
    store.accept(again.succeeds()).await;
    assert_eq!(store.claim_ids(&["ship"], 9, at(9)).await, [next.job.id]);
}

/// The running attempt of worker `w`.
async fn running_attempt(store: &TestStore, id: JobId) -> RunningAttempt {
    RunningAttempt { job: store.find(id).await, worker: worker("w"), started_at: at(9) }
}

pub async fn r26_a_lane_and_a_predecessor_do_not_deadlock(store: TestStore) {
    let failed = store.failed(in_lane("x", "first")).await;
    let second = store.publish(in_lane("x", "second").with(|job| job.after = vec![failed])).await;
    let third = store.publish(in_lane("x", "third")).await;
    assert_eq!(store.claim_ids(&["first", "second", "third"], 9, at(99)).await, [], "the lane waits");

    store.retry_job(failed).await;
    for (name, id) in [("first", failed), ("second", second), ("third", third)] {
        let active = store.claim_one(&worker("w"), name, at(0)).await;
        assert_eq!(active.job.id, id);
        store.accept(active.succeeds()).await;
    }
}

pub async fn r26_the_earliest_manually_retried_job_becomes_the_head(store: TestStore) {
    let first = store.failed(in_lane("x", "ship")).await;
    let second = store.failed(in_lane("x", "ship")).await;
    let next = store.run(in_lane("x", "ship")).await;
    store.retry_job(first).await;
    store.accept(next.retries(at(5))).await;
    assert_eq!(store.claim_ids(&["ship"], 9, at(4)).await, []);
    store.retry_job(second).await;

    assert_eq!([store.state(first).await, store.state(second).await], [Ready, Waiting]);
    for id in [first, second, next.job.id] {
        let active = store.claim_one(&worker("w"), "ship", at(9)).await;
        assert_eq!(active.job.id, id);
        store.accept(active.succeeds()).await;
    }
}

pub async fn r26_manually_retried_jobs_run_in_sequence_order(store: TestStore) {
    let mut failed = Vec::new();
    for _ in 0..3 {
        failed.push(store.failed(in_lane("x", "ship")).await);
    }
    let next = store.run(in_lane("x", "ship")).await;
    for id in [failed[1], failed[0], failed[2]] {
        store.retry_job(id).await;
    }
    store.accept(next.succeeds()).await;
    for id in failed {
        let active = store.claim_one(&worker("w"), "ship", at(0)).await;
        assert_eq!(active.job.id, id);
        store.accept(active.succeeds()).await;
    }
}
