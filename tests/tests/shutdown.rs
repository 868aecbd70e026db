//! Shutdown: running attempts may end until the deadline, and the rest are released. Waiters are woken (r02).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::sync::{Mutex, mpsc};

use common::{Gate, World, begin, job, kind_and_code, on_every_store, reaches, settle, state, until};
use enact::prelude::*;

/// Wait at the gate, without a retry.
#[command]
struct Once {}

#[command]
async fn once(_: Once, gate: Arc<Gate>) {
    gate.pass().await;
}

/// Wait at the gate, with a retry.
#[command]
struct Again {}

#[command(retry = Retry::fixed(2, Duration::from_hours(1)))]
async fn again(_: Again, gate: Arc<Gate>) {
    gate.pass().await;
}

async fn start(world: &World) -> (Runtime, Arc<Gate>) {
    let gate = Gate::new();
    (world.builder().concurrency(2).provide(gate.clone()).provide(unbolted()).start().await.unwrap(), gate)
}

const SOON: Duration = Duration::from_secs(5);

async fn a_shutdown_lets_running_attempts_end_and_begins_none(world: World) {
    let (runtime, gate) = start(&world).await;
    let running = [runtime.publish(Once {}).await.unwrap(), runtime.publish(Once {}).await.unwrap()];
    gate.arrival().await;
    gate.arrival().await;
    let ready = runtime.publish(Once {}).await.unwrap();
    let stopping = tokio::spawn({
        let runtime = runtime.clone();
        async move { runtime.shutdown(SOON).await }
    });
    settle().await;
    assert!(!stopping.is_finished());
    let refused = runtime.publish(Once {}).await.unwrap_err();
    assert_eq!(kind_and_code(&refused), (FailureKind::Unavailable, "shut_down"));
    gate.open_wide();
    stopping.await.unwrap().unwrap();
    for job in running {
        assert_eq!(job.state().await.unwrap(), JobState::Succeeded);
    }
    assert_eq!((ready.state().await.unwrap(), gate.arrivals()), (JobState::Ready, 0));
}

async fn attempts_that_do_not_end_in_time_are_released_at_once(world: World) {
    let (runtime, gate) = start(&world).await;
    let again = runtime.publish(Again {}).await.unwrap();
    let once = runtime.publish(Once {}).await.unwrap();
    gate.arrival().await;
    gate.arrival().await;
    let mut stopping = Box::pin(runtime.shutdown(SOON));
    begin(&mut stopping).await;
    world.advance(SOON);
    let late = stopping.await.unwrap_err();
    assert_eq!(kind_and_code(&late), (FailureKind::TimedOut, "shutdown_deadline"));
    assert!(late.message().starts_with("2 executions"), "{late}");

    let lost = job(&runtime, once.id()).await;
    assert_eq!((lost.state, lost.attempts), (JobState::Failed, 1), "a job without a policy is not retried");
    assert_eq!(kind_and_code(lost.failure.as_ref().unwrap()), (FailureKind::Lost, "shut_down"));
    assert_eq!(kind_and_code(&once.outcome().await.unwrap_err()), (FailureKind::Lost, "shut_down"));
    let waiting = job(&runtime, again.id()).await;
    assert_eq!((waiting.state, waiting.due_at), (JobState::Waiting, Some(world.now())));
    let attempts = runtime.jobs().attempts(again.id()).await.unwrap();
    assert_eq!(attempts[0].reached, Some(enact::Step::Handle), "the attempt stores the step it reached");
    drop(runtime);

    // The next attempt waits neither for the lease nor for the pause of the policy.
    let (second, gate) = start(&world).await;
    gate.open_wide();
    reaches(&second, again.id(), JobState::Succeeded).await;
    assert_eq!(job(&second, again.id()).await.attempts, 2);
}

async fn r02_a_shutdown_ends_waiting_for_an_outcome(world: World) {
    let (runtime, gate) = start(&world).await;
    let job = runtime.publish(Again {}).await.unwrap();
    gate.arrival().await;
    let mut waiting = Box::pin(async { job.outcome().await });
    begin(&mut waiting).await;
    let stopping = runtime.shutdown(Duration::ZERO);
    let _ = stopping.await;
    assert_eq!(kind_and_code(&waiting.await.unwrap_err()), (FailureKind::Unavailable, "shut_down"));
}

async fn a_dropped_runtime_finishes_its_running_attempts(world: World) {
    let (runtime, gate) = start(&world).await;
    let id = runtime.publish(Once {}).await.unwrap().id();
    gate.arrival().await;
    drop(runtime);
    gate.open();
    let (witness, _) = start(&world).await;
    reaches(&witness, id, JobState::Succeeded).await;
    let (store, worker) = (world.store(), witness.jobs().attempts(id).await.unwrap()[0].worker.clone());
    let has_lease = async || store.leases().await.unwrap().iter().any(|lease| lease.worker == worker);
    until("the lease is deleted", async || !has_lease().await).await;
    assert_eq!(state(&witness, id).await, JobState::Succeeded);
}

