//! Workers that die, stall, or come back late (r23).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use common::watched::{Watch, Watched};
use common::{
    Gate, Log, Mortal, World, begin, job, jobs, kind_and_code, on_every_store, reaches, settle, until,
};
use enact::clock::ManualClock;
use enact::prelude::*;
use enact::store::{Cursor, Store};
use enact::{JobId, Key, MemoryStore, RuntimeBuilder};

/// Counts.
#[entity]
struct Counter {
    id: String,
    value: i64,
}

/// A counter has counted.
#[event]
struct Counted {
    value: i64,
}

/// Count one up behind the gate; once.
#[command(target = counter)]
struct Count {
    counter: String,
}

impl From<&Count> for Counter {
    fn from(count: &Count) -> Self {
        Self { id: count.counter.clone(), value: 0 }
    }
}

#[command(create = if_missing)]
async fn count(_: Count, counter: &mut Counter, gate: Arc<Gate>) -> Result<i64, Failure> {
    gate.pass().await;
    counter.value += 1;
    emit(Counted { value: counter.value });
    Ok(counter.value)
}

/// Count one up behind the gate; again if the worker is lost.
#[command(target = counter)]
struct CountSurely {
    counter: String,
}

impl From<&CountSurely> for Counter {
    fn from(count: &CountSurely) -> Self {
        Self { id: count.counter.clone(), value: 0 }
    }
}

#[command(create = if_missing, retry = Retry::fixed(2, Duration::from_secs(5)))]
async fn count_surely(
    _: CountSurely,
    counter: &mut Counter,
    gate: Arc<Gate>,
    told: Arc<AtomicBool>,
) -> Result<i64, Failure> {
    let watch = context();
    tokio::spawn(async move {
        watch.cancelled().await;
        told.store(true, Ordering::SeqCst);
    });
    gate.pass().await;
    counter.value += 1;
    emit(Counted { value: counter.value });
    Ok(counter.value)
}

/// Note a number.
#[command]
struct Note {
    number: u32,
}

#[command]
async fn note(note: Note, log: Arc<Log>) {
    tokio::task::yield_now().await;
    log.note(note.number.to_string());
}

/// Wait behind the gate at first, and to be called off when it is tried again.
#[command]
struct Linger {}

#[command(retry = Retry::fixed(2, Duration::from_secs(1)))]
async fn linger(_: Linger, gate: Arc<Gate>, log: Arc<Log>) {
    let attempt = context().attempt().unwrap();
    log.note(format!("attempt {attempt}"));
    if attempt == 1 {
        gate.pass().await;
    } else {
        context().cancelled().await;
        log.note("told");
    }
}

struct Running {
    runtime: Runtime,
    gate: Arc<Gate>,
    told: Arc<AtomicBool>,
}

fn provided(builder: RuntimeBuilder) -> (RuntimeBuilder, Arc<Gate>, Arc<AtomicBool>) {
    let (gate, log) = (Gate::new(), Log::new());
    let told = Arc::new(AtomicBool::new(false));
    (builder.provide(gate.clone()).provide(log).provide(told.clone()), gate, told)
}

async fn start(world: &World) -> Running {
    let (builder, gate, told) = provided(world.builder());
    Running { runtime: builder.start().await.unwrap(), gate, told }
}

async fn value(runtime: &Runtime) -> Option<i64> {
    runtime.entities::<Counter>().get(&"c".to_owned()).await.unwrap().map(|counter| counter.value)
}

fn counted() -> CountSurely {
    CountSurely { counter: "c".to_owned() }
}

const LEASE: Duration = Duration::from_secs(10);

/// Lets time pass for whoever watches the leases, until the attempt of a worker that has died is given up.
async fn outlast(world: &World, witness: &Runtime, id: JobId, wanted: JobState) {
    outlast_by(&world.clock, witness, id, wanted).await;
}

async fn outlast_by(clock: &ManualClock, witness: &Runtime, id: JobId, wanted: JobState) {
    until("the attempt is given up", async || {
        // It is looked for now and then: the time goes on.
        clock.advance(Duration::from_millis(500));
        settle_briefly().await;
        job(witness, id).await.state == wanted
    })
    .await;
}

/// Lets whoever waits for a moment that has come have a look around.
async fn settle_briefly() {
    tokio::time::sleep(Duration::from_millis(2)).await;
}

