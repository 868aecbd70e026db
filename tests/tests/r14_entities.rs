//! One entity write per execution (r14), versions and conflicts (r17), events in commit order (r18), and reads through a
//! repository (r28).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::collections::BTreeSet;
use std::sync::OnceLock;

use common::{
    Gate, Log, Process, World, begin, job, jobs, jobs_of, kind_and_code, on_every_store, reaches, settle,
    until,
};
use enact::prelude::*;
use enact::store::EntityKey;
use enact::{Cause, Key};
use enact::{Cursor, StoredEvent};

/// A counter.
#[entity]
struct Counter {
    id: String,
    value: i64,
}

/// A counter was incremented. Each execution emits two of these.
#[event]
struct Counted {
    counter: String,
    value: i64,
    half: u8,
}

#[event_handler]
async fn hears(counted: Counted, log: Arc<Log>) {
    log.note(format!("{} {} {}", counted.counter, counted.value, counted.half));
}

/// Increment a counter, after waiting at the gate if `wait` is set, and emit two events.
#[command(target = counter)]
struct Count {
    counter: String,
    wait: bool,
}

impl From<&Count> for Counter {
    fn from(count: &Count) -> Self {
        Self { id: count.counter.clone(), value: 0 }
    }
}

#[command(create = if_missing)]
async fn count(count: Count, counter: &mut Counter, gate: Arc<Gate>) -> Result<i64, Failure> {
    let next = counter.value + 1;
    if count.wait {
        gate.pass().await;
    } else {
        // Gives other executions a chance to overlap with this one.
        tokio::task::yield_now().await;
    }
    counter.value = next;
    for half in 1..=2 {
        emit(Counted { counter: count.counter.clone(), value: next, half });
    }
    Ok(next)
}

/// Increment a counter behind the gate, with a retry.
#[command(target = counter)]
struct CountStubbornly {
    counter: String,
}

#[command(retry = Retry::fixed(2, Duration::from_secs(1)))]
async fn count_stubbornly(
    _: CountStubbornly,
    counter: &mut Counter,
    gate: Arc<Gate>,
) -> Result<i64, Failure> {
    gate.pass().await;
    counter.value += 1;
    Ok(counter.value)
}

/// How a handler writes counters through a repository.
#[value]
#[derive(Clone, Copy)]
enum Saving {
    One,
    OneTwice,
    TwoSwallowingTheRefusal,
    TwoReturningTheRefusal,
    NewOneUnread,
    StaleAfterReadingAgain,
}

/// Write counters through a repository.
#[command]
struct Save {
    saving: Saving,
}

#[command]
async fn save(save: Save, counters: Repository<Counter>, gate: Arc<Gate>) -> Result<Option<String>, Failure> {
    let a = "a".to_owned();
    let counter = |id: &str, value| Counter { id: id.to_owned(), value };
    match save.saving {
        Saving::One => {
            let mut found = counters.get(&a).await?.unwrap();
            found.value += 100;
            gate.pass().await;
            counters.save(found)?;
        }
        Saving::OneTwice => {
            counters.get(&a).await?.unwrap();
            counters.save(counter("a", 5))?;
            counters.save(counter("a", 6))?;
        }
        Saving::TwoSwallowingTheRefusal => {
            counters.save(counter("x", 1))?;
            let refusal = counters.save(counter("y", 1)).unwrap_err();
            assert_eq!(refusal.kind(), FailureKind::Refused);
            return Ok(Some(refusal.code().to_owned()));
        }
        Saving::TwoReturningTheRefusal => {
            counters.save(counter("x", 1))?;
            counters.save(counter("y", 1))?;
        }
        Saving::NewOneUnread => counters.save(counter("a", 1))?,
        Saving::StaleAfterReadingAgain => {
            let mut stale = counters.get(&a).await?.unwrap();
            gate.pass().await;
            counters.get(&a).await?;
            stale.value += 100;
            counters.save(stale)?;
        }
    }
    Ok(None)
}

/// Save a counter through a repository while another one is bound.
#[command(target = counter)]
struct SaveBesides {
    counter: String,
    other: String,
}

#[command]
async fn save_besides(
    save: SaveBesides,
    counter: &mut Counter,
    counters: Repository<Counter>,
) -> Result<String, Failure> {
    counter.value += 10;
    let refusal = counters.save(Counter { id: save.other, value: 77 }).unwrap_err();
    assert_eq!(refusal.kind(), FailureKind::Refused);
    Ok(refusal.code().to_owned())
}

