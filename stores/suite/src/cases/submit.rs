//! What `submit` stores.

use enact::store::{NewJob, Start, Submitted};
use enact::{Attempt, JobState};

use crate::TestStore;
use crate::sample::{With, at, event, in_lane, job, jobs, key, worker};

pub async fn a_submitted_job_is_ready_and_has_no_attempts(store: TestStore) {
    let new = job("ship").with(|job| {
        job.created_at = at(3);
        job.target = Some(key("a-1"));
    });
    let id = store.publish(new.clone()).await;

    assert_eq!(store.find(id).await, new.into_job(JobState::Ready));
    assert_eq!(store.attempts_of(id).await, []);
}

pub async fn r06_a_job_that_starts_on_submit_runs_its_first_attempt(store: TestStore) {
    let new = job("ship").with(|job| {
        job.start = Some(Start::Running(worker("w")));
        job.created_at = at(3);
    });
    let id = store.publish(new.clone()).await;

    let expected = Attempt::begun(1, worker("w"), at(3));
    assert_eq!(store.find(id).await, new.into_job(JobState::Running));
    assert_eq!(store.attempts_of(id).await, [expected]);
}

pub async fn r06_a_job_that_starts_on_submit_is_never_claimed(store: TestStore) {
    store.execute(job("ship"), &worker("w")).await;

    assert_eq!(store.claim_ids(&["ship"], 10, at(9)).await, []);
}

pub async fn r06_a_job_that_starts_on_submit_is_committed_without_a_claim(store: TestStore) {
    let active = store.execute(job("ship"), &worker("w")).await;
    store.accept(active.succeeds()).await;

    assert_eq!(store.state(active.job.id).await, JobState::Succeeded);
    assert_eq!(store.attempts_of(active.job.id).await, [active.ended()]);
}

pub async fn jobs_are_stored_in_submission_order(store: TestStore) {
    let mut expected = Vec::new();
    for _ in 0..3 {
        // Reversed, so that the order of ids differs from the submission order.
        let batch: Vec<NewJob> = jobs::<4>("ship").into_iter().rev().collect();
        expected.extend(batch.iter().map(|job| job.id));
        store.publish_all(batch).await;
    }

    assert_eq!(store.all_ids().await, expected);
    assert_eq!(store.claim_ids(&["ship"], 12, at(0)).await, expected);
}

pub async fn creation_times_do_not_order_jobs(store: TestStore) {
    let late = store.publish(job("ship").with(|job| job.created_at = at(9))).await;
    let early = store.publish(job("ship").with(|job| job.created_at = at(1))).await;

    assert_eq!(store.all_ids().await, [late, early]);
    assert_eq!(store.claim_ids(&["ship"], 2, at(9)).await, [late, early]);
}

pub async fn events_are_stored_in_submission_order(store: TestStore) {
    let mut expected = Vec::new();
    for _ in 0..3 {
        let batch: Vec<_> = [event("a"), event("b"), event("a")].into_iter().rev().collect();
        expected.extend(batch.iter().map(|event| event.id));
        store.submit(batch, Vec::new()).await.expect("submit");
    }

    let found: Vec<_> = store.all_events().await.into_iter().map(|event| event.id).collect();
    assert_eq!(found, expected);
}

pub async fn r18_events_and_jobs_of_one_call_are_stored_together(store: TestStore) {
    let (event, job) = (event("sent"), in_lane("x", "on_sent"));
    let (event_id, job_id) = (event.id, job.id);
    let result = store.submit(vec![event], vec![job]).await.expect("submit");

    assert_eq!(result, [Submitted::New]);
    assert_eq!(store.all_events().await[0].id, event_id);
    assert_eq!(store.state(job_id).await, JobState::Ready);
}

pub async fn an_empty_submit_changes_nothing(store: TestStore) {
    store.publish(job("ship")).await;
    let before = store.snapshot().await;
    let result = store.submit(Vec::new(), Vec::new()).await.expect("submit");

    assert_eq!(result, []);
    assert_eq!(store.snapshot().await, before);
}
