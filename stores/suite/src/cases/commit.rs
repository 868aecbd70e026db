//! What `commit` stores and what it refuses.

use enact::store::{Commit, CommitError, LateEffects, NewEvent, Next};
use enact::{Cause, Failure, JobState, Step};

use crate::TestStore;
use crate::attempt::RunningAttempt;
use crate::sample::{
    With, account, after, at, due, event, in_lane, job, job_id, json, order, under_key, worker, write,
    written,
};

pub async fn r15_a_commit_stores_all_its_parts(store: TestStore) {
    let active = store.run(job("ship")).await;
    let event = NewEvent { cause: Some(active.job.id), ..event("shipped") };
    let follower = job("on_shipped").with(|job| job.cause = Some(Cause::Event(event.id)));
    let attempt = active.ended().with(|attempt| {
        attempt.version_written = Some(1);
        attempt.events = vec![event.id];
    });
    store
        .accept(Commit {
            attempt: attempt.clone(),
            write: Some(write(account("a"), 0)),
            events: vec![event.clone()],
            jobs: vec![follower.clone()],
            ..active.succeeds()
        })
        .await;

    let done = active.job.clone().with(|job| {
        job.state = JobState::Succeeded;
        job.ended_at = attempt.ended_at;
        job.output = Some(json("done"));
    });
    assert_eq!(store.find(active.job.id).await, done);
    assert_eq!(store.attempts_of(active.job.id).await, [attempt]);
    assert_eq!(store.entity(&account("a")).await, Some(written(1)));
    assert_eq!(store.all_events().await.iter().map(|found| found.id).collect::<Vec<_>>(), [event.id]);
    assert_eq!(store.find(follower.id).await, follower.into_job(JobState::Ready));
}

pub async fn r07_a_released_job_is_claimed_again_under_the_same_number(store: TestStore) {
    let first = store.run(in_lane("x", "ship")).await;
    let behind = store.publish(in_lane("x", "ship")).await;
    store.accept(first.retries(at(1))).await;
    let second = store.claim_one(&worker("w"), "ship", at(1)).await;
    store.accept(second.is_put_back(at(60))).await;

    let released = store.find(first.job.id).await;
    assert_eq!((released.state, released.due_at), (JobState::Waiting, Some(at(60))));
    assert_eq!((released.attempts, released.failure), (1, first.retries(at(1)).attempt.failure));
    assert_eq!(store.attempts_of(first.job.id).await.len(), 1);
    assert_eq!(store.find(behind).await.state, JobState::Waiting, "it stays the head of its lane");
    assert_eq!(store.claim_ids(&["ship"], 9, at(59)).await, []);
    store.refuse(second.succeeds()).await;

    let again = store.claim_one(&worker("v"), "ship", at(60)).await;
    assert_eq!((again.job.id, again.job.attempts), (first.job.id, 2));
    store.refuse(second.succeeds()).await;
    store.accept(again.succeeds()).await;
    assert_eq!(store.attempts_of(first.job.id).await.len(), 2);
}

/// A commit with every part set.
fn full(active: &RunningAttempt) -> Commit {
    Commit {
        write: Some(write(account("a"), 0)),
        events: vec![event("shipped"), event("shipped")],
        jobs: vec![job("bill"), in_lane("x", "bill"), under_key("k", "bill", json(1))],
        ..active.succeeds()
    }
}

pub async fn r15_a_commit_with_a_version_conflict_stores_nothing(store: TestStore) {
    let active = store.run(job("ship")).await;
    let refusal = store.refuse(Commit { write: Some(write(account("a"), 7)), ..full(&active) }).await;
    assert!(matches!(refusal, CommitError::Conflict { found: 0 }), "{refusal:?}");

    store.accept(full(&active)).await;
    assert_eq!(store.entity(&account("a")).await, Some(written(1)));
    assert_eq!(store.all_events().await.len(), 2);
}

pub async fn r15_a_fenced_commit_stores_nothing(store: TestStore) {
    let active = store.run(job("ship")).await;
    let stranger = RunningAttempt { worker: worker("stranger"), ..active.clone() };
    store.fence(full(&stranger)).await;

    store.accept(full(&active)).await;
    assert_eq!(store.all_events().await.len(), 2);
}

