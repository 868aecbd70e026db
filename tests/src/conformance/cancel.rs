//! Calling jobs off (r24).

use enact::Job;
use enact::JobState::{self, Cancelled, Failed, Ready, Running, Succeeded, Waiting};
use enact::store::{Changed, Commit, NewJob};

use super::Subject;
use super::sample::{account, after, at, called_off, due, event, in_lane, job, job_id, worker, write};

pub async fn r24_whatever_has_not_ended_is_cancelled_when_the_call_returns(store: Subject) {
    let front = store.publish(in_lane("x", "front")).await;
    let jobs = [
        (Waiting, store.publish(due(at(50), "due")).await),
        (Waiting, store.publish(in_lane("x", "behind")).await),
        (Waiting, store.publish(after([front], "after")).await),
        (Ready, store.publish(job("ready")).await),
        (Running, store.run(job("claimed")).await.job.id),
        (Running, store.execute(job("executed"), &worker("v")).await.job.id),
    ];
    for (state, id) in jobs {
        let before = store.find(id).await;
        assert_eq!(before.state, state);
        assert_eq!(store.call_off(id).await, Changed::Done(vec![id]));
        let failure = (state == Running).then(called_off);
        let expected = Job { state: Cancelled, ended_at: Some(at(9)), due_at: None, failure, ..before };
        assert_eq!(store.find(id).await, expected);
    }
    assert_eq!(store.state(front).await, Ready);
}

pub async fn r24_a_running_attempt_has_ended_with_the_failure(store: Subject) {
    let taken = store.run(job("ship")).await;
    store.called_off(taken.job.id).await;

    let mut ended = taken.ended();
    ended.ended_at = Some(at(9));
    ended.reached = None;
    ended.failure = Some(called_off());
    assert_eq!(store.attempts_of(taken.job.id).await, [ended]);
    assert_eq!(store.running_ids("w", 9).await, []);
}

pub async fn r24_the_commit_of_a_cancelled_job_is_refused(store: Subject) {
    let taken = store.run(job("ship")).await;
    store.called_off(taken.job.id).await;

    store
        .fence(Commit {
            write: Some(write(account("a"), 0)),
            events: vec![event("shipped")],
            jobs: vec![job("bill")],
            ..taken.succeeds()
        })
        .await;
    store.fence(taken.fails()).await;
    store.fence(taken.retries(at(10))).await;
    store.fence(taken.is_lost(0)).await;
}

pub async fn r24_cancelled_stays_cancelled(store: Subject) {
    let id = store.publish(job("ship")).await;
    store.called_off(id).await;
    let before = store.everything().await;

    assert_eq!(store.call_off(id).await, Changed::Illegal(Cancelled));
    assert_eq!(store.run_again(id).await, Changed::Illegal(Cancelled));
    assert_eq!(store.claim_ids(&["ship"], 9, at(99)).await, []);
    assert_eq!(store.everything().await, before);
}

pub async fn r24_a_job_that_has_ended_is_not_called_off(store: Subject) {
    let jobs: [(JobState, _); 2] =
        [(Succeeded, store.succeeded(job("a")).await), (Failed, store.failed(job("b")).await)];
    let before = store.everything().await;
    for (state, id) in jobs {
        assert_eq!(store.call_off(id).await, Changed::Illegal(state));
    }
    assert_eq!(store.everything().await, before);
}

pub async fn r24_each_job_is_answered_in_order(store: Subject) {
    let done = store.succeeded(job("done")).await;
    let [first, second] = [store.publish(job("a")).await, store.publish(job("b")).await];
    let answers = store.call_off_all(&[second, job_id(), done, first, second]).await;

    let expected = [
        Changed::Done(vec![second]),
        Changed::Missing,
        Changed::Illegal(Succeeded),
        Changed::Done(vec![first]),
        Changed::Illegal(Cancelled),
    ];
    assert_eq!(answers, expected);
    assert_eq!(store.call_off_all(&[]).await, []);
}

pub async fn r24_a_waiting_job_says_why_its_last_attempt_failed(store: Subject) {
    let taken = store.run(job("ship")).await;
    let commit = taken.retries(at(50));
    let attempt = commit.attempt.clone();
    store.accept(commit).await;
    store.called_off(taken.job.id).await;

    let found = store.find(taken.job.id).await;
    assert_eq!((found.state, found.due_at, &found.failure), (Cancelled, None, &attempt.failure));
    assert_eq!(store.attempts_of(taken.job.id).await, [attempt], "no attempt was under way");
    assert_eq!(store.claim_by(&worker("w"), &["ship"], 9, at(99)).await.next_due, None);
}

pub async fn r26_a_cancelled_job_frees_its_lane(store: Subject) {
    let front = store.run(in_lane("x", "ship")).await;
    let mut behind = Vec::new();
    for _ in 0..3 {
        behind.push(store.publish(in_lane("x", "ship")).await);
    }
    store.called_off(behind[0]).await;
    assert_eq!(store.claim_ids(&["ship"], 9, at(0)).await, [], "the first one runs");
    store.called_off(front.job.id).await;
    assert_eq!(store.state(behind[1]).await, Ready);
    store.called_off(behind[1]).await;
    assert_eq!(store.claim_ids(&["ship"], 9, at(0)).await, [behind[2]]);
}

pub async fn r26_a_whole_lane_can_be_called_off(store: Subject) {
    let mut lane = Vec::new();
    for _ in 0..4 {
        lane.push(store.publish(in_lane("x", "ship")).await);
    }
    let answers = store.call_off_all(&lane).await;
    assert!(answers.iter().all(|answer| matches!(answer, Changed::Done(ids) if ids.len() == 1)));

    let next = store.publish(in_lane("x", "ship")).await;
    assert_eq!(store.state(next).await, Ready);
}

pub async fn r24_what_comes_after_a_job_in_its_own_lane_is_cancelled_with_it(store: Subject) {
    let first = store.publish(in_lane("x", "ship")).await;
    let second = store.publish(NewJob { after: vec![first], ..in_lane("x", "ship") }).await;
    let third = store.publish(in_lane("x", "ship")).await;

    assert_eq!(store.call_off(first).await, Changed::Done(vec![first, second]));
    assert_eq!(store.state(third).await, Ready);
}
