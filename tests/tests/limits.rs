//! What is too much: full queues (backpressure), and what is deleted when it is old.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{Gate, World, jobs, jobs_of, kind_and_code, on_every_store, reaches, settle, until};
use enact::Cursor;
use enact::Retention;
use enact::prelude::*;

/// Send a letter.
#[command(idempotency_key = letter)]
struct Send {
    letter: u32,
}

/// A letter was sent.
#[event]
struct Sent {}

#[command]
async fn send(send: Send, gate: Arc<Gate>) -> Result<(), String> {
    gate.pass().await;
    emit(Sent {});
    if send.letter == 13 { Err("unlucky".to_owned()) } else { Ok(()) }
}

/// Send many letters at once.
#[command]
struct SendMany {
    letters: u32,
}

#[command]
async fn send_many(many: SendMany) {
    for letter in 100..100 + many.letters {
        publish(Send { letter });
    }
}

/// A letter came back.
#[event]
struct Returned {}

#[event_handler]
async fn file(_: Returned, gate: Arc<Gate>) {
    gate.pass().await;
}

#[event_handler]
async fn count(_: Returned) {}

async fn start_with(
    world: &World,
    options: impl FnOnce(enact::RuntimeBuilder) -> enact::RuntimeBuilder,
) -> (Runtime, Arc<Gate>) {
    let gate = Gate::new();
    (options(world.builder().provide(gate.clone())).start().await.unwrap(), gate)
}

const FULL: (FailureKind, &str) = (FailureKind::QueueFull, "queue_full");

async fn a_full_queue_refuses_what_is_published_until_there_is_room(world: World) {
    let (runtime, gate) = start_with(&world, |builder| builder.max_queued(3)).await;
    for letter in 0..3 {
        runtime.publish(Send { letter }).await.unwrap();
    }
    let refused = runtime.publish(Send { letter: 3 }).await.unwrap_err();
    assert_eq!(kind_and_code(&refused), FULL);
    assert!(refused.message().starts_with("3 jobs of `Send` are queued"), "{refused}");
    let existing = runtime.publish(Send { letter: 0 }).await.unwrap();
    assert_eq!(existing.id(), jobs(&runtime).await[0].id, "the same request is no other one");

    let many = [3, 4].map(|letter| runtime.publish(Send { letter }));
    for refused in runtime.publish_all(many).await {
        assert_eq!(kind_and_code(&refused.unwrap_err()), FULL);
    }
    assert_eq!(jobs(&runtime).await.len(), 3);
    gate.open();
    until("one has ended", async || {
        let jobs = jobs(&runtime).await;
        jobs.iter().any(|job| job.state == JobState::Succeeded)
    })
    .await;
    runtime.publish(Send { letter: 3 }).await.unwrap();
    gate.open_wide();
}

async fn a_full_queue_refuses_no_other_command_and_nothing_that_runs_at_once(world: World) {
    let (runtime, gate) = start_with(&world, |builder| builder.max_queued(1)).await;
    runtime.publish(Send { letter: 0 }).await.unwrap();
    runtime.publish(Send { letter: 1 }).await.unwrap_err();
    runtime.publish(SendMany { letters: 2 }).await.unwrap().outcome().await.unwrap();
    assert_eq!(jobs_of(&runtime, "Send").await.len(), 3, "what an execution stages is always taken");
    gate.open_wide();
    runtime.execute(Send { letter: 2 }).await.unwrap();
}

async fn an_event_is_taken_for_all_of_its_handlers_or_for_none(world: World) {
    let (runtime, gate) = start_with(&world, |builder| builder.max_queued(1)).await;
    runtime.emit(Returned {}).await.unwrap();
    gate.arrival().await;
    reaches(&runtime, jobs_of(&runtime, "count").await[0].id, JobState::Succeeded).await;
    let refused = runtime.emit(Returned {}).await.unwrap_err();
    assert_eq!(kind_and_code(&refused), FULL);
    assert!(refused.message().contains("`file`"), "{refused}");
    assert_eq!(runtime.events().list(&Cursor::START, 10).await.unwrap().len(), 1);
    assert_eq!(jobs(&runtime).await.len(), 2);
    gate.open_wide();
}

