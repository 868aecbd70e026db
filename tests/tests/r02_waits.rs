//! Waiting for an outcome ends when the job ends, is cancelled or is pruned, and when the runtime ends (r02).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use common::watched::{Watch, Watched};
use common::{Gate, Process, World, begin, kind_and_code, on_every_store, reaches, settle, until};
use enact::clock::ManualClock;
use enact::prelude::*;
use enact::{JobHandle, JobId, MemoryStore, RuntimeBuilder};

const MINUTE: Duration = Duration::from_mins(1);

/// Wait at the gate.
#[command]
struct Pass {}

#[command]
async fn pass(_: Pass, gate: Arc<Gate>) -> Result<u32, Failure> {
    gate.pass().await;
    Ok(7)
}

/// Fail, and be retried after a minute.
#[command]
struct Stumble {}

#[command(retry = Retry::fixed(5, MINUTE))]
async fn stumble(_: Stumble) -> Result<(), Failure> {
    Err(Failure::new(FailureKind::Error, "stumbled", "stumbled"))
}

fn builder(world: &World, gate: &Arc<Gate>) -> RuntimeBuilder {
    world.builder().provide(gate.clone())
}

/// Starts to wait for a job in a task.
fn wait(job: &JobHandle<u32>) -> tokio::task::JoinHandle<Result<u32, Failure>> {
    let job = job.clone();
    tokio::spawn(async move { job.outcome().await })
}

/// The outcome of a task that waits for a job that does not run here. The runtime looks for such jobs once a second.
async fn ends(world: &World, waiting: tokio::task::JoinHandle<Result<u32, Failure>>) -> Result<u32, Failure> {
    until("waiting ends", async || {
        world.advance(Duration::from_secs(1));
        settle().await;
        waiting.is_finished()
    })
    .await;
    waiting.await.unwrap()
}

const UNAVAILABLE: (FailureKind, &str) = (FailureKind::Unavailable, "shut_down");

async fn r02_dropping_the_runtime_ends_waiting_for_a_job_that_has_not_begun(world: World) {
    let runtime = builder(&world, &Gate::new()).start().await.unwrap();
    let job = runtime.publish(Pass {}).delay(MINUTE).await.unwrap();
    let waiting = wait(&job);
    settle().await;
    assert!(!waiting.is_finished());
    drop(runtime);
    assert_eq!(kind_and_code(&waiting.await.unwrap().unwrap_err()), UNAVAILABLE);
    // The job is not affected.
    assert_eq!(job.state().await.unwrap(), JobState::Waiting);
}

async fn r02_dropping_the_runtime_ends_an_execution_between_two_attempts(world: World) {
    let runtime = builder(&world, &Gate::new()).start().await.unwrap();
    let executing = tokio::spawn(runtime.execute(Stumble {}).into_future());
    until("the first attempt has failed", async || {
        common::jobs(&runtime).await.iter().any(|job| job.state == JobState::Waiting)
    })
    .await;
    settle().await;
    drop(runtime);
    assert_eq!(kind_and_code(&executing.await.unwrap().unwrap_err()), UNAVAILABLE);
}

async fn r02_dropping_the_runtime_lets_running_attempts_end_for_those_that_wait(world: World) {
    let gate = Gate::new();
    let runtime = builder(&world, &gate).start().await.unwrap();
    let running = runtime.publish(Pass {}).await.unwrap();
    gate.arrival().await;
    let later = runtime.publish(Pass {}).delay(MINUTE).await.unwrap();
    let (running, later) = (wait(&running), wait(&later));
    settle().await;
    drop(runtime);
    // The one that does not run is not waited for until the other has ended.
    assert_eq!(kind_and_code(&ends(&world, later).await.unwrap_err()), UNAVAILABLE);
    assert!(!running.is_finished());
    gate.open();
    assert_eq!(running.await.unwrap().unwrap(), 7);
}

async fn r02_a_handle_keeps_no_runtime_alive(world: World) {
    let gate = Gate::new();
    let runtime = builder(&world, &gate).start().await.unwrap();
    let ended = runtime.publish(Pass {}).await.unwrap();
    gate.open();
    assert_eq!(ended.outcome().await.unwrap(), 7);
    let ready = runtime.publish(Pass {}).delay(MINUTE).await.unwrap();
    drop(runtime);
    settle().await;
    world.advance(2 * MINUTE);
    assert_eq!(kind_and_code(&ready.outcome().await.unwrap_err()), UNAVAILABLE);
    // What has ended can still be read.
    assert_eq!(ended.outcome().await.unwrap(), 7);
    assert_eq!(gate.arrivals(), 1);
}

