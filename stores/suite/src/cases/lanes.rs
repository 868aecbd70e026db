//! Lanes: jobs with the same order key run one at a time, in publishing order (r26).

use enact::store::{Commit, NewJob, Submitted};
use enact::{JobId, JobState};

use crate::TestStore;
use crate::attempt::RunningAttempt;
use crate::sample::{With, at, in_lane, job, json, key, under_key, worker};

async fn publish_in_lane<const N: usize>(store: &TestStore, lane: &str) -> [JobId; N] {
    let jobs: [NewJob; N] = std::array::from_fn(|_| in_lane(lane, "ship"));
    let ids = jobs.each_ref().map(|job| job.id);
    store.publish_all(jobs.into()).await;
    ids
}

async fn states<const N: usize>(store: &TestStore, ids: [JobId; N]) -> Vec<JobState> {
    let mut states = Vec::new();
    for id in ids {
        states.push(store.state(id).await);
    }
    states
}

/// Claims the only ready job.
async fn claim_only(store: &TestStore, expected: JobId) -> RunningAttempt {
    let mut claimed = store.claim_by(&worker("w"), &["ship", "bill"], 9, at(0)).await.jobs;
    assert_eq!(claimed.iter().map(|job| job.id).collect::<Vec<_>>(), [expected]);
    RunningAttempt { job: claimed.remove(0), worker: worker("w"), started_at: at(0) }
}

pub async fn r26_a_job_that_waits_for_its_lane_has_no_due_time(store: TestStore) {
    let [first, second] = publish_in_lane(&store, "x").await;

    assert_eq!(store.state(first).await, JobState::Ready);
    let following = store.find(second).await;
    assert_eq!((following.state, following.due_at), (JobState::Waiting, None));
    assert_eq!(store.claim_by(&worker("w"), &["bill"], 9, at(9)).await.next_due, None);
}

pub async fn r26_a_lane_runs_one_job_at_a_time_in_publishing_order(store: TestStore) {
    let ids = publish_in_lane::<4>(&store, "x").await;
    for id in ids {
        let active = claim_only(&store, id).await;
        assert_eq!(store.claim_ids(&["ship"], 9, at(99)).await, [], "while one runs");
        store.accept(active.succeeds()).await;
    }
    assert_eq!(states(&store, ids).await, [JobState::Succeeded; 4]);
}

pub async fn r26_lanes_are_independent_of_each_other_and_of_jobs_without_one(store: TestStore) {
    let [first, _] = publish_in_lane(&store, "x").await;
    let [other, _] = publish_in_lane(&store, "y").await;
    let free = store.publish(job("ship")).await;

    assert_eq!(store.claim_ids(&["ship"], 9, at(0)).await, [first, other, free]);
}

pub async fn r26_a_failed_job_frees_its_lane(store: TestStore) {
    let ids @ [first, second] = publish_in_lane(&store, "x").await;
    let active = claim_only(&store, first).await;
    store.accept(active.fails()).await;

    assert_eq!(states(&store, ids).await, [JobState::Failed, JobState::Ready]);
    claim_only(&store, second).await;
}

pub async fn r26_a_rescued_job_that_fails_frees_its_lane(store: TestStore) {
    let ids @ [first, _] = publish_in_lane(&store, "x").await;
    let active = claim_only(&store, first).await;
    store.accept(active.is_rescued(0)).await;

    assert_eq!(states(&store, ids).await, [JobState::Failed, JobState::Ready]);
}

pub async fn r26_a_retried_job_stays_at_the_head_of_its_lane(store: TestStore) {
    let ids @ [first, second, _] = publish_in_lane(&store, "x").await;
    let active = claim_only(&store, first).await;
    store.accept(active.retries(at(5))).await;
    assert_eq!(states(&store, ids).await, [JobState::Waiting; 3]);
    let later = store.publish(in_lane("x", "ship")).await;
    assert_eq!(store.state(later).await, JobState::Waiting);
    assert_eq!(store.claim_ids(&["ship"], 9, at(4)).await, []);

    let again = store.claim_one(&worker("w"), "ship", at(5)).await;
    assert_eq!(again.job.id, first);
    assert_eq!(store.claim_ids(&["ship"], 9, at(99)).await, []);
    store.accept(again.succeeds()).await;
    claim_only(&store, second).await;
}

pub async fn r26_a_lane_is_shared_by_jobs_of_several_names(store: TestStore) {
    let first = store.publish(in_lane("x", "ship")).await;
    let second = store.publish(in_lane("x", "bill")).await;
    let third = store.publish(in_lane("x", "ship")).await;
    for id in [first, second, third] {
        let active = claim_only(&store, id).await;
        store.accept(active.succeeds()).await;
    }
}

pub async fn r26_a_lane_waits_for_a_job_of_an_unclaimed_name(store: TestStore) {
    store.publish(in_lane("x", "fly")).await;
    let following = store.publish(in_lane("x", "ship")).await;

    assert_eq!(store.claim_ids(&["ship"], 9, at(0)).await, []);
    assert_eq!(store.state(following).await, JobState::Waiting);
}

pub async fn r26_a_lane_is_free_once_all_its_jobs_have_ended(store: TestStore) {
    for _ in 0..3 {
        let [id] = publish_in_lane(&store, "x").await;
        assert_eq!(store.state(id).await, JobState::Ready);
        let active = claim_only(&store, id).await;
        store.accept(active.fails()).await;
    }
}

