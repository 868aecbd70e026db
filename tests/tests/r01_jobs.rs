//! Every execution is a job (r01), `publish` hands off (r02), each event handler has its own job (r03), consumers work through
//! jobs only (r05), and `execute` runs through the same engine as `publish` (r06).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{
    Gate, Log, World, begin, job, jobs, jobs_of, kind_and_code, on_every_store, reaches, settle, state, until,
};
use enact::Cursor;
use enact::prelude::*;
use enact::{Cause, JobKind, Step};
use futures_util::FutureExt;
use serde_json::json;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Wait at the gate, then return twice the number.
#[command]
struct Knock {
    number: i64,
}

#[command]
async fn knock(knock: Knock, gate: Arc<Gate>, log: Arc<Log>) -> Result<i64, Failure> {
    gate.pass().await;
    log.note(format!("knock {}", knock.number));
    Ok(knock.number * 2)
}

/// Fail all attempts before this one.
#[command]
struct Struggle {
    until: u32,
}

#[command(retry = Retry::fixed(3, Duration::from_secs(10)))]
async fn struggle(struggle: Struggle, context: ExecutionContext) -> Result<u32, String> {
    match context.attempt() {
        Some(attempt) if attempt >= struggle.until => Ok(attempt),
        attempt => Err(format!("attempt {attempt:?} is too early")),
    }
}

/// Emit both events.
#[command]
struct Ring {}

#[command]
async fn ring(_: Ring) {
    emit(Rang { number: 1 });
    emit(Unheard {});
}

/// A bell has rung. Two handlers.
#[event]
struct Rang {
    number: i64,
}

/// An event without handlers.
#[event]
struct Unheard {}

#[event_handler]
async fn hears_well(rang: Rang, log: Arc<Log>) {
    log.note(format!("heard {}", rang.number));
}

#[event_handler]
async fn hears_badly(_: Rang) -> Result<(), String> {
    Err("what?".to_owned())
}

async fn start(world: &World, gate: &Arc<Gate>) -> (Runtime, Arc<Log>) {
    let log = Log::new();
    let builder = world.builder().provide::<Gate>(gate.clone()).provide::<Log>(log.clone());
    (builder.start().await.unwrap(), log)
}

async fn r01_an_executed_command_is_stored_before_its_handler_runs(world: World) {
    let gate = Gate::new();
    let (runtime, log) = start(&world, &gate).await;
    let mut execution = runtime.execute(Knock { number: 7 }).into_future();
    begin(&mut execution).await;
    gate.arrival().await;

    let stored = world.store().jobs(&all()).await.unwrap().jobs;
    assert_eq!(stored.len(), 1, "{stored:?}");
    assert_eq!((&*stored[0].name, stored[0].kind), ("Knock", JobKind::Command));
    assert_eq!((stored[0].state, stored[0].attempts), (JobState::Running, 1));
    assert_eq!(stored[0].payload.value().unwrap(), json!({ "number": 7 }));
    assert!(log.lines().is_empty());

    gate.open();
    assert_eq!(execution.await.unwrap(), 14);
    let ended = job(&runtime, stored[0].id).await;
    assert_eq!((ended.state, ended.ended_at), (JobState::Succeeded, Some(world.now())));
    assert_eq!(ended.output.unwrap().as_str(), "14");
}

async fn r01_a_published_command_is_stored_before_its_handler_runs(world: World) {
    let gate = Gate::new();
    let (runtime, _) = start(&world, &gate).await;
    let published = runtime.publish(Knock { number: 1 }).await.unwrap();
    gate.arrival().await;
    assert_eq!(state(&runtime, published.id()).await, JobState::Running);
    gate.open();
    assert_eq!(published.outcome().await.unwrap(), 2);
    assert_eq!(published.state().await.unwrap(), JobState::Succeeded);
}

async fn r01_a_failed_command_is_a_job_too(world: World) {
    let (runtime, _) = start(&world, &Gate::new()).await;
    let mut failure = runtime.execute(Struggle { until: 99 }).into_future();
    begin(&mut failure).await;
    for attempt in 1..=2 {
        waits_after(&runtime, attempt).await;
        world.advance(Duration::from_secs(10));
    }
    let failure = failure.await.unwrap_err();
    let stored = jobs(&runtime).await;
    assert_eq!(stored.len(), 1);
    assert_eq!((stored[0].state, stored[0].failure.as_ref()), (JobState::Failed, Some(&failure)));
}