async fn r02_waiting_ends_when_the_tokio_runtime_of_the_runtime_is_gone(world: World) {
    let process = Process::start(builder(&world, &Gate::new())).await;
    let job = process.runtime.publish(Pass {}).delay(MINUTE).await.unwrap();
    let waiting = wait(&job);
    settle().await;
    process.kill().await;
    assert_eq!(kind_and_code(&waiting.await.unwrap().unwrap_err()), UNAVAILABLE);
}

async fn r02_waiting_ends_when_another_process_ends_cancels_or_prunes_the_job(world: World) {
    let gate = Gate::wide_open();
    // Has no worker, so that another one runs its jobs.
    let desk = builder(&world, &gate).without_worker().start().await.unwrap();
    let [done, cancelled, pruned] = [
        desk.publish(Pass {}).await.unwrap(),
        desk.publish(Pass {}).delay(60 * MINUTE).await.unwrap(),
        desk.publish(Pass {}).delay(60 * MINUTE).await.unwrap(),
    ];
    let waiting = [wait(&done), wait(&cancelled), wait(&pruned)];
    settle().await;

    let other = builder(&world, &gate).start().await.unwrap();
    reaches(&other, done.id(), JobState::Succeeded).await;
    other.jobs().cancel(pruned.id()).await.unwrap();
    world.clock.set(world.now() + MINUTE);
    other.jobs().prune(&enact::Retention::new().cancelled(Duration::from_secs(1))).await.unwrap();
    other.jobs().cancel(cancelled.id()).await.unwrap();
    settle().await;
    world.advance(Duration::from_secs(1));
    let [done, cancelled, pruned] = waiting;
    assert_eq!(done.await.unwrap().unwrap(), 7);
    assert_eq!(kind_and_code(&cancelled.await.unwrap().unwrap_err()), (FailureKind::Cancelled, "cancelled"));
    assert_eq!(kind_and_code(&pruned.await.unwrap().unwrap_err()), (FailureKind::NotFound, "no_such_job"));
}

async fn r02_a_shutdown_ends_waiting_for_what_does_not_run_before_its_deadline(world: World) {
    let gate = Gate::new();
    let runtime = builder(&world, &gate).start().await.unwrap();
    runtime.publish(Pass {}).await.unwrap();
    gate.arrival().await;
    let later = runtime.publish(Pass {}).delay(MINUTE).await.unwrap();
    let waiting = wait(&later);
    settle().await;
    let mut stopping = Box::pin(runtime.shutdown(MINUTE));
    begin(&mut stopping).await;
    assert_eq!(kind_and_code(&ends(&world, waiting).await.unwrap_err()), UNAVAILABLE);
    gate.open();
    stopping.await.unwrap();
}

on_every_store!(
    r02_dropping_the_runtime_ends_waiting_for_a_job_that_has_not_begun,
    r02_dropping_the_runtime_ends_an_execution_between_two_attempts,
    r02_dropping_the_runtime_lets_running_attempts_end_for_those_that_wait,
    r02_a_handle_keeps_no_runtime_alive,
    r02_waiting_ends_when_the_tokio_runtime_of_the_runtime_is_gone,
    r02_waiting_ends_when_another_process_ends_cancels_or_prunes_the_job,
    r02_a_shutdown_ends_waiting_for_what_does_not_run_before_its_deadline,
);

/// How often a store was read about jobs.
#[derive(Clone, Default)]
struct Reads(Arc<[AtomicUsize; 2]>);

impl Reads {
    /// The reads of one job, and of many.
    fn count(&self) -> (usize, usize) {
        (self.0[0].load(Ordering::Relaxed), self.0[1].load(Ordering::Relaxed))
    }
}

#[async_trait]
impl Watch for Reads {
    async fn reading_job(&self) {
        self.0[0].fetch_add(1, Ordering::Relaxed);
    }

    async fn reading_states(&self, _: &[JobId]) {
        self.0[1].fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn r02_however_many_wait_the_store_is_read_for_all_at_once() {
    let clock = ManualClock::at("2030-01-01T00:00:00Z".parse().unwrap());
    let reads = Reads::default();
    let store = Watched { store: MemoryStore::new(), watch: reads.clone() };
    let runtime = Runtime::builder(store).clock(clock.clone()).provide(Gate::new()).start().await.unwrap();
    let delayed = (0..400).map(|_| runtime.publish(Pass {}).delay(MINUTE));
    let jobs: Vec<_> = runtime.publish_all(delayed).await.into_iter().map(Result::unwrap).collect();
    let _waiting: Vec<_> = jobs.iter().map(wait).collect();
    until("all wait", async || reads.count().0 == 400).await;
    let (_, before) = reads.count();
    for second in 1..=5 {
        clock.advance(Duration::from_secs(1));
        until("the store is read", async || reads.count() == (400, before + second)).await;
    }
}
