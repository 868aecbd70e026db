//! What `commit` puts on record, and what it refuses.

use enact::store::{Commit, CommitError, NewEvent, NewJob, Next};
use enact::{Cause, Failure, Job, JobState, Step};

use super::Subject;
use super::sample::{
    account, after, at, due, event, in_lane, job, job_id, json, order, under_key, worker, write, written,
};
use super::taken::Taken;

pub async fn r15_a_commit_puts_everything_on_record(store: Subject) {
    let taken = store.run(job("ship")).await;
    let event = NewEvent { cause: Some(taken.job.id), ..event("shipped") };
    let follower = NewJob { cause: Some(Cause::Event(event.id)), ..job("on_shipped") };
    let mut attempt = taken.ended();
    attempt.version_written = Some(1);
    attempt.events = vec![event.id];
    store
        .accept(Commit {
            attempt: attempt.clone(),
            write: Some(write(account("a"), 0)),
            events: vec![event.clone()],
            jobs: vec![follower.clone()],
            ..taken.succeeds()
        })
        .await;

    let done = Job {
        state: JobState::Succeeded,
        ended_at: attempt.ended_at,
        output: Some(json("done")),
        ..taken.job.clone()
    };
    assert_eq!(store.find(taken.job.id).await, done);
    assert_eq!(store.attempts_of(taken.job.id).await, [attempt]);
    assert_eq!(store.entity(&account("a")).await, Some(written(1)));
    assert_eq!(store.all_events().await.iter().map(|found| found.id).collect::<Vec<_>>(), [event.id]);
    assert_eq!(store.find(follower.id).await, follower.into_job(JobState::Ready));
}

/// A commit with something of everything.
fn full(taken: &Taken) -> Commit {
    Commit {
        write: Some(write(account("a"), 0)),
        events: vec![event("shipped"), event("shipped")],
        jobs: vec![job("bill"), in_lane("x", "bill"), under_key("k", "bill", json(1))],
        ..taken.succeeds()
    }
}

pub async fn r15_a_commit_refused_for_its_version_leaves_nothing(store: Subject) {
    let taken = store.run(job("ship")).await;
    let refusal = store.refuse(Commit { write: Some(write(account("a"), 7)), ..full(&taken) }).await;
    assert!(matches!(refusal, CommitError::Conflict { found: 0 }), "{refusal:?}");

    store.accept(full(&taken)).await;
    assert_eq!(store.entity(&account("a")).await, Some(written(1)));
    assert_eq!(store.all_events().await.len(), 2);
}

pub async fn r15_a_commit_refused_by_the_fence_leaves_nothing(store: Subject) {
    let taken = store.run(job("ship")).await;
    let stranger = Taken { worker: worker("stranger"), ..taken.clone() };
    store.fence(full(&stranger)).await;

    store.accept(full(&taken)).await;
    assert_eq!(store.all_events().await.len(), 2);
}

pub async fn r15_a_commit_refused_for_an_idempotency_key_leaves_nothing(store: Subject) {
    let holder = store.publish(under_key("taken", "bill", json(1))).await;
    let taken = store.run(job("ship")).await;
    let mut commit = full(&taken);
    let other = under_key("taken", "bill", json(2));
    commit.jobs.push(other.clone());
    match store.refuse(commit).await {
        CommitError::Mismatch { staged, existing } => assert_eq!((staged, existing), (other.id, holder)),
        refusal => panic!("{refusal:?}"),
    }

    // The lanes and keys that the refused jobs would have had are free.
    store.accept(full(&taken)).await;
    let states: Vec<_> = store.all_jobs().await.iter().skip(2).map(|job| job.state).collect();
    assert_eq!(states, [JobState::Ready; 3]);
}

pub async fn r17_versions_count_the_commits_of_an_entity(store: Subject) {
    assert_eq!(store.entity(&account("a")).await, None);
    for version in 0..4 {
        let taken = store.run(job("ship")).await;
        store.accept(Commit { write: Some(write(account("a"), version)), ..taken.succeeds() }).await;
        assert_eq!(store.entity(&account("a")).await, Some(written(version + 1)));
    }
}

pub async fn r17_a_commit_that_expects_another_version_is_told_which_one_it_found(store: Subject) {
    for version in 0..2 {
        let taken = store.run(job("ship")).await;
        store.accept(Commit { write: Some(write(account("a"), version)), ..taken.succeeds() }).await;
    }

    let taken = store.run(job("ship")).await;
    for (key, expected, found) in
        [(account("a"), 0, 2), (account("a"), 1, 2), (account("a"), 3, 2), (account("b"), 1, 0)]
    {
        match store.refuse(Commit { write: Some(write(key.clone(), expected)), ..taken.succeeds() }).await {
            CommitError::Conflict { found: actual } => {
                assert_eq!(actual, found, "{key}, {expected} expected");
            }
            refusal => panic!("{refusal:?}"),
        }
    }
    store.accept(Commit { write: Some(write(account("a"), 2)), ..taken.succeeds() }).await;
}

