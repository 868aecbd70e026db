//! Lanes: jobs of one order key run one at a time, in the order they were published (r26).

use enact::store::{Commit, NewJob, Submitted};
use enact::{JobId, JobState};

use super::Subject;
use super::sample::{at, in_lane, job, json, key, under_key, worker};
use super::taken::Taken;

async fn publish_in_lane<const N: usize>(store: &Subject, lane: &str) -> [JobId; N] {
    let jobs: [NewJob; N] = std::array::from_fn(|_| in_lane(lane, "ship"));
    let ids = jobs.each_ref().map(|job| job.id);
    store.publish_all(jobs.into()).await;
    ids
}

async fn states<const N: usize>(store: &Subject, ids: [JobId; N]) -> Vec<JobState> {
    let mut states = Vec::new();
    for id in ids {
        states.push(store.state(id).await);
    }
    states
}

/// Takes the one job that is ready.
async fn take_turn(store: &Subject, expected: JobId) -> Taken {
    let mut claimed = store.claim_by(&worker("w"), &["ship", "bill"], 9, at(0)).await.jobs;
    assert_eq!(claimed.iter().map(|job| job.id).collect::<Vec<_>>(), [expected]);
    Taken { job: claimed.remove(0), worker: worker("w"), started_at: at(0) }
}

pub async fn r26_a_job_behind_another_waits_for_no_time(store: Subject) {
    let [first, second] = publish_in_lane(&store, "x").await;

    assert_eq!(store.state(first).await, JobState::Ready);
    let behind = store.find(second).await;
    assert_eq!((behind.state, behind.due_at), (JobState::Waiting, None));
    assert_eq!(store.claim_by(&worker("w"), &["bill"], 9, at(9)).await.next_due, None);
}

pub async fn r26_a_lane_runs_one_at_a_time_in_the_order_of_publishing(store: Subject) {
    let ids = publish_in_lane::<4>(&store, "x").await;
    for id in ids {
        let taken = take_turn(&store, id).await;
        assert_eq!(store.claim_ids(&["ship"], 9, at(99)).await, [], "while one runs");
        store.accept(taken.succeeds()).await;
    }
    assert_eq!(states(&store, ids).await, [JobState::Succeeded; 4]);
}

pub async fn r26_lanes_and_jobs_without_one_do_not_wait_for_each_other(store: Subject) {
    let [first, _] = publish_in_lane(&store, "x").await;
    let [other, _] = publish_in_lane(&store, "y").await;
    let free = store.publish(job("ship")).await;

    assert_eq!(store.claim_ids(&["ship"], 9, at(0)).await, [first, other, free]);
}

pub async fn r26_a_failed_job_frees_its_lane(store: Subject) {
    let ids @ [first, second] = publish_in_lane(&store, "x").await;
    let taken = take_turn(&store, first).await;
    store.accept(taken.fails()).await;

    assert_eq!(states(&store, ids).await, [JobState::Failed, JobState::Ready]);
    take_turn(&store, second).await;
}

pub async fn r26_a_job_given_up_for_good_frees_its_lane(store: Subject) {
    let ids @ [first, _] = publish_in_lane(&store, "x").await;
    let taken = take_turn(&store, first).await;
    store.accept(taken.is_lost(0)).await;

    assert_eq!(states(&store, ids).await, [JobState::Failed, JobState::Ready]);
}

pub async fn r26_a_retried_job_keeps_its_place_and_the_lane_waits(store: Subject) {
    let ids @ [first, second, _] = publish_in_lane(&store, "x").await;
    let taken = take_turn(&store, first).await;
    store.accept(taken.retries(at(5))).await;
    assert_eq!(states(&store, ids).await, [JobState::Waiting; 3]);
    let later = store.publish(in_lane("x", "ship")).await;
    assert_eq!(store.state(later).await, JobState::Waiting);
    assert_eq!(store.claim_ids(&["ship"], 9, at(4)).await, []);

    let again = store.take(&worker("w"), "ship", at(5)).await;
    assert_eq!(again.job.id, first);
    assert_eq!(store.claim_ids(&["ship"], 9, at(99)).await, []);
    store.accept(again.succeeds()).await;
    take_turn(&store, second).await;
}

pub async fn r26_a_lane_is_shared_by_jobs_of_several_names(store: Subject) {
    let first = store.publish(in_lane("x", "ship")).await;
    let second = store.publish(in_lane("x", "bill")).await;
    let third = store.publish(in_lane("x", "ship")).await;
    for id in [first, second, third] {
        let taken = take_turn(&store, id).await;
        store.accept(taken.succeeds()).await;
    }
}

pub async fn r26_a_lane_waits_for_a_job_that_nobody_here_can_run(store: Subject) {
    store.publish(in_lane("x", "fly")).await;
    let behind = store.publish(in_lane("x", "ship")).await;

    assert_eq!(store.claim_ids(&["ship"], 9, at(0)).await, []);
    assert_eq!(store.state(behind).await, JobState::Waiting);
}

pub async fn r26_a_lane_whose_jobs_have_all_ended_starts_anew(store: Subject) {
    for _ in 0..3 {
        let [id] = publish_in_lane(&store, "x").await;
        assert_eq!(store.state(id).await, JobState::Ready);
        let taken = take_turn(&store, id).await;
        store.accept(taken.fails()).await;
    }
}

