//! Cancelling jobs (r24).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{
    Gate, Log, World, begin, job, jobs_of, kind_and_code, on_every_store, reaches, settle, state, until,
};
use enact::Cursor;
use enact::prelude::*;

/// A till.
#[entity]
struct Till {
    id: String,
    count: u32,
}

/// A sale was rung up.
#[event]
struct RungUp {}

/// Ring up a sale behind the gate.
#[command(target = till, order_by = till)]
struct RingUp {
    till: String,
}

impl From<&RingUp> for Till {
    fn from(ring_up: &RingUp) -> Self {
        Self { id: ring_up.till.clone(), count: 0 }
    }
}

#[command(create = if_missing, retry = Retry::fixed(5, Duration::from_secs(10)))]
async fn ring_up(_: RingUp, till: &mut Till, gate: Arc<Gate>, log: Arc<Log>) -> Result<u32, Failure> {
    gate.pass().await;
    log.note(if context().is_cancelled() { "cancelled" } else { "running" });
    till.count += 1;
    emit(RungUp {});
    publish(Tidy {});
    Ok(till.count)
}

/// Tidy up.
#[command]
struct Tidy {}

#[command]
async fn tidy(_: Tidy) {}

/// Wait for the cancellation and note it.
#[command]
struct Linger {}

#[command]
async fn linger(_: Linger, log: Arc<Log>) -> Result<(), Failure> {
    log.note("lingers");
    context().cancelled().await;
    log.note("cancelled");
    Ok(())
}

/// Pay an invoice.
#[command(idempotency_key = invoice)]
struct Pay {
    invoice: String,
    cents: u32,
}

#[command]
async fn pay(pay: Pay, log: Arc<Log>) -> Result<u32, Failure> {
    log.note(format!("pays {}", pay.cents));
    if pay.cents == 0 { Err(Failure::denied("there is nothing to pay")) } else { Ok(pay.cents) }
}

struct Running {
    runtime: Runtime,
    gate: Arc<Gate>,
    log: Arc<Log>,
}

async fn start(world: &World) -> Running {
    let (gate, log) = (Gate::new(), Log::new());
    let runtime = world.builder().provide(gate.clone()).provide(log.clone()).start().await.unwrap();
    Running { runtime, gate, log }
}

fn at(till: &str) -> RingUp {
    RingUp { till: till.to_owned() }
}

const CANCELLED: (FailureKind, &str) = (FailureKind::Cancelled, "cancelled");

async fn r24_cancel_ends_a_waiting_job_at_once(world: World) {
    let Running { runtime, gate, .. } = start(&world).await;
    gate.open_wide();
    let job = runtime.publish(at("t")).delay(Duration::from_secs(10)).await.unwrap();
    runtime.jobs().cancel(job.id()).await.unwrap();
    let cancelled = job.job().await.unwrap();
    assert_eq!(
        (cancelled.state, cancelled.ended_at, cancelled.attempts, cancelled.due_at),
        (JobState::Cancelled, Some(world.now()), 0, None)
    );
    assert_eq!(kind_and_code(&job.outcome().await.unwrap_err()), CANCELLED);
    world.advance(Duration::from_secs(100));
    settle().await;
    assert_eq!((gate.arrivals(), state(&runtime, job.id()).await), (0, JobState::Cancelled));
}

async fn r24_cancel_ends_a_ready_job_at_once(world: World) {
    let (gate, log) = (Gate::new(), Log::new());
    let builder = world.builder().concurrency(1).provide(gate.clone()).provide(log);
    let runtime = builder.start().await.unwrap();
    let first = runtime.publish(at("a")).await.unwrap();
    gate.arrival().await;
    let ready = runtime.publish(at("b")).await.unwrap();
    assert_eq!(ready.state().await.unwrap(), JobState::Ready);
    runtime.jobs().cancel(ready.id()).await.unwrap();
    gate.open_wide();
    first.outcome().await.unwrap();
    settle().await;
    assert_eq!((gate.arrivals(), state(&runtime, ready.id()).await), (0, JobState::Cancelled));
}

async fn r24_cancel_refuses_the_commit_of_a_running_job(world: World) {
    let Running { runtime, gate, log } = start(&world).await;
    let job = runtime.publish(at("t")).await.unwrap();
    gate.arrival().await;
    runtime.jobs().cancel(job.id()).await.unwrap();
    assert_eq!(kind_and_code(&job.outcome().await.unwrap_err()), CANCELLED);
    gate.open();
    until("the handler has ended", async || log.lines() == ["cancelled"]).await;
    settle().await;

    let cancelled = job.job().await.unwrap();
    assert_eq!((cancelled.state, cancelled.attempts, cancelled.output), (JobState::Cancelled, 1, None));
    let attempts = runtime.jobs().attempts(job.id()).await.unwrap();
    assert_eq!(kind_and_code(attempts[0].failure.as_ref().unwrap()), CANCELLED);
    assert_eq!(attempts[0].ended_at, Some(world.now()));
    assert!(runtime.entities::<Till>().get(&"t".to_owned()).await.unwrap().is_none());
    assert!(runtime.events().list(&Cursor::START, 10).await.unwrap().is_empty());
    assert!(jobs_of(&runtime, "Tidy").await.is_empty());
    world.advance(Duration::from_secs(100));
    settle().await;
    assert_eq!(gate.arrivals(), 0, "a cancelled job is not retried");
}