pub async fn r26_a_job_staged_in_the_lane_of_its_stager_becomes_ready(store: TestStore) {
    let [first] = publish_in_lane(&store, "x").await;
    let active = claim_only(&store, first).await;
    let staged = in_lane("x", "ship");
    let staged_id = staged.id;
    store.accept(Commit { jobs: vec![staged], ..active.succeeds() }).await;

    assert_eq!(store.state(staged_id).await, JobState::Ready);
    claim_only(&store, staged_id).await;
}

pub async fn r26_a_staged_job_is_appended_to_its_lane(store: TestStore) {
    let [first, second] = publish_in_lane(&store, "x").await;
    let active = claim_only(&store, first).await;
    let staged = in_lane("x", "ship");
    let staged_id = staged.id;
    store.accept(Commit { jobs: vec![staged], ..active.succeeds() }).await;

    assert_eq!(states(&store, [second, staged_id]).await, [JobState::Ready, JobState::Waiting]);
}

pub async fn r26_a_job_staged_with_a_retry_waits_for_the_retry(store: TestStore) {
    let [first] = publish_in_lane(&store, "x").await;
    let active = claim_only(&store, first).await;
    let staged = in_lane("x", "ship");
    let staged_id = staged.id;
    store.accept(Commit { jobs: vec![staged], ..active.retries(at(5)) }).await;

    assert_eq!(states(&store, [first, staged_id]).await, [JobState::Waiting; 2]);
    assert_eq!(store.claim_ids(&["ship"], 9, at(5)).await, [first]);
}

pub async fn r26_two_jobs_staged_in_a_new_lane_are_ordered(store: TestStore) {
    let active = store.run(job("open")).await;
    let staged = [in_lane("x", "ship"), in_lane("x", "ship")];
    let ids = staged.each_ref().map(|job| job.id);
    store.accept(Commit { jobs: staged.into(), ..active.succeeds() }).await;

    assert_eq!(states(&store, ids).await, [JobState::Ready, JobState::Waiting]);
}

pub async fn r26_a_job_that_is_not_stored_does_not_block_its_lane(store: TestStore) {
    let keyed = || under_key("k", "ship", json(1)).with(|job| job.order_key = Some(key("x")));
    let first = store.publish(keyed().with(|job| job.order_key = None)).await;
    assert_eq!(store.publish_all(vec![keyed()]).await, [Submitted::Existing(first)]);
    let laned = store.publish(in_lane("x", "bill")).await;

    assert_eq!(store.state(laned).await, JobState::Ready);
}

pub async fn r26_executed_jobs_enter_no_lane(store: TestStore) {
    let [first, second] = publish_in_lane(&store, "x").await;
    let executed = store.execute(job("ship"), &worker("w")).await;
    store.accept(executed.succeeds()).await;

    assert_eq!(states(&store, [first, second]).await, [JobState::Ready, JobState::Waiting]);
}

pub async fn r26_lane_keys_match_exactly(store: TestStore) {
    for lane in ["x", "X", "x ", "", "\u{e9}", "e\u{301}", "x\0"] {
        let [first, second] = publish_in_lane(&store, lane).await;
        assert_eq!(
            states(&store, [first, second]).await,
            [JobState::Ready, JobState::Waiting],
            "in lane {lane:?}"
        );
    }
}

pub async fn r26_a_job_that_is_not_due_can_be_the_head_of_its_lane(store: TestStore) {
    let first = store.publish(NewJob { due_at: Some(at(5)), ..in_lane("x", "ship") }).await;
    let second = store.publish(in_lane("x", "ship")).await;
    assert_eq!(states(&store, [first, second]).await, [JobState::Waiting; 2]);
    assert_eq!(store.claim_by(&worker("w"), &["ship"], 9, at(4)).await.next_due, Some(at(5)));

    assert_eq!(store.claim_ids(&["ship"], 9, at(5)).await, [first]);
}

pub async fn r26_a_job_with_a_predecessor_can_be_the_head_of_its_lane(store: TestStore) {
    let predecessor = store.run(job("bill")).await;
    let first = store.publish(in_lane("x", "ship").with(|job| job.after = vec![predecessor.job.id])).await;
    let second = store.publish(in_lane("x", "ship")).await;
    assert_eq!(store.claim_ids(&["ship"], 9, at(99)).await, []);

    store.accept(predecessor.succeeds()).await;
    assert_eq!(states(&store, [first, second]).await, [JobState::Ready, JobState::Waiting]);
}

pub async fn r26_next_due_ignores_jobs_that_wait_for_their_lane(store: TestStore) {
    let [first] = publish_in_lane(&store, "x").await;
    let second = store.publish(NewJob { due_at: Some(at(5)), ..in_lane("x", "ship") }).await;
    let active = claim_only(&store, first).await;
    let claimed = store.claim_by(&worker("w"), &["ship"], 9, at(9)).await;
    assert_eq!((claimed.jobs.len(), claimed.next_due), (0, None));
    assert_eq!(store.find(second).await.due_at, Some(at(5)));

    assert!(store.accept(active.succeeds()).await.has_work);
    assert_eq!(store.claim_ids(&["ship"], 9, at(9)).await, [second]);
}