async fn r23_an_attempt_whose_worker_died_ends_as_lost(world: World) {
    let (builder, gate, _) = provided(world.builder().lease(LEASE));
    let mortal = Mortal::start(builder).await;
    let id = mortal.runtime.publish(Count { counter: "c".to_owned() }).await.unwrap().id();
    gate.arrival().await;
    mortal.die().await;

    let witness = start(&world).await;
    settle().await;
    world.advance(LEASE);
    settle().await;
    assert_eq!(job(&witness.runtime, id).await.state, JobState::Running, "its lease has not ended");
    outlast(&world, &witness.runtime, id, JobState::Failed).await;
    let lost = job(&witness.runtime, id).await;
    assert_eq!(kind_and_code(lost.failure.as_ref().unwrap()), (FailureKind::Lost, "lost"));
    let attempts = witness.runtime.jobs().attempts(id).await.unwrap();
    assert_eq!(attempts.len(), 1, "there is no policy, so there is no other attempt");
    assert_eq!(attempts[0].failure, lost.failure);
    assert_eq!((attempts[0].reached, attempts[0].ended_at), (None, lost.ended_at));
    assert!(lost.failure.unwrap().message().contains(attempts[0].worker.as_str()));
    assert_eq!(witness.gate.arrivals(), 0);
    assert_eq!(value(&witness.runtime).await, None);
    let leases = || world.query("SELECT count(*) FROM workers");
    until("the witness has the only lease", async || leases().is_none_or(|leases| leases == 1)).await;
}

async fn r23_a_lost_attempt_is_retried_if_the_policy_allows(world: World) {
    let (builder, gate, _) = provided(world.builder().lease(LEASE));
    let mortal = Mortal::start(builder).await;
    let id = mortal.runtime.publish(counted()).await.unwrap().id();
    gate.arrival().await;
    mortal.die().await;

    let reborn = start(&world).await;
    reborn.gate.open_wide();
    outlast(&world, &reborn.runtime, id, JobState::Waiting).await;
    world.advance(Duration::from_secs(5));
    reaches(&reborn.runtime, id, JobState::Succeeded).await;
    let attempts = reborn.runtime.jobs().attempts(id).await.unwrap();
    let kinds: Vec<_> = attempts.iter().map(|attempt| attempt.failure.as_ref().map(Failure::kind)).collect();
    assert_eq!(kinds, [Some(FailureKind::Lost), None]);
    assert_ne!(attempts[0].worker, attempts[1].worker);
    assert_eq!(value(&reborn.runtime).await, Some(1));
}

async fn r23_an_execution_whose_worker_died_ends_as_lost_too(world: World) {
    let (builder, gate, _) = provided(world.builder().lease(LEASE));
    let mortal = Mortal::start(builder).await;
    let runtime = mortal.runtime.clone();
    mortal.spawn(async move { runtime.execute(Count { counter: "c".to_owned() }).await });
    gate.arrival().await;
    let id = jobs(&mortal.runtime).await[0].id;
    mortal.die().await;

    let witness = start(&world).await;
    outlast(&world, &witness.runtime, id, JobState::Failed).await;
    let lost = job(&witness.runtime, id).await;
    assert_eq!(lost.failure.unwrap().kind(), FailureKind::Lost);
}

async fn r23_the_late_commit_of_an_attempt_that_was_given_up_is_fenced(world: World) {
    // Two machines: on the slow one, the time stands still, and so does its worker.
    let slow = start(&world).await;
    let mut execution = slow.runtime.execute(counted()).into_future();
    begin(&mut execution).await;
    slow.gate.arrival().await;
    let id = jobs(&slow.runtime).await[0].id;

    let fast_clock = ManualClock::at(world.now());
    let (builder, gate, _) = provided(world.builder().clock(fast_clock.clone()));
    let fast = builder.start().await.unwrap();
    gate.open_wide();
    outlast_by(&fast_clock, &fast, id, JobState::Waiting).await;
    fast_clock.advance(Duration::from_secs(5));
    reaches(&fast, id, JobState::Succeeded).await;
    assert_eq!(value(&fast).await, Some(1));

    slow.gate.open();
    // Who executed it here is told what has become of it elsewhere.
    assert_eq!(execution.await.unwrap(), 1);
    settle().await;
    assert_eq!(value(&fast).await, Some(1), "the slow one has not counted");
    assert_eq!(fast.events().list(Cursor::START, 10).await.unwrap().len(), 1);
    let ended = job(&fast, id).await;
    assert_eq!((ended.state, ended.attempts), (JobState::Succeeded, 2));
    let attempts = fast.jobs().attempts(id).await.unwrap();
    assert_eq!(attempts[0].failure.as_ref().unwrap().code(), "lost");
    let key = enact::store::EntityKey { entity: "Counter", id: Key::of("c").unwrap() };
    assert_eq!(world.store().load(&key).await.unwrap().unwrap().version, 1);
}