async fn the_limit_holds_for_what_other_processes_have_published(world: World) {
    let (here, gate) = start_with(&world, |builder| builder.max_queued(2)).await;
    let (elsewhere, other) = start_with(&world, |builder| builder.max_queued(2)).await;
    here.publish(Send { letter: 0 }).await.unwrap();
    elsewhere.publish(Send { letter: 1 }).await.unwrap();
    for runtime in [&here, &elsewhere] {
        assert_eq!(kind_and_code(&runtime.publish(Send { letter: 2 }).await.unwrap_err()), FULL);
    }
    gate.open_wide();
    other.open_wide();
    until("there is room", async || here.publish(Send { letter: 2 }).await.is_ok()).await;
}

const HOUR: Duration = Duration::from_hours(1);

/// Three jobs that have ended, one in each way, and one that has not.
async fn leave_some(world: &World, runtime: &Runtime, gate: &Gate) {
    gate.open();
    gate.open();
    runtime.publish(Send { letter: 1 }).await.unwrap().outcome().await.unwrap();
    runtime.publish(Send { letter: 13 }).await.unwrap().outcome().await.unwrap_err();
    let cancelled = runtime.publish(Send { letter: 2 }).delay(HOUR).await.unwrap();
    runtime.jobs().cancel(cancelled.id()).await.unwrap();
    runtime.publish(Send { letter: 3 }).delay(1000 * HOUR).await.unwrap();
    world.advance(HOUR);
}

/// The letters whose jobs are on record.
async fn letters(runtime: &Runtime) -> Vec<u64> {
    let letter = |job: enact::Job| job.payload.value().unwrap()["letter"].as_u64().unwrap();
    jobs_of(runtime, "Send").await.into_iter().map(letter).collect()
}

async fn nothing_is_deleted_that_was_not_asked_for(world: World) {
    let (runtime, gate) = start_with(&world, |builder| builder).await;
    leave_some(&world, &runtime, &gate).await;
    world.advance(10_000 * HOUR);
    settle().await;
    assert_eq!(runtime.jobs().prune(&Retention::new()).await.unwrap(), 0);
    assert_eq!(letters(&runtime).await, [1, 13, 2, 3]);
    gate.open_wide();
}

async fn what_has_ended_is_deleted_by_its_state_and_age(world: World) {
    let (runtime, gate) = start_with(&world, |builder| builder).await;
    leave_some(&world, &runtime, &gate).await;
    let prune = async |retention: Retention| runtime.jobs().prune(&retention).await.unwrap();
    assert_eq!(prune(Retention::new().ended(HOUR)).await, 0, "it is no older than that");
    world.advance(Duration::from_secs(1));
    assert_eq!(prune(Retention::new().cancelled(HOUR)).await, 1);
    assert_eq!(letters(&runtime).await, [1, 13, 3]);
    assert_eq!(prune(Retention::new().succeeded(HOUR)).await, 1);
    assert_eq!(letters(&runtime).await, [13, 3]);
    assert_eq!(prune(Retention::new().ended(HOUR)).await, 1);
    assert_eq!(letters(&runtime).await, [3], "what has not ended is never deleted");
}

async fn r25_an_idempotency_key_lives_as_long_as_its_job(world: World) {
    let (runtime, gate) = start_with(&world, |builder| builder).await;
    gate.open_wide();
    let first = runtime.publish(Send { letter: 1 }).await.unwrap();
    first.outcome().await.unwrap();
    world.advance(HOUR);
    assert_eq!(runtime.publish(Send { letter: 1 }).await.unwrap().id(), first.id());
    runtime.jobs().prune(&Retention::new().ended(Duration::from_secs(1))).await.unwrap();
    assert!(runtime.jobs().get(first.id()).await.unwrap().is_none());
    assert!(runtime.jobs().attempts(first.id()).await.unwrap().is_empty());
    let again = runtime.publish(Send { letter: 1 }).await.unwrap();
    assert_ne!(again.id(), first.id());
    again.outcome().await.unwrap();
}