/// Hands the runtime to handlers that try to call it.
#[derive(Default)]
struct RuntimeCell(OnceLock<Runtime>);

/// A call of the runtime that a handler tries to make.
#[value]
#[derive(Clone, Copy, Debug)]
enum BoundaryCall {
    Execute,
    ExecuteJson,
    ExecuteInAScope,
    Publish,
    PublishJson,
    PublishAll,
    Emit,
    Outcome,
}

/// Call the runtime from a handler.
#[command]
struct Escape {
    how: BoundaryCall,
}

#[command]
async fn escape(escape: Escape, cell: Arc<RuntimeCell>) -> Result<(), Failure> {
    let runtime = cell.0.get().unwrap();
    let count = Count { counter: "escaped".to_owned(), wait: false };
    let json = serde_json::to_value(&count).unwrap();
    match escape.how {
        BoundaryCall::Execute => runtime.execute(count).await.map(|_| ()),
        BoundaryCall::ExecuteJson => runtime.execute_json("Count", json).await.map(|_| ()),
        BoundaryCall::ExecuteInAScope => {
            runtime.scope(ContextSeed::new(), async { runtime.execute(count).await.map(|_| ()) }).await
        }
        BoundaryCall::Publish => runtime.publish(count).await.map(|_| ()),
        BoundaryCall::PublishJson => runtime.publish_json("Count", json).await.map(|_| ()),
        BoundaryCall::PublishAll => {
            let mut results = runtime.publish_all([runtime.publish(count)]).await;
            results.remove(0).map(|_| ())
        }
        BoundaryCall::Emit => {
            runtime.emit(Counted { counter: "escaped".to_owned(), value: 1, half: 1 }).await.map(|_| ())
        }
        // Waiting for its own outcome would never end.
        BoundaryCall::Outcome => {
            let own = runtime.jobs().handle(context().job_id().unwrap());
            own.outcome().await.map(|_| ())
        }
    }
}

struct Running {
    runtime: Runtime,
    gate: Arc<Gate>,
    log: Arc<Log>,
}

async fn start(world: &World) -> Running {
    let (gate, log, cell) = (Gate::new(), Log::new(), Arc::new(RuntimeCell::default()));
    let builder = world.builder().provide::<Gate>(gate.clone()).provide::<Log>(log.clone());
    let runtime = builder.provide::<RuntimeCell>(cell.clone()).start().await.unwrap();
    assert!(cell.0.set(runtime.clone()).is_ok());
    Running { runtime, gate, log }
}

fn once(counter: &str) -> Count {
    Count { counter: counter.to_owned(), wait: false }
}

fn held(counter: &str) -> Count {
    Count { counter: counter.to_owned(), wait: true }
}

async fn value(runtime: &Runtime, counter: &str) -> Option<i64> {
    let found = runtime.entities::<Counter>().get(&counter.to_owned()).await.unwrap();
    found.map(|counter| counter.value)
}

async fn version(world: &World, counter: &str) -> u64 {
    let key = EntityKey { entity: "Counter", id: Key::of(counter).unwrap() };
    world.store().load(&key).await.unwrap().map_or(0, |stored| stored.version)
}

async fn r14_calls_of_the_runtime_are_refused_inside_an_execution(world: World) {
    let Running { runtime, .. } = start(&world).await;
    for how in [
        BoundaryCall::Execute,
        BoundaryCall::ExecuteJson,
        BoundaryCall::ExecuteInAScope,
        BoundaryCall::Publish,
        BoundaryCall::PublishJson,
        BoundaryCall::PublishAll,
        BoundaryCall::Emit,
        BoundaryCall::Outcome,
    ] {
        let failure = runtime.execute(Escape { how }).await.unwrap_err();
        assert_eq!(failure.code(), "inside_execution", "{how:?}");
    }
    assert_eq!(jobs(&runtime).await.len(), 8, "only the jobs of `Escape`");
    assert!(runtime.events().list(&Cursor::START, 1).await.unwrap().is_empty());
    assert_eq!(value(&runtime, "escaped").await, None);
}

async fn r14_a_repository_writes_one_entity(world: World) {
    let Running { runtime, gate, .. } = start(&world).await;
    runtime.execute(once("a")).await.unwrap();
    gate.open();
    runtime.execute(Save { saving: Saving::One }).await.unwrap();
    assert_eq!((value(&runtime, "a").await, version(&world, "a").await), (Some(101), 2));
    runtime.execute(Save { saving: Saving::OneTwice }).await.unwrap();
    assert_eq!((value(&runtime, "a").await, version(&world, "a").await), (Some(6), 3));
}