pub async fn r26_a_job_published_by_its_predecessor_is_ready_when_that_has_ended(store: Subject) {
    let [first] = publish_in_lane(&store, "x").await;
    let taken = take_turn(&store, first).await;
    let staged = in_lane("x", "ship");
    let staged_id = staged.id;
    store.accept(Commit { jobs: vec![staged], ..taken.succeeds() }).await;

    assert_eq!(store.state(staged_id).await, JobState::Ready);
    take_turn(&store, staged_id).await;
}

pub async fn r26_a_staged_job_stands_behind_those_that_wait_already(store: Subject) {
    let [first, second] = publish_in_lane(&store, "x").await;
    let taken = take_turn(&store, first).await;
    let staged = in_lane("x", "ship");
    let staged_id = staged.id;
    store.accept(Commit { jobs: vec![staged], ..taken.succeeds() }).await;

    assert_eq!(states(&store, [second, staged_id]).await, [JobState::Ready, JobState::Waiting]);
}

pub async fn r26_a_job_staged_with_a_retry_waits_behind_it(store: Subject) {
    let [first] = publish_in_lane(&store, "x").await;
    let taken = take_turn(&store, first).await;
    let staged = in_lane("x", "ship");
    let staged_id = staged.id;
    store.accept(Commit { jobs: vec![staged], ..taken.retries(at(5)) }).await;

    assert_eq!(states(&store, [first, staged_id]).await, [JobState::Waiting; 2]);
    assert_eq!(store.claim_ids(&["ship"], 9, at(5)).await, [first]);
}

pub async fn r26_two_staged_jobs_of_a_new_lane_take_turns(store: Subject) {
    let taken = store.run(job("open")).await;
    let staged = [in_lane("x", "ship"), in_lane("x", "ship")];
    let ids = staged.each_ref().map(|job| job.id);
    store.accept(Commit { jobs: staged.into(), ..taken.succeeds() }).await;

    assert_eq!(states(&store, ids).await, [JobState::Ready, JobState::Waiting]);
}

pub async fn r26_a_job_that_is_not_added_takes_no_place_in_a_lane(store: Subject) {
    let keyed = || NewJob { order_key: Some(key("x")), ..under_key("k", "ship", json(1)) };
    let first = store.publish(NewJob { order_key: None, ..keyed() }).await;
    assert_eq!(store.publish_all(vec![keyed()]).await, [Submitted::Existing(first)]);
    let laned = store.publish(in_lane("x", "bill")).await;

    assert_eq!(store.state(laned).await, JobState::Ready);
}

pub async fn r26_executed_jobs_enter_no_lane(store: Subject) {
    let [first, second] = publish_in_lane(&store, "x").await;
    let executed = store.execute(job("ship"), &worker("w")).await;
    store.accept(executed.succeeds()).await;

    assert_eq!(states(&store, [first, second]).await, [JobState::Ready, JobState::Waiting]);
}

pub async fn r26_lanes_are_told_apart_to_the_letter(store: Subject) {
    for lane in ["x", "X", "x ", "", "\u{e9}", "e\u{301}", "x\0"] {
        let [first, second] = publish_in_lane(&store, lane).await;
        assert_eq!(
            states(&store, [first, second]).await,
            [JobState::Ready, JobState::Waiting],
            "in lane {lane:?}"
        );
    }
}

pub async fn r26_a_job_that_waits_for_a_time_has_the_turn(store: Subject) {
    let first = store.publish(NewJob { due_at: Some(at(5)), ..in_lane("x", "ship") }).await;
    let second = store.publish(in_lane("x", "ship")).await;
    assert_eq!(states(&store, [first, second]).await, [JobState::Waiting; 2]);
    assert_eq!(store.claim_by(&worker("w"), &["ship"], 9, at(4)).await.next_due, Some(at(5)));

    assert_eq!(store.claim_ids(&["ship"], 9, at(5)).await, [first]);
}

pub async fn r26_a_job_that_waits_for_another_has_the_turn(store: Subject) {
    let predecessor = store.run(job("bill")).await;
    let first = store.publish(NewJob { after: vec![predecessor.job.id], ..in_lane("x", "ship") }).await;
    let second = store.publish(in_lane("x", "ship")).await;
    assert_eq!(store.claim_ids(&["ship"], 9, at(99)).await, []);

    store.accept(predecessor.succeeds()).await;
    assert_eq!(states(&store, [first, second]).await, [JobState::Ready, JobState::Waiting]);
}

pub async fn r26_a_job_that_waits_for_its_turn_is_not_awaited_for_its_time(store: Subject) {
    let [first] = publish_in_lane(&store, "x").await;
    let second = store.publish(NewJob { due_at: Some(at(5)), ..in_lane("x", "ship") }).await;
    let taken = take_turn(&store, first).await;
    let claimed = store.claim_by(&worker("w"), &["ship"], 9, at(9)).await;
    assert_eq!((claimed.jobs.len(), claimed.next_due), (0, None));
    assert_eq!(store.find(second).await.due_at, Some(at(5)));

    assert!(store.accept(taken.succeeds()).await.has_work);
    assert_eq!(store.claim_ids(&["ship"], 9, at(9)).await, [second]);
}