async fn r24_a_running_handler_is_signalled(world: World) {
    let Running { runtime, log, .. } = start(&world).await;
    let job = runtime.publish(Linger {}).await.unwrap();
    until("the handler lingers", async || log.lines() == ["lingers"]).await;
    runtime.jobs().cancel(job.id()).await.unwrap();
    until("the handler is signalled", async || log.lines() == ["lingers", "cancelled"]).await;
    settle().await;
    assert_eq!(state(&runtime, job.id()).await, JobState::Cancelled, "an Ok of the handler changes nothing");
}

async fn r24_a_handler_in_another_process_is_signalled(world: World) {
    let Running { runtime, log, .. } = start(&world).await;
    let job = runtime.publish(Linger {}).await.unwrap();
    until("the handler lingers", async || log.lines() == ["lingers"]).await;
    let elsewhere = start(&world).await;
    elsewhere.runtime.jobs().cancel(job.id()).await.unwrap();
    until("the handler is signalled", async || {
        world.advance(Duration::from_millis(500));
        log.lines() == ["lingers", "cancelled"]
    })
    .await;
    assert_eq!(kind_and_code(&job.outcome().await.unwrap_err()), CANCELLED);
}

async fn r24_execute_returns_the_cancellation_of_its_job(world: World) {
    let Running { runtime, gate, .. } = start(&world).await;
    let mut execution = runtime.execute(at("t")).into_future();
    begin(&mut execution).await;
    gate.arrival().await;
    let id = jobs_of(&runtime, "RingUp").await[0].id;
    runtime.jobs().cancel(id).await.unwrap();
    assert_eq!(kind_and_code(&execution.await.unwrap_err()), CANCELLED);
    gate.open_wide();
}

async fn r24_cancelled_stays_cancelled(world: World) {
    let Running { runtime, gate, .. } = start(&world).await;
    let job = runtime.publish(at("t")).await.unwrap();
    gate.arrival().await;
    runtime.jobs().cancel(job.id()).await.unwrap();
    runtime.jobs().cancel(job.id()).await.unwrap();
    assert_eq!(runtime.jobs().retry(job.id()).await.unwrap_err().code(), "illegal_transition");
    gate.open_wide();
    runtime.shutdown(Duration::from_secs(1)).await.unwrap();
    assert_eq!(common::job(&runtime, job.id()).await.state, JobState::Cancelled);
}

async fn r24_a_cancelled_job_frees_its_lane(world: World) {
    let Running { runtime, gate, .. } = start(&world).await;
    let first = runtime.publish(at("t")).await.unwrap();
    gate.arrival().await;
    let [second, third] = [runtime.publish(at("t")).await.unwrap(), runtime.publish(at("t")).await.unwrap()];
    assert_eq!(state(&runtime, second.id()).await, JobState::Waiting);
    runtime.jobs().cancel(second.id()).await.unwrap();
    runtime.jobs().cancel(first.id()).await.unwrap();
    // The first handler still runs and holds the till.
    gate.open_wide();
    assert_eq!(third.outcome().await.unwrap(), 1);
}

async fn r24_a_cancelled_request_can_be_made_again(world: World) {
    let Running { runtime, log, .. } = start(&world).await;
    let pay = |cents| Pay { invoice: "i".to_owned(), cents };
    let first = runtime.publish(pay(5)).delay(Duration::from_secs(10)).await.unwrap();
    assert_eq!(runtime.publish(pay(5)).await.unwrap().id(), first.id());
    assert_eq!(runtime.publish(pay(6)).await.unwrap_err().code(), "idempotency_mismatch");
    runtime.jobs().cancel(first.id()).await.unwrap();

    let advice = runtime.jobs().retry(first.id()).await.unwrap_err();
    assert_eq!(advice.code(), "illegal_transition");
    assert!(
        advice.message().ends_with("publish the command again, under the same idempotency key if it has one")
    );
    let second = runtime.publish(pay(5)).await.unwrap();
    assert_eq!(second.outcome().await.unwrap(), 5);
    assert_eq!(runtime.execute(pay(5)).await.unwrap(), 5);
    assert_eq!(log.lines(), ["pays 5"], "the execution is the same request as the second one");
    assert_eq!(kind_and_code(&first.outcome().await.unwrap_err()), CANCELLED);

    let advice = runtime.jobs().retry(second.id()).await.unwrap_err();
    assert!(advice.message().contains("under another idempotency key"), "{advice}");
}