async fn r23_a_fenced_attempt_of_a_job_that_runs_again_writes_nothing(world: World) {
    // As above, but the slow one comes while the fast one is at it: no version tells them apart, only the fence.
    let slow = start(&world).await;
    let published = slow.runtime.publish(counted()).await.unwrap();
    slow.gate.arrival().await;
    let fast_clock = ManualClock::at(world.now());
    let (builder, gate, _) = provided(world.builder().clock(fast_clock.clone()));
    let fast = builder.start().await.unwrap();
    outlast_by(&fast_clock, &fast, published.id(), JobState::Waiting).await;
    fast_clock.advance(Duration::from_secs(5));
    gate.arrival().await;

    slow.gate.open();
    slow.runtime.shutdown(Duration::from_mins(1)).await.unwrap();
    assert_eq!(value(&fast).await, None);
    assert_eq!(job(&fast, published.id()).await.state, JobState::Running);
    assert!(fast.events().list(Cursor::START, 10).await.unwrap().is_empty());
    gate.open();
    reaches(&fast, published.id(), JobState::Succeeded).await;
    assert_eq!(value(&fast).await, Some(1));
}

async fn r23_a_worker_that_lives_keeps_its_lease_however_long_it_takes(world: World) {
    let (builder, gate, _) = provided(world.builder().lease(LEASE));
    let runtime = builder.start().await.unwrap();
    let published = runtime.publish(Count { counter: "c".to_owned() }).await.unwrap();
    gate.arrival().await;
    let witness = start(&world).await;
    let store = world.store();
    for _ in 0..12 {
        let renewals = store.leases().await.unwrap()[0].renewals;
        until("the lease is renewed", async || {
            world.advance(Duration::from_millis(500));
            settle_briefly().await;
            store.leases().await.unwrap()[0].renewals > renewals
        })
        .await;
    }
    gate.open();
    assert_eq!(published.outcome().await.unwrap(), 1);
    assert_eq!(witness.runtime.jobs().attempts(published.id()).await.unwrap().len(), 1);
}

async fn r23_steps_of_the_clock_end_no_lease(world: World) {
    let (builder, gate, _) = provided(world.builder().lease(LEASE));
    let runtime = builder.start().await.unwrap();
    let published = runtime.publish(Count { counter: "c".to_owned() }).await.unwrap();
    gate.arrival().await;
    // Another machine, whose clock is its own.
    let clock = ManualClock::at(world.now());
    let (builder, ..) = provided(world.builder().clock(clock.clone()));
    let witness = builder.start().await.unwrap();
    let day = Duration::from_hours(24);
    for step in [world.now() + day, world.now() - day, world.now()] {
        for stepping in [&clock, &world.clock] {
            stepping.set(step);
            for _ in 0..40 {
                world.advance(LEASE / 16);
                clock.advance(LEASE / 16);
                settle_briefly().await;
            }
            assert_eq!(job(&witness, published.id()).await.state, JobState::Running, "{step}");
        }
    }
    gate.open();
    assert_eq!(published.outcome().await.unwrap(), 1);
    assert_eq!(witness.jobs().attempts(published.id()).await.unwrap().len(), 1);
}

async fn r23_a_step_of_the_clock_back_does_not_keep_a_dead_workers_lease(world: World) {
    let (builder, gate, _) = provided(world.builder().lease(LEASE));
    let mortal = Mortal::start(builder).await;
    let id = mortal.runtime.publish(Count { counter: "c".to_owned() }).await.unwrap().id();
    gate.arrival().await;
    mortal.die().await;

    let witness = start(&world).await;
    world.clock.set(world.now() - Duration::from_hours(24));
    outlast(&world, &witness.runtime, id, JobState::Failed).await;
}

/// A store that never answers who looks at the leases.
struct Unanswering;

