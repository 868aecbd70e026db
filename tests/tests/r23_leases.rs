//! Leases and fencing: workers that die, stall, or commit late (r23).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use common::watched::{Watch, Watched};
use common::{
    Gate, Log, Process, World, begin, job, jobs, kind_and_code, on_every_store, reaches, settle, until,
};
use enact::Cursor;
use enact::clock::ManualClock;
use enact::prelude::*;
use enact::store::{Lease, Store};
use enact::{JobId, Key, MemoryStore, WorkerId};

/// A counter.
#[entity]
struct Counter {
    id: String,
    value: i64,
}

/// A counter was incremented.
#[event]
struct Counted {
    value: i64,
}

/// Increment a counter behind the gate, without a retry.
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

/// Increment a counter behind the gate, with a retry. Reports when the attempt is cancelled.
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
    signalled: Arc<AtomicBool>,
) -> Result<i64, Failure> {
    let watch = context();
    tokio::spawn(async move {
        watch.cancelled().await;
        signalled.store(true, Ordering::SeqCst);
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

/// Wait at the gate in the first attempt, and for a cancellation in the second.
#[command]
struct Linger {}

#[command(retry = Retry::fixed(3, Duration::from_secs(1)))]
async fn linger(_: Linger, gate: Arc<Gate>, log: Arc<Log>) {
    let attempt = context().attempt().unwrap();
    log.note(format!("attempt {attempt}"));
    if attempt == 1 {
        gate.pass().await;
    } else {
        context().cancelled().await;
        log.note("cancelled");
    }
}

struct Running {
    runtime: Runtime,
    gate: Arc<Gate>,
    signalled: Arc<AtomicBool>,
}

fn provided(builder: enact::RuntimeBuilder) -> (enact::RuntimeBuilder, Arc<Gate>, Arc<AtomicBool>) {
    let (gate, log) = (Gate::new(), Log::new());
    let signalled = Arc::new(AtomicBool::new(false));
    (builder.provide(gate.clone()).provide(log).provide(signalled.clone()), gate, signalled)
}

async fn start(world: &World) -> Running {
    let (builder, gate, signalled) = provided(world.builder());
    Running { runtime: builder.start().await.unwrap(), gate, signalled }
}

async fn value(runtime: &Runtime) -> Option<i64> {
    runtime.entities::<Counter>().get(&"c".to_owned()).await.unwrap().map(|counter| counter.value)
}

fn counted() -> CountSurely {
    CountSurely { counter: "c".to_owned() }
}

const LEASE: Duration = Duration::from_secs(10);

/// Advances the clock until `witness` has found the lease expired and its job is in state `wanted`.
async fn expire_lease(world: &World, witness: &Runtime, id: JobId, wanted: JobState) {
    expire_lease_by(&world.clock, witness, id, wanted).await;
}

async fn expire_lease_by(clock: &ManualClock, witness: &Runtime, id: JobId, wanted: JobState) {
    until("the lease has expired", async || {
        // Leases are checked periodically, so the clock has to move on.
        clock.advance(Duration::from_millis(500));
        settle_briefly().await;
        job(witness, id).await.state == wanted
    })
    .await;
}

/// Gives tasks whose sleep has ended time to run.
async fn settle_briefly() {
    tokio::time::sleep(Duration::from_millis(2)).await;
}

/// How often the only worker that runs a job has renewed its lease. Idle workers have leases, too.
async fn renewals_of_the_running_worker(store: &dyn Store) -> u64 {
    for lease in store.leases().await.unwrap() {
        if !store.running(&lease.worker, 1).await.unwrap().is_empty() {
            return lease.renewals;
        }
    }
    panic!("no worker runs a job")
}

async fn r23_an_attempt_whose_worker_died_ends_as_lost(world: World) {
    let (builder, gate, _) = provided(world.builder().lease(LEASE));
    let process = Process::start(builder).await;
    let id = process.runtime.publish(Count { counter: "c".to_owned() }).await.unwrap().id();
    gate.arrival().await;
    process.kill().await;

    let witness = start(&world).await;
    settle().await;
    world.advance(LEASE);
    settle().await;
    assert_eq!(job(&witness.runtime, id).await.state, JobState::Running, "its lease has not expired");
    expire_lease(&world, &witness.runtime, id, JobState::Failed).await;
    let lost = job(&witness.runtime, id).await;
    assert_eq!(kind_and_code(lost.failure.as_ref().unwrap()), (FailureKind::Lost, "lost"));
    let attempts = witness.runtime.jobs().attempts(id).await.unwrap();
    assert_eq!(attempts.len(), 1, "without a policy there is no second attempt");
    assert_eq!(attempts[0].failure, lost.failure);
    assert_eq!((attempts[0].reached, attempts[0].ended_at), (None, lost.ended_at));
    assert!(lost.failure.unwrap().message().contains(attempts[0].worker.as_str()));
    assert_eq!(witness.gate.arrivals(), 0);
    assert_eq!(value(&witness.runtime).await, None);
    let leases = || world.query("SELECT count(*) FROM leases");
    until("the witness has the only lease", async || leases().is_none_or(|leases| leases == 1)).await;
}

async fn r23_a_lost_attempt_is_retried_if_the_policy_allows(world: World) {
    let (builder, gate, _) = provided(world.builder().lease(LEASE));
    let process = Process::start(builder).await;
    let id = process.runtime.publish(counted()).await.unwrap().id();
    gate.arrival().await;
    process.kill().await;

    let restarted = start(&world).await;
    restarted.gate.open_wide();
    expire_lease(&world, &restarted.runtime, id, JobState::Waiting).await;
    world.advance(Duration::from_secs(5));
    reaches(&restarted.runtime, id, JobState::Succeeded).await;
    let attempts = restarted.runtime.jobs().attempts(id).await.unwrap();
    let kinds: Vec<_> = attempts.iter().map(|attempt| attempt.failure.as_ref().map(Failure::kind)).collect();
    assert_eq!(kinds, [Some(FailureKind::Lost), None]);
    assert_ne!(attempts[0].worker, attempts[1].worker);
    assert_eq!(value(&restarted.runtime).await, Some(1));
}

async fn r23_an_execution_whose_process_died_ends_as_lost_too(world: World) {
    let (builder, gate, _) = provided(world.builder().lease(LEASE));
    let process = Process::start(builder).await;
    let runtime = process.runtime.clone();
    process.spawn(async move { runtime.execute(Count { counter: "c".to_owned() }).await });
    gate.arrival().await;
    let id = jobs(&process.runtime).await[0].id;
    process.kill().await;

    let witness = start(&world).await;
    expire_lease(&world, &witness.runtime, id, JobState::Failed).await;
    let lost = job(&witness.runtime, id).await;
    assert_eq!(lost.failure.unwrap().kind(), FailureKind::Lost);
}

async fn r23_the_late_commit_of_a_rescued_attempt_is_fenced(world: World) {
    // Two machines with a clock each. The clock of the slow one stands still, so its worker stalls.
    let slow = start(&world).await;
    let mut execution = slow.runtime.execute(counted()).into_future();
    begin(&mut execution).await;
    slow.gate.arrival().await;
    let id = jobs(&slow.runtime).await[0].id;

    let fast_clock = ManualClock::at(world.now());
    let (builder, gate, _) = provided(world.builder().clock(fast_clock.clone()));
    let fast = builder.start().await.unwrap();
    gate.open_wide();
    expire_lease_by(&fast_clock, &fast, id, JobState::Waiting).await;
    fast_clock.advance(Duration::from_secs(5));
    reaches(&fast, id, JobState::Succeeded).await;
    assert_eq!(value(&fast).await, Some(1));

    slow.gate.open();
    // The caller on the slow machine gets the outcome of the attempt on the fast one.
    assert_eq!(execution.await.unwrap(), 1);
    settle().await;
    assert_eq!(value(&fast).await, Some(1), "the slow attempt was not committed");
    assert_eq!(fast.events().list(&Cursor::START, 10).await.unwrap().len(), 1);
    let ended = job(&fast, id).await;
    assert_eq!((ended.state, ended.attempts), (JobState::Succeeded, 2));
    let attempts = fast.jobs().attempts(id).await.unwrap();
    assert_eq!(attempts[0].failure.as_ref().unwrap().code(), "lost");
    let key = enact::store::EntityKey { entity: "Counter", id: Key::of("c").unwrap() };
    assert_eq!(world.store().load(&key).await.unwrap().unwrap().version, 1);
}

async fn r23_a_rescued_attempt_writes_nothing_while_its_job_runs_again(world: World) {
    // The slow attempt commits while the fast one is still running: both read the same entity version, so only the fencing
    // token refuses it.
    let slow = start(&world).await;
    let published = slow.runtime.publish(counted()).await.unwrap();
    slow.gate.arrival().await;
    let fast_clock = ManualClock::at(world.now());
    let (builder, gate, _) = provided(world.builder().clock(fast_clock.clone()));
    let fast = builder.start().await.unwrap();
    expire_lease_by(&fast_clock, &fast, published.id(), JobState::Waiting).await;
    fast_clock.advance(Duration::from_secs(5));
    gate.arrival().await;

    slow.gate.open();
    slow.runtime.shutdown(Duration::from_mins(1)).await.unwrap();
    assert_eq!(value(&fast).await, None);
    assert_eq!(job(&fast, published.id()).await.state, JobState::Running);
    assert!(fast.events().list(&Cursor::START, 10).await.unwrap().is_empty());
    gate.open();
    reaches(&fast, published.id(), JobState::Succeeded).await;
    assert_eq!(value(&fast).await, Some(1));
}

async fn r23_a_live_worker_keeps_its_lease_however_long_an_attempt_takes(world: World) {
    let (builder, gate, _) = provided(world.builder().lease(LEASE));
    let runtime = builder.start().await.unwrap();
    let published = runtime.publish(Count { counter: "c".to_owned() }).await.unwrap();
    gate.arrival().await;
    let witness = start(&world).await;
    let store = world.store();
    for _ in 0..12 {
        let renewals = renewals_of_the_running_worker(&*store).await;
        until("the lease is renewed", async || {
            world.advance(Duration::from_millis(500));
            settle_briefly().await;
            renewals_of_the_running_worker(&*store).await > renewals
        })
        .await;
    }
    gate.open();
    assert_eq!(published.outcome().await.unwrap(), 1);
    assert_eq!(witness.runtime.jobs().attempts(published.id()).await.unwrap().len(), 1);
}

async fn r23_steps_of_the_wall_clock_expire_no_lease(world: World) {
    let (builder, gate, _) = provided(world.builder().lease(LEASE));
    let runtime = builder.start().await.unwrap();
    let published = runtime.publish(Count { counter: "c".to_owned() }).await.unwrap();
    gate.arrival().await;
    // Another machine with a clock of its own.
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

async fn r23_a_backward_step_of_the_clock_does_not_prolong_a_dead_workers_lease(world: World) {
    let (builder, gate, _) = provided(world.builder().lease(LEASE));
    let process = Process::start(builder).await;
    let id = process.runtime.publish(Count { counter: "c".to_owned() }).await.unwrap().id();
    gate.arrival().await;
    process.kill().await;

    let witness = start(&world).await;
    world.clock.set(world.now() - Duration::from_hours(24));
    expire_lease(&world, &witness.runtime, id, JobState::Failed).await;
}

/// Makes reads of the leases hang.
struct HangingLeases;

#[async_trait]
impl Watch for HangingLeases {
    async fn reading_leases(&self) {
        std::future::pending::<()>().await;
    }
}

#[test]
fn r23_a_lease_is_renewed_while_reading_the_leases_hangs() {
    common::run_test(World::memory(), async |world| {
        let memory = MemoryStore::new();
        let store = Watched { store: memory.clone(), watch: HangingLeases };
        let (builder, gate, _) = provided(Runtime::builder(store).clock(world.clock.clone()).lease(LEASE));
        // All permits are taken, so there is no claim that could renew the lease.
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
fn r23_a_shutdown_deletes_the_lease() {
    common::run_test(World::sqlite(), async |world| {
        let Running { runtime, gate, .. } = start(&world).await;
        gate.open_wide();
        runtime.execute(Count { counter: "c".to_owned() }).await.unwrap();
        assert_eq!(world.query("SELECT count(*) FROM leases"), Some(1));
        runtime.shutdown(Duration::from_secs(1)).await.unwrap();
        assert_eq!(world.query("SELECT count(*) FROM leases"), Some(0));
    });
}

async fn r23_a_rescued_attempt_is_cancelled(world: World) {
    let slow = start(&world).await;
    let published = slow.runtime.publish(counted()).await.unwrap();
    slow.gate.arrival().await;
    let fast_clock = ManualClock::at(world.now());
    let (builder, ..) = provided(world.builder().clock(fast_clock.clone()));
    let fast = builder.start().await.unwrap();
    assert!(!slow.signalled.load(Ordering::SeqCst));
    expire_lease_by(&fast_clock, &fast, published.id(), JobState::Waiting).await;
    until("the slow attempt is cancelled", async || {
        world.advance(Duration::from_millis(500));
        settle_briefly().await;
        slow.signalled.load(Ordering::SeqCst)
    })
    .await;
    slow.gate.open_wide();
}

async fn r23_a_runtime_without_a_worker_keeps_the_lease_of_its_executions(world: World) {
    let (builder, gate, _) = provided(world.builder().lease(LEASE));
    let client = builder.without_worker().start().await.unwrap();
    let mut execution = client.execute(Count { counter: "c".to_owned() }).into_future();
    begin(&mut execution).await;
    gate.arrival().await;
    let witness = start(&world).await;
    let store = world.store();
    let renewals = async || renewals_of_the_running_worker(&*store).await;
    for _ in 0..10 {
        let before = renewals().await;
        // A lease is renewed when less than half of it is left.
        world.advance(LEASE * 2 / 3);
        until("the lease is renewed", async || renewals().await > before).await;
    }
    let id = jobs(&witness.runtime).await[0].id;
    assert_eq!(job(&witness.runtime, id).await.state, JobState::Running);
    gate.open();
    assert_eq!(execution.await.unwrap(), 1);
}

async fn r23_a_stalled_worker_that_resumes_runs_new_jobs(world: World) {
    let slow = start(&world).await;
    let first = slow.runtime.publish(counted()).await.unwrap();
    slow.gate.arrival().await;
    let fast_clock = ManualClock::at(world.now());
    let (builder, ..) = provided(world.builder().clock(fast_clock.clone()));
    let fast = builder.without_worker().start().await.unwrap();
    expire_lease_by(&fast_clock, &fast, first.id(), JobState::Waiting).await;

    // A new attempt of the slow worker is covered by the lease that it renews.
    world.advance(LEASE);
    slow.gate.open_wide();
    assert_eq!(slow.runtime.execute(Count { counter: "d".to_owned() }).await.unwrap(), 1);
    expire_lease_by(&world.clock, &slow.runtime, first.id(), JobState::Succeeded).await;
    for attempt in slow.runtime.jobs().attempts(first.id()).await.unwrap().iter().skip(1) {
        assert_eq!(attempt.failure, None, "no other attempt was rescued");
    }
}

async fn r23_the_leases_of_workers_that_died_idle_are_deleted(world: World) {
    let store = world.store();
    let dead = |number: u64| Lease {
        worker: WorkerId::from_text(format!("dead-{number}")),
        renewals: number,
        length: LEASE * u32::try_from(number).unwrap(),
    };
    for number in 1..=5 {
        store.renew(dead(number)).await.unwrap();
    }
    let witness = start(&world).await;
    witness.gate.open_wide();
    witness.runtime.execute(Count { counter: "c".to_owned() }).await.unwrap();
    for number in 1..=5 {
        let left = async || {
            let leases = store.leases().await.unwrap();
            leases.into_iter().filter(|lease| lease.worker.as_str().starts_with("dead-")).collect::<Vec<_>>()
        };
        let before = world.now();
        until("one more has expired", async || {
            assert!(world.now() < before + LEASE + Duration::from_secs(5), "it is deleted when it expires");
            world.advance(Duration::from_millis(500));
            settle_briefly().await;
            left().await.iter().all(|lease| lease.renewals > number)
        })
        .await;
        assert_eq!(left().await.len(), usize::try_from(5 - number).unwrap(), "the others have not expired");
    }
    assert_eq!(store.leases().await.unwrap().len(), 1, "the living worker has its lease");
}

async fn r23_an_idle_worker_that_was_paused_renews_its_lease_again(world: World) {
    let (builder, gate, _) = provided(world.builder().lease(LEASE));
    gate.open_wide();
    let paused = builder.without_worker().start().await.unwrap();
    paused.execute(Count { counter: "c".to_owned() }).await.unwrap();
    let store = world.store();
    let renewals = async || store.leases().await.unwrap().first().map(|lease| lease.renewals);
    assert_eq!(renewals().await, Some(1));

    // The clock of the paused process stands still.
    let clock = ManualClock::at(world.now());
    let (builder, ..) = provided(world.builder().clock(clock.clone()));
    let _witness = builder.without_worker().start().await.unwrap();
    until("the lease is deleted", async || {
        clock.advance(Duration::from_millis(500));
        settle_briefly().await;
        renewals().await.is_none()
    })
    .await;

    world.advance(LEASE);
    assert_eq!(paused.execute(Count { counter: "c".to_owned() }).await.unwrap(), 2);
    assert_eq!(renewals().await, Some(2), "the renewals go on counting");
}

async fn r23_the_cancellation_of_a_rescued_attempt_does_not_reach_the_next(world: World) {
    let (builder, gate, _) = provided(world.builder().lease(LEASE));
    let log = Log::new();
    let slow = builder.provide(log.clone()).start().await.unwrap();
    let id = slow.publish(Linger {}).await.unwrap().id();
    gate.arrival().await;
    let clock = ManualClock::at(world.now());
    let (builder, ..) = provided(world.builder().clock(clock.clone()));
    let witness = builder.without_worker().start().await.unwrap();
    expire_lease_by(&clock, &witness, id, JobState::Waiting).await;
    // The rescued attempt still runs here when the next one begins, and ends before it.
    until("the second attempt has begun", async || {
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
    assert_eq!(log.lines(), ["attempt 1", "attempt 2"], "the second attempt is not cancelled");
    slow.jobs().cancel(id).await.unwrap();
    until("the second attempt is cancelled", async || log.lines().len() == 3).await;
}

async fn r23_a_lease_has_a_minimum_length(world: World) {
    let (builder, ..) = provided(world.builder());
    let line = line!() + 1;
    let error = builder.clone().lease(Duration::from_millis(99)).start().await.unwrap_err();
    let [problem] = error.problems() else { panic!("{error}") };
    assert!(problem.source().file.ends_with("tests/r23_leases.rs"), "{problem}");
    assert_eq!(problem.source().line, line);
    assert_eq!(problem.message(), "a lease of 99ms is too short; use 100ms (`MIN_LEASE`) or more");
    builder.lease(enact::RuntimeBuilder::MIN_LEASE).start().await.unwrap();
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
    r23_an_execution_whose_process_died_ends_as_lost_too,
    r23_the_late_commit_of_a_rescued_attempt_is_fenced,
    r23_a_rescued_attempt_writes_nothing_while_its_job_runs_again,
    r23_a_live_worker_keeps_its_lease_however_long_an_attempt_takes,
    r23_steps_of_the_wall_clock_expire_no_lease,
    r23_a_backward_step_of_the_clock_does_not_prolong_a_dead_workers_lease,
    r23_a_rescued_attempt_is_cancelled,
    r23_the_cancellation_of_a_rescued_attempt_does_not_reach_the_next,
    r23_a_runtime_without_a_worker_keeps_the_lease_of_its_executions,
    r23_a_stalled_worker_that_resumes_runs_new_jobs,
    r23_the_leases_of_workers_that_died_idle_are_deleted,
    r23_an_idle_worker_that_was_paused_renews_its_lease_again,
    r23_a_lease_has_a_minimum_length,
    r23_two_runtimes_on_one_store_never_run_a_job_twice,
);
