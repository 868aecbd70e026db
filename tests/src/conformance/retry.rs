//! Letting failed jobs run again, by hand (r22).

use enact::JobState::{self, Cancelled, Ready, Running, Succeeded, Waiting};
use enact::store::{Changed, NewJob, Submitted};
use enact::{Attempt, Job, JobId};

use super::Subject;
use super::sample::{after, at, due, in_lane, job, job_id, json, under_key, worker};
use super::taken::Taken;

pub async fn r22_a_failed_job_is_ready_again_and_keeps_what_it_was(store: Subject) {
    let new = NewJob { priority: 3, deadline: Some(at(5)), ..under_key("k", "ship", json(1)) };
    let id = store.failed(new).await;
    let (failed, attempts) = (store.find(id).await, store.attempts_of(id).await);
    assert_eq!(store.run_again(id).await, Changed::Done(vec![id]));

    let again = Job { state: Ready, ended_at: None, spent: 1, ..failed };
    assert_eq!(store.find(id).await, again);
    assert_eq!(store.attempts_of(id).await, attempts);
}

pub async fn r22_attempts_go_on_and_those_before_are_spent(store: Subject) {
    let id = store.publish(job("ship")).await;
    let (mut attempts, mut expected): (u32, Vec<Attempt>) = (0, Vec::new());
    for round in 0..3 {
        // The first attempt of each round is followed by another of its own accord.
        for due_at in [Some(at(0)), None] {
            let taken = store.take(&worker("w"), "ship", at(0)).await;
            attempts += 1;
            assert_eq!((taken.job.attempts, taken.job.spent), (attempts, round * 2));
            let commit = due_at.map_or_else(|| taken.fails(), |due_at| taken.retries(due_at));
            expected.push(commit.attempt.clone());
            store.accept(commit).await;
        }
        store.run_again(id).await;
        assert_eq!(store.find(id).await.spent, attempts);
    }
    assert_eq!(store.attempts_of(id).await, expected);
}

pub async fn r22_a_job_that_was_retried_by_hand_can_succeed(store: Subject) {
    let id = store.failed(job("ship")).await;
    store.run_again(id).await;
    let again = store.take(&worker("w"), "ship", at(0)).await;
    assert_eq!((again.job.id, &again.job.failure), (id, &None));
    store.accept(again.succeeds()).await;

    let done = store.find(id).await;
    assert_eq!((done.state, done.failure, done.output), (Succeeded, None, Some(json("done"))));
}

pub async fn r22_only_a_failed_job_can_be_retried_by_hand(store: Subject) {
    let front = store.publish(in_lane("x", "front")).await;
    let cancelled = store.publish(job("cancelled")).await;
    store.called_off(cancelled).await;
    let jobs: [(JobState, JobId); 6] = [
        (Ready, front),
        (Waiting, store.publish(in_lane("x", "behind")).await),
        (Waiting, store.publish(due(at(50), "due")).await),
        (Running, store.run(job("running")).await.job.id),
        (Succeeded, store.succeeded(job("succeeded")).await),
        (Cancelled, cancelled),
    ];
    let before = store.everything().await;
    for (state, id) in jobs {
        assert_eq!(store.run_again(id).await, Changed::Illegal(state));
    }
    assert_eq!(store.everything().await, before);
}

pub async fn r22_each_job_is_answered_in_order(store: Subject) {
    let [first, second] = [store.failed(job("a")).await, store.failed(job("b")).await];
    let done = store.succeeded(job("done")).await;
    let answers = store.retry(vec![second, job_id(), done, first, second]).await.expect("retry");

    let expected = [
        Changed::Done(vec![second]),
        Changed::Missing,
        Changed::Illegal(Succeeded),
        Changed::Done(vec![first]),
        Changed::Illegal(Ready),
    ];
    assert_eq!(answers, expected);
    assert_eq!(store.retry(Vec::new()).await.expect("retry"), []);
}

pub async fn r22_a_job_that_is_retried_by_hand_stands_at_its_place(store: Subject) {
    let failed = store.failed(job("ship")).await;
    let later = store.publish(job("ship")).await;
    store.run_again(failed).await;

    assert_eq!(store.claim_ids(&["ship"], 9, at(0)).await, [failed, later]);
}

pub async fn r06_an_executed_job_that_is_retried_by_hand_is_claimed(store: Subject) {
    let taken = store.execute(job("ship"), &worker("v")).await;
    store.accept(taken.fails()).await;
    store.run_again(taken.job.id).await;

    let again = store.take(&worker("w"), "ship", at(0)).await;
    assert_eq!((again.job.id, again.job.attempts), (taken.job.id, 2));
}

pub async fn r25_a_job_that_is_retried_by_hand_keeps_its_key(store: Subject) {
    let id = store.failed(under_key("k", "pay", json(5))).await;
    store.run_again(id).await;

    assert_eq!(store.publish_all(vec![under_key("k", "pay", json(5))]).await, [Submitted::Existing(id)]);
}

pub async fn r26_a_job_that_waited_for_others_need_not_wait_for_them_again(store: Subject) {
    let first = store.succeeded(job("first")).await;
    let second = store.failed(after([first], "second")).await;
    store.run_again(second).await;

    assert_eq!(store.state(second).await, Ready);
}