#[async_trait]
impl Watch for Unanswering {
    async fn looking(&self) {
        std::future::pending::<()>().await;
    }
}

#[test]
fn r23_a_look_that_takes_long_keeps_no_lease_from_being_renewed() {
    common::show(World::memory(), async |world| {
        let memory = MemoryStore::new();
        let store = Watched { store: memory.clone(), watch: Unanswering };
        let (builder, gate, _) = provided(Runtime::builder(store).clock(world.clock.clone()).lease(LEASE));
        // With all places taken nothing is claimed, and no claim renews the lease.
        let runtime = builder.concurrency(1).start().await.unwrap();
        let published = runtime.publish(Count { counter: "c".to_owned() }).await.unwrap();
        gate.arrival().await;
        for _ in 0..3 {
            let renewals = memory.leases().await.unwrap()[0].renewals;
            until("the lease is renewed", async || {
                world.advance(Duration::from_millis(500));
                settle_briefly().await;
                memory.leases().await.unwrap()[0].renewals > renewals
            })
            .await;
        }
        gate.open();
        assert_eq!(published.outcome().await.unwrap(), 1);
    });
}

#[test]
fn r23_who_shuts_down_leaves_no_lease_behind() {
    common::show(World::sqlite(), async |world| {
        let Running { runtime, gate, .. } = start(&world).await;
        gate.open_wide();
        runtime.execute(Count { counter: "c".to_owned() }).await.unwrap();
        assert_eq!(world.query("SELECT count(*) FROM workers"), Some(1));
        runtime.shutdown(Duration::from_secs(1)).await.unwrap();
        assert_eq!(world.query("SELECT count(*) FROM workers"), Some(0));
    });
}

async fn r23_an_attempt_that_was_given_up_is_told(world: World) {
    let slow = start(&world).await;
    let published = slow.runtime.publish(counted()).await.unwrap();
    slow.gate.arrival().await;
    let fast_clock = ManualClock::at(world.now());
    let (builder, ..) = provided(world.builder().clock(fast_clock.clone()));
    let fast = builder.start().await.unwrap();
    assert!(!slow.told.load(Ordering::SeqCst));
    outlast_by(&fast_clock, &fast, published.id(), JobState::Waiting).await;
    until("the slow one is told", async || {
        world.advance(Duration::from_millis(500));
        settle_briefly().await;
        slow.told.load(Ordering::SeqCst)
    })
    .await;
    slow.gate.open_wide();
}

async fn r23_who_executes_without_a_worker_keeps_its_lease_too(world: World) {
    let (builder, gate, _) = provided(world.builder().lease(LEASE));
    let office = builder.without_worker().start().await.unwrap();
    let mut execution = office.execute(Count { counter: "c".to_owned() }).into_future();
    begin(&mut execution).await;
    gate.arrival().await;
    let witness = start(&world).await;
    for _ in 0..100 {
        world.advance(LEASE / 20);
        settle_briefly().await;
    }
    let id = jobs(&witness.runtime).await[0].id;
    assert_eq!(job(&witness.runtime, id).await.state, JobState::Running);
    gate.open();
    assert_eq!(execution.await.unwrap(), 1);
}

async fn r23_a_worker_that_was_given_up_and_comes_back_goes_on(world: World) {
    let slow = start(&world).await;
    let first = slow.runtime.publish(counted()).await.unwrap();
    slow.gate.arrival().await;
    let fast_clock = ManualClock::at(world.now());
    let (builder, ..) = provided(world.builder().clock(fast_clock.clone()));
    let fast = builder.without_worker().start().await.unwrap();
    outlast_by(&fast_clock, &fast, first.id(), JobState::Waiting).await;

    // What the slow one begins now is covered by a lease that it has renewed.
    world.advance(LEASE);
    slow.gate.open_wide();
    let (slow_again, gate) = (slow.runtime.clone(), slow.gate.clone());
    let mut second = slow_again.execute(Count { counter: "d".to_owned() }).into_future();
    begin(&mut second).await;
    assert_eq!(second.await.unwrap(), 1);
    drop(gate);
    outlast_by(&world.clock, &slow.runtime, first.id(), JobState::Succeeded).await;
    for attempt in slow.runtime.jobs().attempts(first.id()).await.unwrap().iter().skip(1) {
        assert_eq!(attempt.failure, None, "no other attempt was given up");
    }
}