async fn r14_a_second_write_through_a_repository_is_refused(world: World) {
    let Running { runtime, .. } = start(&world).await;
    let code = runtime.execute(Save { saving: Saving::TwoSwallowingTheRefusal }).await.unwrap();
    assert_eq!(code.as_deref(), Some("second_write"));
    assert_eq!((value(&runtime, "x").await, value(&runtime, "y").await), (Some(1), None));
}

async fn r14_an_execution_that_fails_at_its_second_write_writes_nothing(world: World) {
    let Running { runtime, .. } = start(&world).await;
    let failure = runtime.execute(Save { saving: Saving::TwoReturningTheRefusal }).await.unwrap_err();
    assert_eq!(failure.code(), "second_write");
    assert_eq!((value(&runtime, "x").await, value(&runtime, "y").await), (None, None));
}

async fn r14_a_save_beside_the_bound_entity_is_refused(world: World) {
    let Running { runtime, .. } = start(&world).await;
    runtime.execute(once("a")).await.unwrap();
    for other in ["b", "a"] {
        let save = SaveBesides { counter: "a".to_owned(), other: other.to_owned() };
        assert_eq!(runtime.execute(save).await.unwrap(), "second_write");
    }
    assert_eq!((value(&runtime, "a").await, value(&runtime, "b").await), (Some(21), None));
}

async fn r17_two_hundred_executions_on_one_entity_queue_up(world: World) {
    let Running { runtime, .. } = start(&world).await;
    let tasks: Vec<_> = (0..200)
        .map(|_| {
            let runtime = runtime.clone();
            tokio::spawn(async move { runtime.execute(once("a")).await })
        })
        .collect();
    let mut values = BTreeSet::new();
    for task in tasks {
        values.insert(task.await.unwrap().unwrap());
    }
    assert_eq!(values, (1..=200).collect());
    assert_eq!((value(&runtime, "a").await, version(&world, "a").await), (Some(200), 200));
    let mut written = BTreeSet::new();
    for job in jobs_of(&runtime, "Count").await {
        let attempts = runtime.jobs().attempts(job.id).await.unwrap();
        assert_eq!(attempts.len(), 1, "no attempt met a conflict");
        written.insert(attempts[0].version_written.unwrap());
    }
    assert_eq!(written, (1..=200).collect());
}

async fn r17_executions_on_one_entity_do_not_overlap(world: World) {
    let Running { runtime, gate, .. } = start(&world).await;
    let mut first = runtime.execute(held("a")).into_future();
    let mut second = runtime.execute(held("a")).into_future();
    begin(&mut first).await;
    gate.arrival().await;
    begin(&mut second).await;
    settle().await;
    assert_eq!(gate.arrivals(), 0, "the second execution waits for the first");
    gate.open();
    assert_eq!(first.await.unwrap(), 1);
    gate.arrival().await;
    gate.open();
    assert_eq!(second.await.unwrap(), 2);
}

async fn r17_executions_on_several_entities_run_at_the_same_time(world: World) {
    let Running { runtime, gate, .. } = start(&world).await;
    let mut published = Vec::new();
    for number in 0..64 {
        published.push(runtime.publish(held(&format!("c-{number}"))).await.unwrap());
    }
    // The gate opens only after all have arrived.
    for _ in 0..64 {
        gate.arrival().await;
    }
    gate.open_wide();
    for job in published {
        assert_eq!(job.outcome().await.unwrap(), 1);
    }
}

async fn r17_a_concurrent_write_of_another_process_is_a_conflict(world: World) {
    let here = start(&world).await;
    let elsewhere = start(&world).await;
    here.runtime.execute(once("a")).await.unwrap();
    let mut slow = here.runtime.execute(held("a")).into_future();
    begin(&mut slow).await;
    here.gate.arrival().await;
    assert_eq!(elsewhere.runtime.execute(once("a")).await.unwrap(), 2);
    let before = here.runtime.events().list(&Cursor::START, 100).await.unwrap().len();
    here.gate.open();
    let failure = slow.await.unwrap_err();
    assert_eq!(kind_and_code(&failure), (FailureKind::Conflict, "conflict"));
    assert_eq!((value(&here.runtime, "a").await, version(&world, "a").await), (Some(2), 2));
    assert_eq!(here.runtime.events().list(&Cursor::START, 100).await.unwrap().len(), before);
    let slow = &jobs_of(&here.runtime, "Count").await[1];
    let attempt = &here.runtime.jobs().attempts(slow.id).await.unwrap()[0];
    assert_eq!((attempt.version_read, attempt.version_written), (Some(1), None));
    assert_eq!(attempt.failure.as_ref(), Some(&failure));
}