async fn r02_publish_returns_before_the_job_runs(world: World) {
    let gate = Gate::new();
    let (runtime, log) = start(&world, &gate).await;
    let published = runtime.publish(Knock { number: 21 }).await.unwrap();
    // `publish` has returned although the handler is held at the gate.
    let mut outcome = Box::pin(published.outcome());
    begin(&mut outcome).await;
    gate.arrival().await;
    settle().await;
    begin(&mut outcome).await;
    assert!(log.lines().is_empty());
    gate.open();
    assert_eq!(outcome.await.unwrap(), 42);
    assert_eq!(log.lines(), ["knock 21"]);
}

async fn r02_a_published_job_is_durable_when_publish_has_returned(world: World) {
    let (runtime, _) = start(&world, &Gate::new()).await;
    let published = runtime.publish(Knock { number: 3 }).await.unwrap();
    let elsewhere = world.store().job(published.id()).await.unwrap().expect("the job is stored");
    assert_eq!(elsewhere.payload.value().unwrap(), json!({ "number": 3 }));
}

async fn r02_publish_all_refuses_a_request_of_another_runtime(world: World) {
    let elsewhere = World::memory();
    let gate = Gate::wide_open();
    let ((here, _), (there, _)) = (start(&world, &gate).await, start(&elsewhere, &gate).await);
    let requests = [here.publish(Ring {}), there.publish(Ring {}), here.publish(Ring {})];
    let [first, foreign, last] = here.publish_all(requests).await.try_into().unwrap();
    assert_eq!(kind_and_code(&foreign.unwrap_err()), (FailureKind::Refused, "other_runtime"));
    let published: Vec<_> = jobs_of(&here, "Ring").await.iter().map(|job| job.id).collect();
    assert_eq!(published, [first.unwrap().id(), last.unwrap().id()]);
    assert!(jobs_of(&there, "Ring").await.is_empty());
}

async fn r02_a_ready_job_that_a_shutdown_leaves_runs_at_the_next_start(world: World) {
    let gate = Gate::new();
    let builder = world.builder().provide::<Gate>(gate.clone()).provide::<Log>(Log::new()).concurrency(1);
    let first = builder.start().await.unwrap();
    let blocking = first.publish(Knock { number: 1 }).await.unwrap();
    gate.arrival().await;
    let left = first.publish(Knock { number: 2 }).await.unwrap().id();
    let (stopped, ()) = tokio::join!(first.shutdown(Duration::from_mins(1)), async {
        settle().await;
        gate.open();
    });
    stopped.unwrap();
    assert_eq!(blocking.state().await.unwrap(), JobState::Succeeded);
    assert_eq!(state(&first, left).await, JobState::Ready);

    let (second, log) = start(&world, &Gate::wide_open()).await;
    reaches(&second, left, JobState::Succeeded).await;
    assert_eq!(log.lines(), ["knock 2"]);
}

async fn r02_a_worker_runs_at_most_concurrency_jobs_at_a_time(world: World) {
    const CONCURRENCY: usize = 3;
    let gate = Gate::new();
    let builder = world.builder().provide::<Gate>(gate.clone()).provide::<Log>(Log::new());
    let runtime = builder.concurrency(CONCURRENCY).start().await.unwrap();
    let knocks = (0..20).map(|number| runtime.publish(Knock { number }));
    let last = runtime.publish_all(knocks).await.pop().unwrap().unwrap();

    let running = JobQuery::new().state(JobState::Running);
    for ended in 0..20 {
        let running_now = CONCURRENCY.min(20 - ended);
        until("all permits are taken", async || gate.arrivals() == running_now).await;
        assert!(runtime.jobs().list(&running).await.unwrap().jobs.len() <= CONCURRENCY);
        settle().await;
        assert_eq!(gate.arrivals(), running_now, "{ended} have ended");
        gate.arrival().await;
        gate.open();
    }
    last.outcome().await.unwrap();
}