pub async fn r15_a_commit_with_an_idempotency_mismatch_stores_nothing(store: TestStore) {
    let holder = store.publish(under_key("used", "bill", json(1))).await;
    let active = store.run(job("ship")).await;
    let mut commit = full(&active);
    let other = under_key("used", "bill", json(2));
    commit.jobs.push(other.clone());
    match store.refuse(commit).await {
        CommitError::Mismatch { staged, existing } => assert_eq!((staged, existing), (other.id, holder)),
        refusal => panic!("{refusal:?}"),
    }

    // The refused jobs occupy neither lanes nor keys.
    store.accept(full(&active)).await;
    let states: Vec<_> = store.all_jobs().await.iter().skip(2).map(|job| job.state).collect();
    assert_eq!(states, [JobState::Ready; 3]);
}

pub async fn r17_each_commit_increments_the_entity_version(store: TestStore) {
    assert_eq!(store.entity(&account("a")).await, None);
    for version in 0..4 {
        let active = store.run(job("ship")).await;
        store.accept(Commit { write: Some(write(account("a"), version)), ..active.succeeds() }).await;
        assert_eq!(store.entity(&account("a")).await, Some(written(version + 1)));
    }
}

pub async fn r17_a_version_conflict_names_the_stored_version(store: TestStore) {
    for version in 0..2 {
        let active = store.run(job("ship")).await;
        store.accept(Commit { write: Some(write(account("a"), version)), ..active.succeeds() }).await;
    }

    let active = store.run(job("ship")).await;
    for (key, expected, found) in
        [(account("a"), 0, 2), (account("a"), 1, 2), (account("a"), 3, 2), (account("b"), 1, 0)]
    {
        match store.refuse(Commit { write: Some(write(key.clone(), expected)), ..active.succeeds() }).await {
            CommitError::Conflict { found: actual } => {
                assert_eq!(actual, found, "{key}, {expected} expected");
            }
            refusal => panic!("{refusal:?}"),
        }
    }
    store.accept(Commit { write: Some(write(account("a"), 2)), ..active.succeeds() }).await;
}

pub async fn r17_entities_of_two_types_may_have_the_same_id(store: TestStore) {
    for (key, version) in [(account("1"), 0), (order("1"), 0), (account("1"), 1)] {
        let active = store.run(job("ship")).await;
        store.accept(Commit { write: Some(write(key, version)), ..active.succeeds() }).await;
    }

    assert_eq!(store.entity(&account("1")).await, Some(written(2)));
    assert_eq!(store.entity(&order("1")).await, Some(written(1)));
}

pub async fn r15_a_commit_without_a_write_changes_no_entity(store: TestStore) {
    let active = store.run(job("ship")).await;
    store.accept(Commit { write: Some(write(account("a"), 0)), ..active.succeeds() }).await;
    let active = store.run(job("ship")).await;
    store.accept(active.succeeds()).await;

    assert_eq!(store.entity(&account("a")).await, Some(written(1)));
}

pub async fn r20_a_failed_job_has_ended_and_keeps_its_failure(store: TestStore) {
    let active = store.run(job("ship")).await;
    let commit = active.fails();
    store.accept(commit.clone()).await;

    let failed = active.job.clone().with(|job| {
        job.state = JobState::Failed;
        job.ended_at = commit.attempt.ended_at;
        job.failure.clone_from(&commit.attempt.failure);
    });
    assert_eq!(store.find(active.job.id).await, failed);
    assert_eq!(store.attempts_of(active.job.id).await, [commit.attempt]);
}

pub async fn r22_a_retried_job_waits_until_due_and_keeps_its_failure(store: TestStore) {
    let active = store.run(job("ship")).await;
    let commit = active.retries(at(60));
    store.accept(commit.clone()).await;

    let waiting = active.job.clone().with(|job| {
        job.state = JobState::Waiting;
        job.due_at = Some(at(60));
        job.failure = commit.attempt.failure;
    });
    assert_eq!(store.find(active.job.id).await, waiting);
}