pub async fn r17_entities_of_two_types_share_nothing_but_the_id(store: Subject) {
    for (key, version) in [(account("1"), 0), (order("1"), 0), (account("1"), 1)] {
        let taken = store.run(job("ship")).await;
        store.accept(Commit { write: Some(write(key, version)), ..taken.succeeds() }).await;
    }

    assert_eq!(store.entity(&account("1")).await, Some(written(2)));
    assert_eq!(store.entity(&order("1")).await, Some(written(1)));
}

pub async fn r15_a_commit_without_a_write_leaves_the_entities_alone(store: Subject) {
    let taken = store.run(job("ship")).await;
    store.accept(Commit { write: Some(write(account("a"), 0)), ..taken.succeeds() }).await;
    let taken = store.run(job("ship")).await;
    store.accept(taken.succeeds()).await;

    assert_eq!(store.entity(&account("a")).await, Some(written(1)));
}

pub async fn r20_a_failed_job_has_ended_and_says_why(store: Subject) {
    let taken = store.run(job("ship")).await;
    let commit = taken.fails();
    store.accept(commit.clone()).await;

    let failed = Job {
        state: JobState::Failed,
        ended_at: commit.attempt.ended_at,
        failure: commit.attempt.failure.clone(),
        ..taken.job.clone()
    };
    assert_eq!(store.find(taken.job.id).await, failed);
    assert_eq!(store.attempts_of(taken.job.id).await, [commit.attempt]);
}

pub async fn r22_a_retried_job_waits_for_its_time_and_says_why_it_failed(store: Subject) {
    let taken = store.run(job("ship")).await;
    let commit = taken.retries(at(60));
    store.accept(commit.clone()).await;

    let waiting = Job {
        state: JobState::Waiting,
        due_at: Some(at(60)),
        failure: commit.attempt.failure,
        ..taken.job.clone()
    };
    assert_eq!(store.find(taken.job.id).await, waiting);
}

pub async fn the_failure_of_a_job_is_that_of_its_last_attempt(store: Subject) {
    let first = store.run(job("ship")).await;
    store.accept(first.retries(at(5))).await;
    let second = store.take(&worker("w"), "ship", at(5)).await;
    assert_eq!(second.job.failure, None, "while the next attempt runs");
    assert_eq!(second.job.due_at, None);
    assert_eq!(store.find(first.job.id).await, second.job);

    let other = Failure::denied("for another reason");
    let mut attempt = second.ended();
    attempt.failure = Some(other.clone());
    store.accept(Commit { attempt, ..second.retries(at(9)) }).await;
    assert_eq!(store.find(first.job.id).await.failure, Some(other));

    let third = store.take(&worker("w"), "ship", at(9)).await;
    store.accept(third.succeeds()).await;
    assert_eq!(store.find(first.job.id).await.failure, None);
}

pub async fn r21_a_retry_keeps_every_earlier_attempt(store: Subject) {
    let id = store.publish(job("ship")).await;
    let mut expected = Vec::new();
    for number in 1..=3 {
        let due_at = at(i64::from(number) * 10);
        let taken = store.take(&worker(&format!("w-{number}")), "ship", due_at).await;
        assert_eq!(taken.job.attempts, number);
        let commit = taken.retries(due_at);
        expected.push(commit.attempt.clone());
        store.accept(commit).await;
    }
    let last = store.take(&worker("w-4"), "ship", at(40)).await;
    let mut running = last.ended();
    running.ended_at = None;
    running.reached = None;

    let attempts = store.attempts_of(id).await;
    assert_eq!(attempts[..3], expected);
    assert_eq!(attempts[3..], [running]);

    store.accept(last.succeeds()).await;
    assert_eq!(store.attempts_of(id).await[..3], expected);
    assert_eq!(store.attempts_of(id).await[3..], [last.ended()]);
}

pub async fn r21_an_attempt_given_up_has_reached_nothing(store: Subject) {
    let taken = store.run(job("ship")).await;
    let mut attempt = taken.is_lost(0).attempt;
    attempt.reached = None;
    store.accept(Commit { attempt: attempt.clone(), ..taken.is_lost(0) }).await;

    assert_eq!(store.attempts_of(taken.job.id).await, [attempt]);
}

pub async fn r21_every_step_is_kept(store: Subject) {
    for step in Step::ALL {
        let taken = store.run(job("ship")).await;
        let mut attempt = taken.fails().attempt;
        attempt.reached = Some(step);
        store.accept(Commit { attempt, ..taken.fails() }).await;
        assert_eq!(store.attempts_of(taken.job.id).await[0].reached, Some(step));
    }
}