async fn the_longest_durations_do_not_overflow(world: World) {
    // Some time has passed, so that adding to `Duration::MAX` would overflow.
    world.advance(SOON);
    let gate = Gate::wide_open();
    let builder = world.builder().lease(Duration::MAX).concurrency(usize::MAX).queue("patient", usize::MAX);
    let runtime = builder.provide(gate).provide(unbolted()).start().await.unwrap();
    runtime.publish(Patient {}).await.unwrap().outcome().await.unwrap();
    runtime.shutdown(Duration::MAX).await.unwrap();
}

/// A command whose options are the longest durations.
#[command]
struct Patient {}

#[command(queue = "patient", timeout = Duration::MAX, retry = Retry::exponential(u32::MAX, Duration::MAX))]
async fn patient(_: Patient) {}

/// A command with an idempotency key.
#[command(idempotency_key = request)]
struct Tomorrow {
    request: u32,
}

#[command]
async fn tomorrow(_: Tomorrow) {}

async fn r02_a_shutdown_does_not_wait_for_an_execution_that_found_an_existing_job(world: World) {
    let (runtime, _) = start(&world).await;
    let day = Duration::from_hours(24);
    let published = runtime.publish(Tomorrow { request: 1 }).delay(day).await.unwrap();
    let mut waiting = runtime.execute(Tomorrow { request: 1 }).into_future();
    begin(&mut waiting).await;
    // By now it has found the existing job and waits for its end.
    settle().await;
    begin(&mut waiting).await;
    runtime.shutdown(Duration::ZERO).await.unwrap();
    assert_eq!(kind_and_code(&waiting.await.unwrap_err()), (FailureKind::Unavailable, "shut_down"));
    assert_eq!(published.state().await.unwrap(), JobState::Waiting);
}

/// Block a thread without awaiting.
#[command]
struct Block {}

/// Blocks a thread until the sender sends or is dropped.
struct Bolt(Mutex<mpsc::Receiver<()>>);

#[command]
async fn block(_: Block, bolt: Arc<Bolt>, gate: Arc<Gate>) {
    // Reports its arrival. The gate is open.
    gate.pass().await;
    let _ = bolt.0.lock().unwrap().recv();
}

/// A bolt that does not block, since its sender is dropped.
fn unbolted() -> Arc<Bolt> {
    Arc::new(Bolt(Mutex::new(mpsc::channel().1)))
}

async fn a_handler_that_blocks_its_thread_delays_a_shutdown_by_seconds_only(world: World) {
    let (release, bolt) = mpsc::channel();
    let gate = Gate::wide_open();
    let builder = world.builder().provide(gate.clone()).provide(Arc::new(Bolt(Mutex::new(bolt))));
    let runtime = builder.start().await.unwrap();
    let job = runtime.publish(Block {}).await.unwrap();
    gate.arrival().await;
    let stopping = tokio::spawn({
        let runtime = runtime.clone();
        async move { runtime.shutdown(SOON).await }
    });
    until("the shutdown has returned", async || {
        world.advance(Duration::from_millis(500));
        stopping.is_finished()
    })
    .await;
    let late = stopping.await.unwrap().unwrap_err();
    assert_eq!(kind_and_code(&late), (FailureKind::TimedOut, "shutdown_deadline"));
    assert!(late.message().contains("could not be aborted"), "{late}");
    release.send(()).unwrap();
    until("the attempt has ended", async || state(&runtime, job.id()).await.has_ended()).await;
}

async fn r02_pruning_a_job_ends_waiting_for_its_outcome(world: World) {
    let (runtime, gate) = start(&world).await;
    let job = runtime.publish(Once {}).delay(SOON).await.unwrap();
    let (other, _) = start(&world).await;
    drop(gate);
    let mut waiting = Box::pin(async { other.jobs().handle(job.id()).outcome().await });
    begin(&mut waiting).await;
    settle().await;
    begin(&mut waiting).await;
    runtime.jobs().cancel(job.id()).await.unwrap();
    world.clock.set(world.now() + Duration::from_mins(1));
    runtime.jobs().prune(&enact::Retention::new().ended(Duration::from_secs(1))).await.unwrap();
    world.advance(Duration::from_secs(2));
    assert_eq!(kind_and_code(&waiting.await.unwrap_err()), (FailureKind::NotFound, "no_such_job"));
}

on_every_store!(
    the_longest_durations_do_not_overflow,
    r02_a_shutdown_does_not_wait_for_an_execution_that_found_an_existing_job,
    a_handler_that_blocks_its_thread_delays_a_shutdown_by_seconds_only,
    r02_pruning_a_job_ends_waiting_for_its_outcome,
    a_shutdown_lets_running_attempts_end_and_begins_none,
    attempts_that_do_not_end_in_time_are_released_at_once,
    r02_a_shutdown_ends_waiting_for_an_outcome,
    a_dropped_runtime_finishes_its_running_attempts,
);