pub async fn the_failure_of_a_job_is_that_of_its_last_attempt(store: TestStore) {
    let first = store.run(job("ship")).await;
    store.accept(first.retries(at(5))).await;
    let second = store.claim_one(&worker("w"), "ship", at(5)).await;
    assert_eq!(second.job.failure, None, "while the next attempt runs");
    assert_eq!(second.job.due_at, None);
    assert_eq!(store.find(first.job.id).await, second.job);

    let other = Failure::denied("for another reason");
    let attempt = second.ended().with(|attempt| attempt.failure = Some(other.clone()));
    store.accept(Commit { attempt, ..second.retries(at(9)) }).await;
    assert_eq!(store.find(first.job.id).await.failure, Some(other));

    let third = store.claim_one(&worker("w"), "ship", at(9)).await;
    store.accept(third.succeeds()).await;
    assert_eq!(store.find(first.job.id).await.failure, None);
}

pub async fn r21_a_retry_keeps_every_earlier_attempt(store: TestStore) {
    let id = store.publish(job("ship")).await;
    let mut expected = Vec::new();
    for number in 1..=3 {
        let due_at = at(i64::from(number) * 10);
        let active = store.claim_one(&worker(&format!("w-{number}")), "ship", due_at).await;
        assert_eq!(active.job.attempts, number);
        let commit = active.retries(due_at);
        expected.push(commit.attempt.clone());
        store.accept(commit).await;
    }
    let last = store.claim_one(&worker("w-4"), "ship", at(40)).await;
    let running = last.ended().with(|attempt| {
        attempt.ended_at = None;
        attempt.reached = None;
    });

    let attempts = store.attempts_of(id).await;
    assert_eq!(attempts[..3], expected);
    assert_eq!(attempts[3..], [running]);

    store.accept(last.succeeds()).await;
    assert_eq!(store.attempts_of(id).await[..3], expected);
    assert_eq!(store.attempts_of(id).await[3..], [last.ended()]);
}

pub async fn r21_a_rescued_attempt_has_reached_no_step(store: TestStore) {
    let active = store.run(job("ship")).await;
    let attempt = active.is_rescued(0).attempt.with(|attempt| attempt.reached = None);
    store.accept(Commit { attempt: attempt.clone(), ..active.is_rescued(0) }).await;

    assert_eq!(store.attempts_of(active.job.id).await, [attempt]);
}

pub async fn r21_every_step_is_stored(store: TestStore) {
    for &step in Step::ALL {
        let active = store.run(job("ship")).await;
        let attempt = active.fails().attempt.with(|attempt| attempt.reached = Some(step));
        store.accept(Commit { attempt, ..active.fails() }).await;
        assert_eq!(store.attempts_of(active.job.id).await[0].reached, Some(step));
    }
}

pub async fn r23_another_worker_cannot_commit(store: TestStore) {
    let active = store.run(job("ship")).await;
    store.fence(RunningAttempt { worker: worker("v"), ..active.clone() }.succeeds()).await;
    store.fence(RunningAttempt { worker: worker("W"), ..active }.succeeds()).await;
}

pub async fn r23_another_attempt_cannot_be_committed(store: TestStore) {
    let active = store.run(job("ship")).await;
    for number in [0, 2] {
        let attempt = active.ended().with(|attempt| attempt.number = number);
        store.fence(Commit { attempt, ..active.succeeds() }).await;
    }
}

pub async fn r23_an_earlier_attempt_cannot_be_committed(store: TestStore) {
    let first = store.run(job("ship")).await;
    store.accept(first.retries(at(5))).await;
    store.fence(first.succeeds()).await;

    // Even though the same worker runs the next attempt.
    let second = store.claim_one(&first.worker, "ship", at(5)).await;
    store.fence(first.succeeds()).await;
    store.accept(second.succeeds()).await;
}

pub async fn r20_a_job_ends_once(store: TestStore) {
    for end in [RunningAttempt::succeeds, RunningAttempt::fails] {
        let active = store.run(job("ship")).await;
        store.accept(end(&active)).await;
        store.fence(active.succeeds()).await;
        store.fence(active.fails()).await;
        store.fence(active.retries(at(9))).await;
        store.fence(active.is_rescued(0)).await;
    }
}