pub async fn r23_another_worker_cannot_commit(store: Subject) {
    let taken = store.run(job("ship")).await;
    store.fence(Taken { worker: worker("v"), ..taken.clone() }.succeeds()).await;
    store.fence(Taken { worker: worker("W"), ..taken }.succeeds()).await;
}

pub async fn r23_another_attempt_cannot_be_committed(store: Subject) {
    let taken = store.run(job("ship")).await;
    for number in [0, 2] {
        let mut attempt = taken.ended();
        attempt.number = number;
        store.fence(Commit { attempt, ..taken.succeeds() }).await;
    }
}

pub async fn r23_an_earlier_attempt_cannot_be_committed(store: Subject) {
    let first = store.run(job("ship")).await;
    store.accept(first.retries(at(5))).await;
    store.fence(first.succeeds()).await;

    // The same worker has begun the next attempt.
    let second = store.take(&first.worker, "ship", at(5)).await;
    store.fence(first.succeeds()).await;
    store.accept(second.succeeds()).await;
}

pub async fn r20_a_job_ends_once(store: Subject) {
    for end in [Taken::succeeds, Taken::fails] {
        let taken = store.run(job("ship")).await;
        store.accept(end(&taken)).await;
        store.fence(taken.succeeds()).await;
        store.fence(taken.fails()).await;
        store.fence(taken.retries(at(9))).await;
        store.fence(taken.is_lost(0)).await;
    }
}

pub async fn r20_a_job_that_does_not_run_cannot_end(store: Subject) {
    let ready = store.publish(in_lane("x", "ship")).await;
    let waiting = store.publish(in_lane("x", "ship")).await;
    for id in [ready, waiting] {
        let job = Job { attempts: 1, ..store.find(id).await };
        let taken = Taken { job, worker: worker("w"), started_at: at(0) };
        store.fence(taken.succeeds()).await;
        let mut never_begun = taken.ended();
        never_begun.number = 0;
        store.fence(Commit { attempt: never_begun, ..taken.succeeds() }).await;
    }
}

pub async fn a_job_that_is_not_on_record_cannot_end(store: Subject) {
    let taken = store.run(job("ship")).await;
    store.fence(Commit { job: job_id(), ..taken.succeeds() }).await;
}

pub async fn staged_events_and_jobs_stand_in_their_order_behind_earlier_ones(store: Subject) {
    let first = store.run(job("ship")).await;
    let second = store.publish(job("other")).await;
    store.submit(vec![event("before")], Vec::new()).await.expect("submit");
    let (events, jobs) = ([event("a"), event("b")], [job("b"), job("a")]);
    let expected_jobs = [first.job.id, second, jobs[0].id, jobs[1].id];
    store.accept(Commit { events: events.into(), jobs: jobs.into(), ..first.succeeds() }).await;

    let names: Vec<_> = store.all_events().await.into_iter().map(|event| event.name.to_string()).collect();
    assert_eq!(names, ["before", "a", "b"]);
    assert_eq!(store.all_ids().await, expected_jobs);
}

pub async fn an_output_of_null_is_an_output(store: Subject) {
    let taken = store.run(job("ship")).await;
    let null = json(());
    store.accept(Commit { next: Next::Succeeded(null.clone()), ..taken.succeeds() }).await;

    assert_eq!(store.find(taken.job.id).await.output, Some(null));
}

pub async fn a_commit_says_whether_there_is_something_to_claim_or_to_wait_for(store: Subject) {
    let has_work = async |commit| store.accept(commit).await.has_work;
    let taken = async || store.run(job("ship")).await;
    assert!(!has_work(taken().await.succeeds()).await);
    assert!(!has_work(taken().await.fails()).await);
    assert!(
        has_work(Commit { jobs: vec![job("bill")], ..taken().await.succeeds() }).await,
        "a job is staged"
    );
    assert!(
        has_work(Commit { jobs: vec![due(at(50), "bill")], ..taken().await.succeeds() }).await,
        "it is due later"
    );
    let retries = taken().await;
    assert!(has_work(retries.retries(at(5))).await, "it waits for a time");
    assert!(!has_work(store.take(&worker("w"), "ship", at(5)).await.succeeds()).await);

    let first = store.run(in_lane("x", "ship")).await;
    let second = store.publish(in_lane("x", "ship")).await;
    assert!(has_work(first.fails()).await, "the lane is free");
    let taken = store.take(&worker("w"), "ship", at(0)).await;
    assert_eq!(taken.job.id, second);
    store.publish(after([second], "bill")).await;
    assert!(has_work(taken.succeeds()).await, "another has waited for it");
}