async fn r17_a_retry_after_a_conflict_reads_the_entity_again(world: World) {
    let here = start(&world).await;
    here.runtime.execute(once("a")).await.unwrap();
    let stubborn = here.runtime.publish(CountStubbornly { counter: "a".to_owned() }).await.unwrap();
    here.gate.arrival().await;
    let elsewhere = start(&world).await;
    elsewhere.runtime.execute(once("a")).await.unwrap();
    elsewhere.runtime.shutdown(Duration::from_secs(1)).await.unwrap();
    here.gate.open_wide();
    reaches(&here.runtime, stubborn.id(), JobState::Waiting).await;
    world.advance(Duration::from_secs(1));
    assert_eq!(stubborn.outcome().await.unwrap(), 3);
    let attempts = here.runtime.jobs().attempts(stubborn.id()).await.unwrap();
    let read: Vec<_> =
        attempts.iter().map(|attempt| (attempt.version_read, attempt.version_written)).collect();
    assert_eq!(read, [(Some(1), None), (Some(2), Some(3))]);
    assert_eq!(attempts[0].failure.as_ref().unwrap().kind(), FailureKind::Conflict);
}

async fn r17_a_stale_write_through_a_repository_is_a_conflict(world: World) {
    let Running { runtime, gate, .. } = start(&world).await;
    for saving in [Saving::One, Saving::StaleAfterReadingAgain] {
        runtime.execute(once("a")).await.unwrap();
        let mut slow = runtime.execute(Save { saving }).into_future();
        begin(&mut slow).await;
        gate.arrival().await;
        let counted = runtime.execute(once("a")).await.unwrap();
        gate.open();
        assert_eq!(slow.await.unwrap_err().kind(), FailureKind::Conflict);
        assert_eq!(value(&runtime, "a").await, Some(counted), "the other write is kept");
    }
}

async fn r17_saving_an_unread_entity_that_exists_is_a_conflict(world: World) {
    let Running { runtime, .. } = start(&world).await;
    runtime.execute(Save { saving: Saving::NewOneUnread }).await.unwrap();
    let failure = runtime.execute(Save { saving: Saving::NewOneUnread }).await.unwrap_err();
    assert_eq!(failure.kind(), FailureKind::Conflict);
    assert_eq!(version(&world, "a").await, 1);
}

/// Reads events one at a time from the start until `count` are read.
async fn relay(runtime: Runtime, count: usize) -> Vec<StoredEvent> {
    let mut relayed: Vec<StoredEvent> = Vec::new();
    let mut cursor = Cursor::START;
    while relayed.len() < count {
        let page = runtime.events().list(&cursor, 1).await.unwrap();
        match <[StoredEvent; 1]>::try_from(page) {
            Ok([event]) => {
                cursor = event.cursor.clone();
                relayed.push(event);
            }
            Err(page) => {
                assert!(page.is_empty());
                tokio::task::yield_now().await;
            }
        }
    }
    assert!(runtime.events().list(&cursor, 1).await.unwrap().is_empty());
    relayed
}

async fn r18_a_relay_sees_every_event_once_in_the_order_of_commits(world: World) {
    let here = start(&world).await;
    let elsewhere = start(&world).await;
    let relay = tokio::spawn(relay(here.runtime.clone(), 160));
    let mut tasks = Vec::new();
    for number in 0..80 {
        let runtime = if number % 2 == 0 { &here.runtime } else { &elsewhere.runtime }.clone();
        // Each process increments counters of its own, so there are no conflicts.
        let counter = format!("c-{}", number % 8);
        tasks.push(tokio::spawn(async move { runtime.execute(once(&counter)).await }));
    }
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let relayed = relay.await.unwrap();
    let ids: BTreeSet<_> = relayed.iter().map(|event| event.id).collect();
    assert_eq!(ids.len(), 160);
    assert_eq!(relayed, here.runtime.events().list(&Cursor::START, 1000).await.unwrap());

    let facts: Vec<Counted> = relayed.iter().map(|event| event.payload.parse().unwrap()).collect();
    for number in 0..8 {
        let counter = format!("c-{number}");
        let own: Vec<_> = facts.iter().filter(|event| event.counter == counter).collect();
        let expected: Vec<_> = (1..=10).flat_map(|value| [(value, 1), (value, 2)]).collect();
        assert_eq!(own.iter().map(|event| (event.value, event.half)).collect::<Vec<_>>(), expected);
    }
    // The events of one execution are adjacent.
    for pair in relayed.chunks(2) {
        assert_eq!(pair[0].cause, pair[1].cause);
    }
}