async fn r24_a_cancelled_request_makes_way_for_another(world: World) {
    let Running { runtime, .. } = start(&world).await;
    let pay = |cents| Pay { invoice: "i".to_owned(), cents };
    let first = runtime.publish(pay(5)).delay(Duration::from_secs(10)).await.unwrap();
    let waits = runtime.publish(pay(7)).after(&first).idempotency_key("j").await.unwrap();
    runtime.jobs().cancel(first.id()).await.unwrap();
    assert_eq!(runtime.execute(pay(6)).await.unwrap(), 6);
    // It was cancelled with its predecessor.
    assert_eq!(state(&runtime, waits.id()).await, JobState::Cancelled);
    assert_eq!(runtime.execute(pay(8)).idempotency_key("j").await.unwrap(), 8);
    // One that is cancelled from the start never has its key.
    let late = runtime.publish(pay(9)).after(&first).idempotency_key("k").await.unwrap();
    assert_eq!(state(&runtime, late.id()).await, JobState::Cancelled);
    assert_eq!(runtime.execute(pay(10)).idempotency_key("k").await.unwrap(), 10);
}

async fn r24_a_failed_request_keeps_its_key(world: World) {
    let Running { runtime, .. } = start(&world).await;
    let failed = runtime.publish(Pay { invoice: "i".to_owned(), cents: 0 }).await.unwrap();
    failed.outcome().await.unwrap_err();
    let other = runtime.publish(Pay { invoice: "i".to_owned(), cents: 1 }).await.unwrap_err();
    assert_eq!(other.kind(), FailureKind::IdempotencyMismatch);
}

async fn r24_jobs_after_a_cancelled_job_are_cancelled_with_it(world: World) {
    let Running { runtime, .. } = start(&world).await;
    let first = runtime.publish(Tidy {}).delay(Duration::from_secs(10)).await.unwrap();
    let second = runtime.publish(Tidy {}).after(&first).await.unwrap();
    let third = runtime.publish(Tidy {}).after(second.id()).await.unwrap();
    let waiter = tokio::spawn({
        let third = third.clone();
        async move { third.outcome().await }
    });
    runtime.jobs().cancel(first.id()).await.unwrap();
    assert_eq!(kind_and_code(&waiter.await.unwrap().unwrap_err()), CANCELLED);
    for job in [&first, &second, &third] {
        assert_eq!(job.state().await.unwrap(), JobState::Cancelled);
    }
    let late = runtime.publish(Tidy {}).after(&third).await.unwrap();
    assert_eq!(late.state().await.unwrap(), JobState::Cancelled);
}

async fn r24_cancelling_inside_an_execution_is_refused(world: World) {
    let Running { runtime, log, .. } = start(&world).await;
    let victim = runtime.publish(Linger {}).await.unwrap();
    until("the handler lingers", async || log.lines() == ["lingers"]).await;
    let builder = world.builder().provide(log.clone()).provide(Gate::new());
    let own =
        builder.provide(Arc::new(runtime.clone())).provide(Arc::new(victim.id())).start().await.unwrap();
    let refused = own.execute(CancelOther {}).await.unwrap_err();
    assert_eq!(refused.code(), "inside_execution");
    assert_eq!(state(&runtime, victim.id()).await, JobState::Running);
    runtime.jobs().cancel(victim.id()).await.unwrap();
    reaches(&runtime, victim.id(), JobState::Cancelled).await;
    assert_eq!(job(&runtime, victim.id()).await.attempts, 1);
}

/// Cancel another job from a handler.
#[command]
struct CancelOther {}

#[command]
async fn cancel_other(_: CancelOther, context: ExecutionContext) -> Result<(), Failure> {
    let (Some(runtime), Some(victim)) =
        (context.capability::<Runtime>(), context.capability::<enact::JobId>())
    else {
        return Ok(());
    };
    runtime.jobs().cancel(*victim).await
}

on_every_store!(
    r24_cancel_ends_a_waiting_job_at_once,
    r24_cancel_ends_a_ready_job_at_once,
    r24_cancel_refuses_the_commit_of_a_running_job,
    r24_a_running_handler_is_signalled,
    r24_a_handler_in_another_process_is_signalled,
    r24_execute_returns_the_cancellation_of_its_job,
    r24_cancelled_stays_cancelled,
    r24_a_cancelled_job_frees_its_lane,
    r24_a_cancelled_request_can_be_made_again,
    r24_a_cancelled_request_makes_way_for_another,
    r24_a_failed_request_keeps_its_key,
    r24_jobs_after_a_cancelled_job_are_cancelled_with_it,
    r24_cancelling_inside_an_execution_is_refused,
);