async fn what_another_job_waits_for_is_kept(world: World) {
    let (runtime, gate) = start_with(&world, |builder| builder).await;
    gate.open_wide();
    let failed = runtime.publish(Send { letter: 13 }).await.unwrap();
    failed.outcome().await.unwrap_err();
    let behind = runtime.publish(Send { letter: 1 }).after(&failed).await.unwrap();
    world.advance(HOUR);
    assert_eq!(runtime.jobs().prune(&Retention::new().ended(Duration::from_secs(1))).await.unwrap(), 0);
    runtime.jobs().cancel(behind.id()).await.unwrap();
    world.advance(HOUR);
    assert_eq!(runtime.jobs().prune(&Retention::new().ended(Duration::from_secs(1))).await.unwrap(), 2);
    assert!(runtime.jobs().get(failed.id()).await.unwrap().is_none());
}

async fn events_are_deleted_by_their_age_and_cursors_stay_true(world: World) {
    let (runtime, gate) = start_with(&world, |builder| builder).await;
    gate.open_wide();
    for letter in 0..3 {
        runtime.publish(Send { letter }).await.unwrap().outcome().await.unwrap();
        world.advance(HOUR);
    }
    let all = runtime.events().list(&Cursor::START, 10).await.unwrap();
    assert_eq!(runtime.events().prune(all[2].emitted_at).await.unwrap(), 2);
    assert_eq!(runtime.events().list(&Cursor::START, 10).await.unwrap(), all[2..]);
    assert_eq!(runtime.events().prune(world.now() + HOUR).await.unwrap(), 1);
    assert!(runtime.events().list(&Cursor::START, 10).await.unwrap().is_empty());
    runtime.publish(Send { letter: 9 }).await.unwrap().outcome().await.unwrap();
    let later = runtime.events().list(&all[2].cursor, 10).await.unwrap();
    assert_eq!(later.len(), 1);
    assert!(all.iter().all(|event| event.cursor != later[0].cursor));
}

async fn a_runtime_deletes_by_itself_what_its_policy_says(world: World) {
    let retention = Retention::new().succeeded(HOUR).events(HOUR);
    let (runtime, gate) = start_with(&world, |builder| builder.retention(retention)).await;
    gate.open_wide();
    for letter in [1, 13, 2] {
        let _ = runtime.publish(Send { letter }).await.unwrap().outcome().await;
    }
    world.advance(Duration::from_mins(59));
    settle().await;
    assert_eq!(letters(&runtime).await, [1, 13, 2]);
    until("what has succeeded is gone", async || {
        world.advance(Duration::from_mins(1));
        letters(&runtime).await == [13]
    })
    .await;
    until("so are the events", async || runtime.events().list(&Cursor::START, 10).await.unwrap().is_empty())
        .await;
    let failed = JobQuery::new().state(JobState::Failed);
    assert_eq!(runtime.jobs().list(&failed).await.unwrap().jobs.len(), 1);
}

async fn many_are_deleted_in_one_go(world: World) {
    let (runtime, gate) = start_with(&world, |builder| builder).await;
    gate.open_wide();
    let letters: Vec<_> = (1000..3500).map(|letter| runtime.publish(Send { letter })).collect();
    let handles = runtime.publish_all(letters).await;
    for handle in &handles {
        reaches(&runtime, handle.as_ref().unwrap().id(), JobState::Succeeded).await;
    }
    world.advance(HOUR);
    let deleted = runtime.jobs().prune(&Retention::new().ended(Duration::from_secs(1))).await.unwrap();
    assert_eq!(deleted, 2500);
    assert!(jobs(&runtime).await.is_empty());
}

on_every_store!(
    a_full_queue_refuses_what_is_published_until_there_is_room,
    a_full_queue_refuses_no_other_command_and_nothing_that_runs_at_once,
    an_event_is_taken_for_all_of_its_handlers_or_for_none,
    the_limit_holds_for_what_other_processes_have_published,
    nothing_is_deleted_that_was_not_asked_for,
    what_has_ended_is_deleted_by_its_state_and_age,
    r25_an_idempotency_key_lives_as_long_as_its_job,
    what_another_job_waits_for_is_kept,
    events_are_deleted_by_their_age_and_cursors_stay_true,
    a_runtime_deletes_by_itself_what_its_policy_says,
    many_are_deleted_in_one_go,
);