pub async fn r20_a_job_that_is_not_running_cannot_end(store: TestStore) {
    let ready = store.publish(in_lane("x", "ship")).await;
    let waiting = store.publish(in_lane("x", "ship")).await;
    for id in [ready, waiting] {
        let job = store.find(id).await.with(|job| job.attempts = 1);
        let active = RunningAttempt { job, worker: worker("w"), started_at: at(0) };
        store.fence(active.succeeds()).await;
        let never_begun = active.ended().with(|attempt| attempt.number = 0);
        store.fence(Commit { attempt: never_begun, ..active.succeeds() }).await;
    }
}

pub async fn an_unknown_job_cannot_end(store: TestStore) {
    let active = store.run(job("ship")).await;
    store.fence(Commit { job: job_id(), ..active.succeeds() }).await;
}

pub async fn staged_events_and_jobs_are_appended_in_order(store: TestStore) {
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

pub async fn an_output_of_null_is_an_output(store: TestStore) {
    let active = store.run(job("ship")).await;
    let null = json(());
    store.accept(Commit { next: Next::Succeeded(null.clone()), ..active.succeeds() }).await;

    assert_eq!(store.find(active.job.id).await.output, Some(null));
}

pub async fn has_work_tells_whether_a_commit_made_jobs_claimable_or_due(store: TestStore) {
    let has_work = async |commit| store.accept(commit).await.has_work;
    let active = async || store.run(job("ship")).await;
    assert!(!has_work(active().await.succeeds()).await);
    assert!(!has_work(active().await.fails()).await);
    assert!(
        has_work(Commit { jobs: vec![job("bill")], ..active().await.succeeds() }).await,
        "a job is staged"
    );
    assert!(
        has_work(Commit { jobs: vec![due(at(50), "bill")], ..active().await.succeeds() }).await,
        "a staged job is due later"
    );
    let retries = active().await;
    assert!(has_work(retries.retries(at(5))).await, "the retry is due later");
    assert!(!has_work(store.claim_one(&worker("w"), "ship", at(5)).await.succeeds()).await);

    let first = store.run(in_lane("x", "ship")).await;
    let second = store.publish(in_lane("x", "ship")).await;
    assert!(has_work(first.fails()).await, "the next job of the lane is ready");
    let active = store.claim_one(&worker("w"), "ship", at(0)).await;
    assert_eq!(active.job.id, second);
    store.publish(after([second], "bill")).await;
    assert!(has_work(active.succeeds()).await, "its successor is ready");
}

pub async fn r31_late_effects_are_added_to_attempts_that_have_ended(store: TestStore) {
    let add = async |late: &[(&RunningAttempt, u32)]| {
        let late = late.iter().map(|(active, count)| LateEffects {
            job: active.job.id,
            attempt: active.job.attempts,
            count: *count,
        });
        store.add_late_effects(late.collect()).await.expect("add_late_effects");
    };
    let first = store.run(job("ship")).await;
    add(&[(&first, 1)]).await;
    assert_eq!(store.attempts_of(first.job.id).await[0].late_effects, 0, "the attempt runs");

    store.accept(first.retries(at(0))).await;
    let second = store.claim_one(&worker("w"), "ship", at(1)).await;
    store.accept(second.succeeds()).await;
    let other = store.run(job("bill")).await;
    store.accept(other.succeeds()).await;
    let before = store.snapshot().await;

    add(&[]).await;
    let unknown = LateEffects { job: job_id(), attempt: 1, count: 1 };
    store
        .add_late_effects(vec![unknown, LateEffects { job: first.job.id, attempt: 3, count: 1 }])
        .await
        .expect("skips");
    assert_eq!(store.snapshot().await, before, "an attempt that is not stored is skipped");

    add(&[(&first, 2), (&second, 3), (&first, 4)]).await;
    add(&[(&second, 5)]).await;
    let counts = async |active: &RunningAttempt| {
        store.attempts_of(active.job.id).await.iter().map(|attempt| attempt.late_effects).collect::<Vec<_>>()
    };
    assert_eq!(counts(&first).await, [6, 8]);
    assert_eq!(counts(&other).await, [0]);
    assert_eq!(store.find(first.job.id).await.state, JobState::Succeeded);

    add(&[(&other, u32::MAX), (&other, 1)]).await;
    assert_eq!(counts(&other).await, [u32::MAX], "it saturates");
}