async fn r18_a_cursor_stays_valid_across_a_restart(world: World) {
    let first = start(&world).await;
    first.runtime.execute(once("a")).await.unwrap();
    let kept = first.runtime.events().list(&Cursor::START, 1).await.unwrap()[0].cursor.to_string();
    drop(first);
    let second = start(&world).await;
    second.runtime.execute(once("b")).await.unwrap();
    let rest = second.runtime.events().list(&kept.parse().unwrap(), 10).await.unwrap();
    let counted: Vec<Counted> = rest.iter().map(|event| event.payload.parse().unwrap()).collect();
    let seen: Vec<_> = counted.iter().map(|event| (&*event.counter, event.half)).collect();
    assert_eq!(seen, [("a", 2), ("b", 1), ("b", 2)]);
}

async fn r28_a_repository_reads_what_other_processes_have_committed(world: World) {
    let (here, there) = (start(&world).await, start(&world).await);
    here.runtime.execute(Save { saving: Saving::NewOneUnread }).await.unwrap();
    for process in [&here, &there] {
        process.gate.open();
        process.runtime.execute(CountStubbornly { counter: "a".to_owned() }).await.unwrap();
    }
    // No attempt begins in a scope, so only the store can tell this process of the other's write.
    let read = async { context().extract::<Repository<Counter>>()?.get(&"a".to_owned()).await };
    let found = here.runtime.scope(ContextSeed::new(), read).await.unwrap().unwrap();
    assert_eq!(found.value, 3);
}

async fn r18_a_crash_after_the_commit_loses_neither_events_nor_their_handlers(world: World) {
    let (gate, log) = (Gate::new(), Log::new());
    let builder = world.builder().concurrency(1).provide::<Gate>(gate.clone()).provide::<Log>(log.clone());
    let process = Process::start(builder.provide::<RuntimeCell>(Arc::default())).await;
    // The only permit is taken, so the handlers' jobs are stored and do not run.
    process.runtime.publish(held("blocking")).await.unwrap();
    gate.arrival().await;
    process.runtime.execute(once("a")).await.unwrap();
    assert!(log.lines().is_empty());
    process.kill().await;

    let restarted = start(&world).await;
    until("the handlers have run", async || restarted.log.lines().len() == 2).await;
    let mut lines = restarted.log.lines();
    lines.sort();
    assert_eq!(lines, ["a 1 1", "a 1 2"]);
    let events = restarted.runtime.events().list(&Cursor::START, 10).await.unwrap();
    let causes: BTreeSet<_> = jobs_of(&restarted.runtime, "hears")
        .await
        .iter()
        .map(|job| job.cause.clone().unwrap().to_string())
        .collect();
    assert_eq!(causes, events.iter().map(|event| Cause::Event(event.id).to_string()).collect());
    for handling in jobs_of(&restarted.runtime, "hears").await {
        assert_eq!(reaches(&restarted.runtime, handling.id, JobState::Succeeded).await.attempts, 1);
    }
    assert_eq!(job(&restarted.runtime, events[0].cause.unwrap()).await.state, JobState::Succeeded);
}

on_every_store!(
    r14_calls_of_the_runtime_are_refused_inside_an_execution,
    r14_a_repository_writes_one_entity,
    r14_a_second_write_through_a_repository_is_refused,
    r14_an_execution_that_fails_at_its_second_write_writes_nothing,
    r14_a_save_beside_the_bound_entity_is_refused,
    r17_two_hundred_executions_on_one_entity_queue_up,
    r17_executions_on_one_entity_do_not_overlap,
    r17_executions_on_several_entities_run_at_the_same_time,
    r17_a_concurrent_write_of_another_process_is_a_conflict,
    r17_a_retry_after_a_conflict_reads_the_entity_again,
    r17_a_stale_write_through_a_repository_is_a_conflict,
    r17_saving_an_unread_entity_that_exists_is_a_conflict,
    r28_a_repository_reads_what_other_processes_have_committed,
    r18_a_relay_sees_every_event_once_in_the_order_of_commits,
    r18_a_cursor_stays_valid_across_a_restart,
    r18_a_crash_after_the_commit_loses_neither_events_nor_their_handlers,
);