async fn r03_each_handler_of_an_event_is_a_job_of_its_own(world: World) {
    let (runtime, log) = start(&world, &Gate::new()).await;
    runtime.execute(Ring {}).await.unwrap();
    let [heard] = &*jobs_of(&runtime, "hears_well").await else { panic!("one job") };
    let [missed] = &*jobs_of(&runtime, "hears_badly").await else { panic!("one job") };
    assert_eq!((heard.kind, missed.kind), (JobKind::EventHandler, JobKind::EventHandler));
    assert_eq!(heard.cause, missed.cause);
    assert_eq!(heard.payload.value().unwrap(), json!({ "number": 1 }));
    // The failure of one handler does not affect the other.
    reaches(&runtime, heard.id, JobState::Succeeded).await;
    let missed = reaches(&runtime, missed.id, JobState::Failed).await;
    assert_eq!(missed.failure.unwrap().message(), "what?");
    assert_eq!(log.lines(), ["heard 1"]);
}

async fn r03_an_event_is_a_fact_with_an_id_a_type_a_time_and_a_correlation(world: World) {
    let (runtime, _) = start(&world, &Gate::new()).await;
    world.advance(Duration::from_secs(5));
    runtime.execute(Ring {}).await.unwrap();
    let [ring] = &*jobs_of(&runtime, "Ring").await else { panic!("one job") };
    let events = runtime.events().list(&Cursor::START, 10).await.unwrap();
    let [heard, unheard] = &*events else { panic!("{events:?}") };
    assert_eq!((&*heard.name, &*unheard.name), ("Rang", "Unheard"));
    assert_ne!(heard.id, unheard.id);
    for event in [heard, unheard] {
        assert_eq!(event.emitted_at, world.now());
        assert_eq!((&event.correlation, event.cause), (&ring.correlation, Some(ring.id)));
    }
    let attempts = runtime.jobs().attempts(ring.id).await.unwrap();
    assert_eq!(attempts[0].events, [heard.id, unheard.id]);
    assert_eq!(jobs_of(&runtime, "hears_well").await[0].cause, Some(Cause::Event(heard.id)));
}

async fn r03_an_event_without_handlers_is_stored_and_makes_no_job(world: World) {
    let (runtime, _) = start(&world, &Gate::new()).await;
    let id = runtime.emit(Unheard {}).await.unwrap();
    let events = runtime.events().list(&Cursor::START, 10).await.unwrap();
    assert_eq!(events.iter().map(|event| event.id).collect::<Vec<_>>(), [id]);
    assert!(jobs(&runtime).await.is_empty());
}

async fn r05_everything_a_consumer_does_is_a_job(world: World) {
    let (runtime, _) = start(&world, &Gate::wide_open()).await;
    let published = runtime.publish_json("Knock", json!({ "number": 1 })).await.unwrap();
    assert_eq!(published.outcome().await.unwrap(), json!(2));
    assert_eq!(runtime.execute_json("Knock", json!({ "number": 2 })).await.unwrap(), json!(4));
    let event = runtime.emit(Rang { number: 9 }).await.unwrap();
    let all = runtime
        .publish_all([Knock { number: 3 }, Knock { number: 4 }].map(|knock| runtime.publish(knock)))
        .await;
    assert!(all.iter().all(Result::is_ok));

    let stored = jobs(&runtime).await;
    let names: Vec<_> = stored.iter().map(|job| &*job.name).collect();
    assert_eq!(names, ["Knock", "Knock", "hears_badly", "hears_well", "Knock", "Knock"]);
    assert_eq!(stored[2].cause, Some(Cause::Event(event)));
    // Any caller can wait for a job by its id.
    let watched = runtime.jobs().handle(stored[4].id);
    assert_eq!(watched.outcome().await.unwrap(), json!(6));
}