pub async fn r26_what_is_retried_by_hand_waits_behind_one_that_is_ready(store: Subject) {
    let failed = store.failed(in_lane("x", "ship")).await;
    let next = store.publish(in_lane("x", "ship")).await;
    store.run_again(failed).await;
    assert_eq!([store.state(failed).await, store.state(next).await], [Waiting, Ready]);
    assert_eq!(store.find(failed).await.due_at, None);

    let taken = store.take(&worker("w"), "ship", at(0)).await;
    assert_eq!(taken.job.id, next);
    store.accept(taken.succeeds()).await;
    assert_eq!(store.claim_ids(&["ship"], 9, at(0)).await, [failed]);
}

pub async fn r26_what_is_retried_by_hand_waits_behind_one_that_runs(store: Subject) {
    let failed = store.failed(in_lane("x", "ship")).await;
    let next = store.run(in_lane("x", "ship")).await;
    let last = store.publish(in_lane("x", "ship")).await;
    store.run_again(failed).await;
    assert_eq!(store.claim_ids(&["ship"], 9, at(99)).await, []);

    store.accept(next.fails()).await;
    assert_eq!([store.state(failed).await, store.state(last).await], [Ready, Waiting]);
}

pub async fn r26_one_that_is_retried_of_its_own_accord_keeps_the_turn(store: Subject) {
    let failed = store.failed(in_lane("x", "ship")).await;
    let next = store.run(in_lane("x", "ship")).await;
    store.run_again(failed).await;
    store.accept(next.retries(at(5))).await;
    assert_eq!(store.claim_ids(&["ship"], 9, at(4)).await, [], "the turn is not taken from it now");

    assert_eq!(store.claim_ids(&["ship"], 9, at(5)).await, [next.job.id]);
}

pub async fn r26_it_keeps_the_turn_when_others_leave_the_lane(store: Subject) {
    let failed = store.failed(in_lane("x", "ship")).await;
    let next = store.run(in_lane("x", "ship")).await;
    let behind = store.publish(in_lane("x", "ship")).await;
    store.run_again(failed).await;
    store.called_off(behind).await;
    assert_eq!(store.state(failed).await, Waiting, "while the other runs");
    store.accept(next.retries(at(5))).await;
    let behind = store.publish(in_lane("x", "ship")).await;
    store.called_off(behind).await;

    assert_eq!(store.claim_ids(&["ship"], 9, at(5)).await, [next.job.id]);
}

pub async fn r26_what_is_retried_by_hand_takes_the_turn_from_one_that_waits_for_a_time(store: Subject) {
    let failed = store.failed(in_lane("x", "ship")).await;
    let next = store.run(in_lane("x", "ship")).await;
    store.accept(next.retries(at(5))).await;
    store.run_again(failed).await;
    assert_eq!([store.state(failed).await, store.state(next.job.id).await], [Ready, Waiting]);

    let claimed = store.claim_by(&worker("w"), &["ship"], 9, at(9)).await;
    assert_eq!((claimed.jobs[0].id, claimed.jobs.len()), (failed, 1));
    assert_eq!(claimed.next_due, None, "the other waits for its turn, too");
    assert_eq!(store.find(next.job.id).await.due_at, Some(at(5)));
    let again = under_way(&store, failed).await;
    store.accept(again.succeeds()).await;
    assert_eq!(store.claim_ids(&["ship"], 9, at(9)).await, [next.job.id]);
}

/// The attempt of worker `w` that is under way.
async fn under_way(store: &Subject, id: JobId) -> Taken {
    Taken { job: store.find(id).await, worker: worker("w"), started_at: at(9) }
}

pub async fn r26_a_lane_and_a_predecessor_do_not_wait_for_each_other(store: Subject) {
    let failed = store.failed(in_lane("x", "first")).await;
    let second = store.publish(NewJob { after: vec![failed], ..in_lane("x", "second") }).await;
    let third = store.publish(in_lane("x", "third")).await;
    assert_eq!(store.claim_ids(&["first", "second", "third"], 9, at(99)).await, [], "the lane waits");

    store.run_again(failed).await;
    for (name, id) in [("first", failed), ("second", second), ("third", third)] {
        let taken = store.take(&worker("w"), name, at(0)).await;
        assert_eq!(taken.job.id, id);
        store.accept(taken.succeeds()).await;
    }
}

pub async fn r26_the_turn_that_one_takes_goes_to_the_first_that_was_retried_by_hand(store: Subject) {
    let first = store.failed(in_lane("x", "ship")).await;
    let second = store.failed(in_lane("x", "ship")).await;
    let next = store.run(in_lane("x", "ship")).await;
    store.run_again(first).await;
    store.accept(next.retries(at(5))).await;
    assert_eq!(store.claim_ids(&["ship"], 9, at(4)).await, []);
    store.run_again(second).await;

    assert_eq!([store.state(first).await, store.state(second).await], [Ready, Waiting]);
    for id in [first, second, next.job.id] {
        let taken = store.take(&worker("w"), "ship", at(9)).await;
        assert_eq!(taken.job.id, id);
        store.accept(taken.succeeds()).await;
    }
}

pub async fn r26_several_that_are_retried_by_hand_run_in_their_order(store: Subject) {
    let mut failed = Vec::new();
    for _ in 0..3 {
        failed.push(store.failed(in_lane("x", "ship")).await);
    }
    let next = store.run(in_lane("x", "ship")).await;
    for id in [failed[1], failed[0], failed[2]] {
        store.run_again(id).await;
    }
    store.accept(next.succeeds()).await;
    for id in failed {
        let taken = store.take(&worker("w"), "ship", at(0)).await;
        assert_eq!(taken.job.id, id);
        store.accept(taken.succeeds()).await;
    }
}
