//! Which jobs `claim` returns.

use enact::store::{Claim, NewDue, NewJob};
use enact::{Attempt, JobId, JobState};

use crate::TestStore;
use crate::sample::{MICROSECOND, With, at, due, job, job_id, jobs, worker};

pub async fn a_claimed_job_runs_its_next_attempt(store: TestStore) {
    let new = job("ship");
    let id = store.publish(new.clone()).await;
    let claimed = store.claim_by(&worker("w"), &["ship"], 1, at(5)).await.jobs;

    let expected = new.into_job(JobState::Running).with(|job| job.attempts = 1);
    assert_eq!(store.find(id).await, expected);
    assert_eq!(claimed, [expected]);
    let begun = Attempt::begun(1, worker("w"), at(5));
    assert_eq!(store.attempts_of(id).await, [begun]);
}

pub async fn a_job_is_claimed_once(store: TestStore) {
    let id = store.publish(job("ship")).await;

    assert_eq!(store.claim_ids(&["ship"], 5, at(0)).await, [id]);
    assert_eq!(store.claim_ids(&["ship"], 5, at(99)).await, []);
}

pub async fn an_ended_job_is_not_claimed(store: TestStore) {
    for (end, name) in ["succeed", "fail"].into_iter().enumerate() {
        let active = store.run(job(name)).await;
        store.accept(if end == 0 { active.succeeds() } else { active.fails() }).await;
    }

    assert_eq!(store.claim_ids(&["succeed", "fail"], 5, at(99)).await, []);
}

pub async fn jobs_are_claimed_in_sequence_order_across_names(store: TestStore) {
    let mut ids = Vec::new();
    for name in ["b", "a", "c", "a", "b", "b"] {
        ids.push(store.publish(job(name)).await);
    }

    assert_eq!(store.claim_ids(&["a", "b", "c"], 4, at(0)).await, ids[..4]);
    assert_eq!(store.claim_ids(&["c", "b", "a"], 4, at(0)).await, ids[4..]);
}

pub async fn a_claim_returns_at_most_its_limit(store: TestStore) {
    let jobs = jobs::<5>("ship");
    let ids = jobs.each_ref().map(|job| job.id);
    store.publish_all(jobs.into()).await;

    assert_eq!(store.claim_ids(&["ship"], 0, at(0)).await, []);
    assert_eq!(store.claim_ids(&["ship"], 3, at(0)).await, ids[..3]);
    assert_eq!(store.state(ids[3]).await, JobState::Ready);
    assert_eq!(store.claim_ids(&["ship"], 3, at(0)).await, ids[3..]);
}

pub async fn jobs_of_other_names_are_not_claimed(store: TestStore) {
    let foreign = store.publish(job("fly")).await;
    let own = store.publish(job("ship")).await;

    assert_eq!(store.claim_ids(&["ship", "sail"], 5, at(0)).await, [own]);
    assert_eq!(store.claim_ids(&[], 5, at(0)).await, []);
    assert_eq!(store.state(foreign).await, JobState::Ready);
    assert_eq!(store.claim_ids(&["fly"], 5, at(0)).await, [foreign]);
}

pub async fn names_match_exactly(store: TestStore) {
    store.publish(job("ship")).await;

    assert_eq!(store.claim_ids(&["Ship", "shi", "ship ", "sh%", "", "*"], 5, at(0)).await, []);
}

pub async fn r22_a_retry_is_ready_exactly_when_due(store: TestStore) {
    let active = store.run(job("ship")).await;
    let id = active.job.id;
    store.accept(active.retries(at(5))).await;

    let early = store.claim_by(&worker("w"), &["ship"], 1, at(5) - MICROSECOND).await;
    assert_eq!((early.jobs.len(), early.next_due), (0, Some(at(5))));
    assert_eq!(store.state(id).await, JobState::Waiting);

    let punctual = store.claim_by(&worker("v"), &["ship"], 1, at(5)).await;
    assert_eq!((punctual.jobs[0].id, punctual.jobs[0].attempts), (id, 2));
    assert_eq!(punctual.next_due, None);
}

pub async fn next_due_is_the_earliest_future_due_time(store: TestStore) {
    assert_eq!(store.claim_by(&worker("w"), &["ship"], 1, at(0)).await.next_due, None);
    for due in [7, 3, 5] {
        let active = store.run(job("ship")).await;
        store.accept(active.retries(at(due))).await;
    }

    for (now, next_due) in [(2, Some(at(3))), (3, Some(at(5))), (6, Some(at(7))), (7, None)] {
        assert_eq!(store.claim_by(&worker("w"), &["ship"], 0, at(now)).await.next_due, next_due, "at {now}");
    }
}