async fn r05_an_event_is_emitted_by_name_as_by_type(world: World) {
    let (runtime, log) = start(&world, &Gate::wide_open()).await;
    let seed = ContextSeed::new().with_tenant("belfry");
    let emitted =
        runtime.scope(seed, async { runtime.emit_json("Rang", json!({ "number": 9 })).await }).await;
    let event = emitted.unwrap();
    let events = runtime.events().list(&Cursor::START, 10).await.unwrap();
    let [stored] = &*events else { panic!("{events:?}") };
    assert_eq!((stored.id, &*stored.name, stored.payload.as_str()), (event, "Rang", r#"{"number":9}"#));
    for name in ["hears_badly", "hears_well"] {
        let [job] = &*jobs_of(&runtime, name).await else { panic!("one job") };
        assert_eq!((job.cause.clone(), job.context.tenant()), (Some(Cause::Event(event)), Some("belfry")));
    }
    until("a handler has run", async || log.lines() == ["heard 9"]).await;
}

async fn r02_a_typed_handle_to_an_existing_job_returns_its_output(world: World) {
    let (runtime, _) = start(&world, &Gate::wide_open()).await;
    let id = runtime.publish(Knock { number: 3 }).await.unwrap().id();
    let output: i64 = runtime.jobs().handle_of::<Knock>(id).outcome().await.unwrap();
    assert_eq!(output, 6);
}

async fn r02_a_typed_handle_refuses_a_job_of_another_command(world: World) {
    let gate = Gate::new();
    let (runtime, _) = start(&world, &gate).await;
    let id = runtime.publish(Knock { number: 3 }).await.unwrap().id();
    // It fails at once, while the job has not ended.
    let handle = runtime.jobs().handle_of::<Ring>(id);
    let refused = handle.outcome().await.unwrap_err();
    assert_eq!(kind_and_code(&refused), (FailureKind::Refused, "other_command"));
    let begins =
        format!("job {id} is of the command `Knock`, and the handle was made for the command `Ring`; ");
    assert!(refused.message().starts_with(&begins), "{refused}");
    assert_eq!(&*handle.job().await.unwrap().name, "Knock", "the job can be read");
    gate.open();

    runtime.emit(Rang { number: 1 }).await.unwrap();
    let [heard] = &*jobs_of(&runtime, "hears_well").await else { panic!("one job") };
    let refused = runtime.jobs().handle_of::<Ring>(heard.id).outcome().await.unwrap_err();
    assert_eq!(kind_and_code(&refused), (FailureKind::Refused, "other_command"));
    assert!(refused.message().contains("the event handler `hears_well`"), "{refused}");
}

async fn r05_a_request_debugs_with_its_options_and_without_its_payload(world: World) {
    let (runtime, _) = start(&world, &Gate::wide_open()).await;
    let published = runtime.publish(Knock { number: 4711 }).idempotency_key("secret").priority(3);
    let shown = format!("{published:?}");
    assert!(shown.starts_with("Publish { command: \"Knock\", priority: 3, "), "{shown}");
    let executed = format!("{:?}", runtime.execute(Knock { number: 4711 }));
    assert!(executed.starts_with("Execute { command: \"Knock\", "), "{executed}");
    let refused = format!("{:?}", runtime.publish_json("Knock", json!({ "number": "4711" })));
    assert_eq!(refused, "Publish { refused: invalid (type), .. }");
    for shown in [shown, executed, refused] {
        assert!(!shown.contains("4711") && !shown.contains("secret"), "{shown}");
    }
}

async fn r06_execute_returns_when_its_retries_have_ended(world: World) {
    let (runtime, _) = start(&world, &Gate::new()).await;
    let mut execution = runtime.execute(Struggle { until: 3 }).into_future();
    begin(&mut execution).await;
    for attempt in 1..=2 {
        waits_after(&runtime, attempt).await;
        begin(&mut execution).await;
        world.advance(Duration::from_secs(10));
    }
    assert_eq!(execution.await.unwrap(), 3);
    let [only] = &*jobs(&runtime).await else { panic!("one job") };
    let attempts = runtime.jobs().attempts(only.id).await.unwrap();
    let reached: Vec<_> = attempts.iter().map(|attempt| (attempt.number, attempt.reached)).collect();
    assert_eq!(reached, [(1, Some(Step::Handle)), (2, Some(Step::Handle)), (3, Some(Step::Commit))]);
}

async fn r06_dropping_an_execution_does_not_stop_its_job(world: World) {
    let gate = Gate::new();
    let (runtime, log) = start(&world, &gate).await;
    let mut execution = runtime.execute(Knock { number: 5 }).into_future();
    begin(&mut execution).await;
    gate.arrival().await;
    drop(execution);
    gate.open();
    let id = jobs(&runtime).await[0].id;
    let ended = reaches(&runtime, id, JobState::Succeeded).await;
    assert_eq!(ended.output.unwrap().as_str(), "10");
    assert_eq!(log.lines(), ["knock 5"]);
}

async fn r06_dropping_an_execution_after_its_first_poll_does_not_stop_its_job(world: World) {
    let gate = Gate::new();
    let (runtime, log) = start(&world, &gate).await;
    let mut execution = runtime.execute(Knock { number: 5 }).into_future();
    begin(&mut execution).await;
    drop(execution);
    gate.open();
    until("the handler has run", async || log.lines() == ["knock 5"]).await;
    let id = jobs(&runtime).await[0].id;
    reaches(&runtime, id, JobState::Succeeded).await;
}

#[tokio::test]
async fn r06_an_execution_that_need_not_wait_ends_in_its_callers_task() {
    let world = World::memory();
    let (runtime, log) = start(&world, &Gate::wide_open()).await;
    let execution = runtime.execute(Knock { number: 5 }).into_future();
    assert_eq!(execution.now_or_never().map(Result::unwrap), Some(10));
    assert_eq!(log.lines(), ["knock 5"]);
}

#[test]
fn r06_an_execution_outside_of_a_tokio_runtime_panics_and_stores_nothing() {
    let tokio = tokio::runtime::Runtime::new().unwrap();
    let world = World::memory();
    let (runtime, log) = tokio.block_on(async { start(&world, &Gate::wide_open()).await });
    let execution = runtime.execute(Knock { number: 5 }).into_future();
    catch_unwind(AssertUnwindSafe(|| execution.now_or_never())).unwrap_err();
    assert!(tokio.block_on(jobs(&runtime)).is_empty());
    assert!(log.lines().is_empty());
}

#[tokio::test]
async fn r06_executions_in_a_loop_let_other_tasks_run() {
    let world = World::memory();
    let (runtime, _) = start(&world, &Gate::wide_open()).await;
    let other = tokio::spawn(async {});
    let mut executions = 0;
    while !other.is_finished() {
        runtime.execute(Knock { number: executions }).await.unwrap();
        executions += 1;
        assert!(executions < 1000, "the loop holds its thread");
    }
}

async fn r06_a_request_that_is_never_awaited_does_nothing(world: World) {
    let (runtime, _) = start(&world, &Gate::wide_open()).await;
    drop(runtime.execute(Knock { number: 1 }));
    drop(runtime.publish(Knock { number: 1 }));
    settle().await;
    assert!(jobs(&runtime).await.is_empty());
}

async fn r06_a_request_built_before_a_shutdown_is_refused_after_it(world: World) {
    let (runtime, _) = start(&world, &Gate::wide_open()).await;
    let (executing, publishing) =
        (runtime.execute(Knock { number: 1 }), runtime.publish(Knock { number: 2 }));
    runtime.shutdown(Duration::from_secs(1)).await.unwrap();
    let refusals = [executing.await.unwrap_err(), publishing.await.unwrap_err()];
    for refusal in refusals {
        assert_eq!(kind_and_code(&refusal), (FailureKind::Unavailable, "shut_down"));
    }
    assert!(jobs(&runtime).await.is_empty());
}

/// Waits until the only job waits for its retry.
async fn waits_after(runtime: &Runtime, attempts: u32) {
    until("the attempt has failed", async || {
        jobs(runtime)
            .await
            .first()
            .is_some_and(|job| (job.state, job.attempts) == (JobState::Waiting, attempts))
    })
    .await;
}

fn all() -> JobQuery {
    JobQuery::new()
}

on_every_store!(
    r02_a_typed_handle_refuses_a_job_of_another_command,
    r02_a_typed_handle_to_an_existing_job_returns_its_output,
    r05_a_request_debugs_with_its_options_and_without_its_payload,
    r05_an_event_is_emitted_by_name_as_by_type,
    r01_an_executed_command_is_stored_before_its_handler_runs,
    r01_a_published_command_is_stored_before_its_handler_runs,
    r01_a_failed_command_is_a_job_too,
    r02_publish_returns_before_the_job_runs,
    r02_a_published_job_is_durable_when_publish_has_returned,
    r02_publish_all_refuses_a_request_of_another_runtime,
    r02_a_ready_job_that_a_shutdown_leaves_runs_at_the_next_start,
    r02_a_worker_runs_at_most_concurrency_jobs_at_a_time,
    r03_each_handler_of_an_event_is_a_job_of_its_own,
    r03_an_event_is_a_fact_with_an_id_a_type_a_time_and_a_correlation,
    r03_an_event_without_handlers_is_stored_and_makes_no_job,
    r05_everything_a_consumer_does_is_a_job,
    r06_execute_returns_when_its_retries_have_ended,
    r06_dropping_an_execution_does_not_stop_its_job,
    r06_dropping_an_execution_after_its_first_poll_does_not_stop_its_job,
    r06_a_request_that_is_never_awaited_does_nothing,
    r06_a_request_built_before_a_shutdown_is_refused_after_it,
);
