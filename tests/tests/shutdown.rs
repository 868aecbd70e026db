//! Stopping: what is under way may end, and what cannot is given back.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::sync::{Mutex, mpsc};

use common::{Gate, World, begin, job, kind_and_code, on_every_store, reaches, settle, state, until};
use enact::prelude::*;

/// Take one's time; once.
#[command]
struct Once {}

#[command]
async fn once(_: Once, gate: Arc<Gate>) {
    gate.pass().await;
}

/// Take one's time; again, if need be.
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

async fn a_shutdown_lets_what_is_under_way_end_and_begins_nothing(world: World) {
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

async fn what_cannot_end_in_time_is_given_back_at_once(world: World) {
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
    assert_eq!((lost.state, lost.attempts), (JobState::Failed, 1), "it may not be tried again");
    assert_eq!(kind_and_code(lost.failure.as_ref().unwrap()), (FailureKind::Lost, "shut_down"));
    assert_eq!(kind_and_code(&once.outcome().await.unwrap_err()), (FailureKind::Lost, "shut_down"));
    let waiting = job(&runtime, again.id()).await;
    assert_eq!((waiting.state, waiting.due_at), (JobState::Waiting, Some(world.now())));
    let attempts = runtime.jobs().attempts(again.id()).await.unwrap();
    assert_eq!(attempts[0].reached, Some(enact::Step::Handle), "how far it had come is on record");
    drop(runtime);

    // Neither a lease nor the policy's pause keeps the next one waiting.
    let (second, gate) = start(&world).await;
    gate.open_wide();
    reaches(&second, again.id(), JobState::Succeeded).await;
    assert_eq!(job(&second, again.id()).await.attempts, 2);
}

async fn who_waits_is_told_when_the_runtime_stops(world: World) {
    let (runtime, gate) = start(&world).await;
    let job = runtime.publish(Again {}).await.unwrap();
    gate.arrival().await;
    let mut waiting = Box::pin(async { job.outcome().await });
    begin(&mut waiting).await;
    let mut stopping = Box::pin(runtime.shutdown(Duration::ZERO));
    let _ = futures_now(&mut stopping).await;
    assert_eq!(kind_and_code(&waiting.await.unwrap_err()), (FailureKind::Unavailable, "shut_down"));
}

async fn futures_now<F: Future + Unpin>(future: &mut F) -> F::Output {
    future.await
}

async fn a_runtime_that_nobody_holds_any_more_finishes_what_it_has_begun(world: World) {
    let (runtime, gate) = start(&world).await;
    let id = runtime.publish(Once {}).await.unwrap().id();
    gate.arrival().await;
    drop(runtime);
    gate.open();
    let (witness, _) = start(&world).await;
    reaches(&witness, id, JobState::Succeeded).await;
    let store = world.store();
    until("its lease is off the record", async || store.leases().await.unwrap().is_empty()).await;
    assert_eq!(state(&witness, id).await, JobState::Succeeded);
}

async fn the_longest_of_all_durations_is_no_trouble(world: World) {
    // Some time has passed already: nothing may be added to the longest one.
    world.advance(SOON);
    let gate = Gate::wide_open();
    let builder = world.builder().lease(Duration::MAX).concurrency(usize::MAX).queue("patient", usize::MAX);
    let runtime = builder.provide(gate).provide(unbolted()).start().await.unwrap();
    runtime.publish(Patient {}).await.unwrap().outcome().await.unwrap();
    runtime.shutdown(Duration::MAX).await.unwrap();
}

/// Take as long as it takes.
#[command]
struct Patient {}

#[command(queue = "patient", timeout = Duration::MAX, retry = Retry::exponential(u32::MAX, Duration::MAX))]
async fn patient(_: Patient) {}

/// Wait for tomorrow.
#[command(idempotency_key = request)]
struct Tomorrow {
    request: u32,
}

#[command]
async fn tomorrow(_: Tomorrow) {}

async fn who_executes_what_is_on_record_already_holds_up_no_shutdown(world: World) {
    let (runtime, _) = start(&world).await;
    let day = Duration::from_hours(24);
    let published = runtime.publish(Tomorrow { request: 1 }).delay(day).await.unwrap();
    let mut waiting = runtime.execute(Tomorrow { request: 1 }).into_future();
    begin(&mut waiting).await;
    // It has found out by now, and waits for the other.
    settle().await;
    begin(&mut waiting).await;
    runtime.shutdown(Duration::ZERO).await.unwrap();
    assert_eq!(kind_and_code(&waiting.await.unwrap_err()), (FailureKind::Unavailable, "shut_down"));
    assert_eq!(published.state().await.unwrap(), JobState::Waiting);
}

/// Keep a thread busy, without ever waiting.
#[command]
struct Block {}

/// What blocks a thread until it is let go.
struct Bolt(Mutex<mpsc::Receiver<()>>);

#[command]
async fn block(_: Block, bolt: Arc<Bolt>, gate: Arc<Gate>) {
    // Says that it has come, and does not wait there.
    gate.pass().await;
    let _ = bolt.0.lock().unwrap().recv();
}

/// One that holds nobody.
fn unbolted() -> Arc<Bolt> {
    Arc::new(Bolt(Mutex::new(mpsc::channel().1)))
}

async fn a_handler_that_blocks_its_thread_keeps_a_shutdown_for_some_seconds_only(world: World) {
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
    until("it has given up waiting", async || {
        world.advance(Duration::from_millis(500));
        stopping.is_finished()
    })
    .await;
    let late = stopping.await.unwrap().unwrap_err();
    assert_eq!(kind_and_code(&late), (FailureKind::TimedOut, "shutdown_deadline"));
    assert!(late.message().contains("could not be aborted"), "{late}");
    release.send(()).unwrap();
    until("its attempt has ended", async || state(&runtime, job.id()).await.has_ended()).await;
}

async fn who_waits_for_a_job_that_is_pruned_is_told(world: World) {
    let (runtime, gate) = start(&world).await;
    let job = runtime.publish(Once {}).delay(SOON).await.unwrap();
    let (elsewhere, _) = start(&world).await;
    drop(gate);
    let mut waiting = Box::pin(async { elsewhere.jobs().handle(job.id()).outcome().await });
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
    the_longest_of_all_durations_is_no_trouble,
    who_executes_what_is_on_record_already_holds_up_no_shutdown,
    a_handler_that_blocks_its_thread_keeps_a_shutdown_for_some_seconds_only,
    who_waits_for_a_job_that_is_pruned_is_told,
    a_shutdown_lets_what_is_under_way_end_and_begins_nothing,
    what_cannot_end_in_time_is_given_back_at_once,
    who_waits_is_told_when_the_runtime_stops,
    a_runtime_that_nobody_holds_any_more_finishes_what_it_has_begun,
);