pub async fn a_job_that_becomes_due_keeps_its_sequence_number(store: TestStore) {
    let first = store.run(job("ship")).await;
    store.accept(first.retries(at(5))).await;
    let second = store.publish(job("ship").with(|job| job.created_at = at(1))).await;

    assert_eq!(store.claim_ids(&["ship"], 1, at(5)).await, [first.job.id]);
    assert_eq!(store.claim_ids(&["ship"], 1, at(5)).await, [second]);
}

pub async fn due_jobs_become_ready_whatever_their_name_and_the_limit(store: TestStore) {
    let mut due = Vec::new();
    for name in ["ship", "ship", "fly"] {
        let active = store.run(job(name)).await;
        store.accept(active.retries(at(5))).await;
        due.push(active.job.id);
    }
    assert_eq!(store.claim_ids(&["ship"], 1, at(5)).await, due[..1]);

    for id in &due[1..] {
        let job = store.find(*id).await;
        assert_eq!((job.state, job.due_at), (JobState::Ready, None));
    }
}

pub async fn jobs_due_at_the_same_time_are_all_claimed(store: TestStore) {
    let mut due = Vec::new();
    for _ in 0..3 {
        let active = store.run(job("ship")).await;
        store.accept(active.retries(at(5))).await;
        due.push(active.job.id);
    }

    assert_eq!(store.claim_ids(&["ship"], 9, at(5)).await, due);
}

/// A burst of due jobs does not make one call arbitrarily long.
pub async fn one_claim_wakes_at_most_max_woken_jobs_earliest_due_first(store: TestStore) {
    const LATE: usize = 3;
    let late: Vec<NewJob> = jobs::<LATE>("ship").map(|job| NewJob { due_at: Some(at(6)), ..job }).into();
    let punctual: Vec<NewJob> = (0..Claim::MAX_WOKEN).map(|_| due(at(5), "ship")).collect();
    let ids: Vec<JobId> = late.iter().chain(&punctual).map(|job| job.id).collect();
    store.publish_all([late, punctual].concat()).await;

    let first = store.claim_by(&worker("w"), &["ship"], 2, at(9)).await;
    assert_eq!(first.jobs.iter().map(|job| job.id).collect::<Vec<_>>(), ids[LATE..LATE + 2]);
    assert_eq!(first.next_due, Some(at(6)), "there are more due jobs");
    for (index, job) in store.all_jobs().await.iter().enumerate() {
        assert_eq!(job.state == JobState::Waiting, index < LATE, "{index}: {}", job.state);
    }
    let second = store.claim_by(&worker("w"), &["ship"], 2, at(9)).await;
    assert_eq!(second.jobs.iter().map(|job| job.id).collect::<Vec<_>>(), ids[..2]);
    assert_eq!(second.next_due, None);
}

pub async fn r22_the_time_that_a_job_waits_for_can_be_changed(store: TestStore) {
    let waiting = async |second| store.publish(NewJob { due_at: Some(at(second)), ..job("ship") }).await;
    let (earlier, later, other) = (waiting(10).await, waiting(10).await, waiting(10).await);
    let running = store.run(job("bill")).await.job.id;
    let before = store.find(running).await;

    let change = |job, from, to| NewDue { job, from: at(from), to: at(to) };
    let changes = vec![
        change(earlier, 10, 5),
        change(later, 10, 20),
        // These do not wait for that time, or not at all, or do not exist.
        change(other, 9, 5),
        change(running, 0, 5),
        change(job_id(), 10, 5),
    ];
    store.change_due(changes).await.expect("change_due");
    assert_eq!(store.find(later).await.due_at, Some(at(20)));
    assert_eq!(store.find(running).await, before);

    assert_eq!(store.claim_ids(&["ship"], 9, at(4)).await, []);
    let claimed = store.claim_by(&worker("w"), &["ship"], 9, at(5)).await;
    assert_eq!(claimed.jobs.iter().map(|job| job.id).collect::<Vec<_>>(), [earlier]);
    assert_eq!(claimed.next_due, Some(at(10)));
    assert_eq!(store.claim_ids(&["ship"], 9, at(19)).await, [other]);
    assert_eq!(store.claim_ids(&["ship"], 9, at(20)).await, [later]);
}