async fn r23_what_is_told_to_an_attempt_that_was_given_up_is_not_told_to_the_next(world: World) {
    let (builder, gate, _) = provided(world.builder().lease(LEASE));
    let log = Log::new();
    let slow = builder.provide(log.clone()).start().await.unwrap();
    let id = slow.publish(Linger {}).await.unwrap().id();
    gate.arrival().await;
    let clock = ManualClock::at(world.now());
    let (builder, ..) = provided(world.builder().clock(clock.clone()));
    let witness = builder.without_worker().start().await.unwrap();
    outlast_by(&clock, &witness, id, JobState::Waiting).await;
    // The one that was given up is still under way here when the next begins, and ends before that.
    until("it is tried again", async || {
        world.advance(Duration::from_millis(500));
        log.lines() == ["attempt 1", "attempt 2"]
    })
    .await;
    for _ in 0..10 {
        world.advance(Duration::from_millis(500));
        settle_briefly().await;
    }
    gate.open();
    settle().await;
    assert_eq!(log.lines(), ["attempt 1", "attempt 2"], "nobody has called it off");
    slow.jobs().cancel(id).await.unwrap();
    until("the second attempt is told", async || log.lines().len() == 3).await;
}

async fn r23_a_lease_that_is_too_short_is_a_problem_at_its_place(world: World) {
    let (builder, ..) = provided(world.builder());
    let line = line!() + 1;
    let error = builder.clone().lease(Duration::from_millis(99)).start().await.unwrap_err();
    let [problem] = error.problems() else { panic!("{error}") };
    assert!(problem.source().file.ends_with("tests/r23_leases.rs"), "{problem}");
    assert_eq!(problem.source().line, line);
    assert_eq!(problem.message(), "a lease of 99ms is too short; use 100ms (`MIN_LEASE`) or more");
    builder.lease(RuntimeBuilder::MIN_LEASE).start().await.unwrap();
}

async fn r23_two_runtimes_on_one_store_never_run_a_job_twice(world: World) {
    let (builder, ..) = provided(world.builder());
    let log = Log::new();
    let here = builder.provide::<Log>(log.clone()).start().await.unwrap();
    let (builder, ..) = provided(world.builder());
    let elsewhere = builder.provide::<Log>(log.clone()).start().await.unwrap();
    let mut tasks = Vec::new();
    for number in 0..200 {
        let runtime = if number % 2 == 0 { &here } else { &elsewhere }.clone();
        tasks.push(tokio::spawn(async move { runtime.publish(Note { number }).await.unwrap().id() }));
    }
    let mut ids = Vec::new();
    for task in tasks {
        ids.push(task.await.unwrap());
    }
    let mut workers = BTreeSet::new();
    for id in ids {
        let ended = reaches(&here, id, JobState::Succeeded).await;
        assert_eq!(ended.attempts, 1);
        workers.insert(here.jobs().attempts(id).await.unwrap()[0].worker.to_string());
    }
    let mut lines: Vec<u32> = log.lines().iter().map(|line| line.parse().unwrap()).collect();
    lines.sort_unstable();
    assert_eq!(lines, (0..200).collect::<Vec<_>>());
    assert!(!workers.is_empty() && workers.len() <= 2);
}

on_every_store!(
    r23_an_attempt_whose_worker_died_ends_as_lost,
    r23_a_lost_attempt_is_retried_if_the_policy_allows,
    r23_an_execution_whose_worker_died_ends_as_lost_too,
    r23_the_late_commit_of_an_attempt_that_was_given_up_is_fenced,
    r23_a_fenced_attempt_of_a_job_that_runs_again_writes_nothing,
    r23_a_worker_that_lives_keeps_its_lease_however_long_it_takes,
    r23_steps_of_the_clock_end_no_lease,
    r23_a_step_of_the_clock_back_does_not_keep_a_dead_workers_lease,
    r23_an_attempt_that_was_given_up_is_told,
    r23_what_is_told_to_an_attempt_that_was_given_up_is_not_told_to_the_next,
    r23_who_executes_without_a_worker_keeps_its_lease_too,
    r23_a_worker_that_was_given_up_and_comes_back_goes_on,
    r23_a_lease_that_is_too_short_is_a_problem_at_its_place,
    r23_two_runtimes_on_one_store_never_run_a_job_twice,
);
