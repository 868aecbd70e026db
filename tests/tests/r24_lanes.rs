//! The lane and the entity of a cancelled job pass on when its handler has returned (r24).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use common::watched::{Watch, Watched};
use common::{Gate, Process, World, begin, on_every_store, reaches, settle, state, until};
use enact::prelude::*;
use enact::store::StoreError;
use enact::{JobId, MemoryStore};

/// A till.
#[entity]
struct Till {
    id: String,
    count: u32,
}

/// Print a page, one after the other for each printer. Ignores a cancellation.
#[command(order_by = printer)]
struct Print {
    printer: String,
}

#[command(timeout = LIMIT)]
async fn print(_: Print, gate: Arc<Gate>) {
    gate.pass().await;
}

/// Count at a till. Ignores a cancellation.
#[command(target = till)]
struct Count {
    till: String,
}

impl From<&Count> for Till {
    fn from(count: &Count) -> Self {
        Self { id: count.till.clone(), count: 0 }
    }
}

#[command(create = if_missing)]
async fn count(_: Count, till: &mut Till, gate: Arc<Gate>) {
    gate.pass().await;
    till.count += 1;
}

/// Print a receipt, one after the other for each printer and till.
#[command(target = till, order_by = printer)]
struct PrintReceipt {
    till: String,
    printer: String,
}

impl From<&PrintReceipt> for Till {
    fn from(print: &PrintReceipt) -> Self {
        Self { id: print.till.clone(), count: 0 }
    }
}

#[command(create = if_missing)]
async fn print_receipt(_: PrintReceipt, till: &mut Till, gate: Arc<Gate>) {
    gate.pass().await;
    till.count += 1;
}

const LIMIT: Duration = Duration::from_secs(100);

fn page() -> Print {
    Print { printer: "p".to_owned() }
}

fn at_till() -> Count {
    Count { till: "t".to_owned() }
}

async fn start(world: &World, gate: &Arc<Gate>) -> Runtime {
    world.builder().provide(gate.clone()).start().await.unwrap()
}

/// No other handler has begun, although all processes have looked for work.
async fn waits(world: &World, gate: &Gate) {
    for _ in 0..3 {
        settle().await;
        world.advance(Duration::from_secs(1));
    }
    settle().await;
    assert_eq!(gate.arrivals(), 0, "two run at once");
}

async fn cancel(runtime: &Runtime, id: JobId) {
    runtime.jobs().cancel(id).await.unwrap();
    assert_eq!(state(runtime, id).await, JobState::Cancelled, "it is cancelled at once");
}

async fn r24_a_lane_passes_on_when_the_cancelled_handler_has_returned(world: World) {
    let gate = Gate::new();
    let runtime = start(&world, &gate).await;
    let [first, second] = [runtime.publish(page()).await.unwrap(), runtime.publish(page()).await.unwrap()];
    gate.arrival().await;
    cancel(&runtime, first.id()).await;
    assert_eq!(first.outcome().await.unwrap_err().code(), "cancelled", "who waits is told at once");
    waits(&world, &gate).await;
    assert_eq!(state(&runtime, second.id()).await, JobState::Waiting);

    gate.open();
    gate.arrival().await;
    gate.open();
    second.outcome().await.unwrap();
    assert_eq!(state(&runtime, first.id()).await, JobState::Cancelled);
}

async fn r24_an_entity_passes_on_when_the_cancelled_handler_has_returned(world: World) {
    let gate = Gate::new();
    let [here, elsewhere] = [start(&world, &gate).await, start(&world, &gate).await];
    let [first, second] = [here.publish(at_till()).await.unwrap(), here.publish(at_till()).await.unwrap()];
    gate.arrival().await;
    cancel(&elsewhere, first.id()).await;
    waits(&world, &gate).await;

    gate.open_wide();
    until("the second one has run", async || {
        world.advance(Duration::from_secs(1));
        state(&here, second.id()).await == JobState::Succeeded
    })
    .await;
}

async fn r24_an_execution_keeps_its_entity_until_it_has_returned(world: World) {
    let gate = Gate::new();
    let runtime = start(&world, &gate).await;
    let first = tokio::spawn(runtime.execute(at_till()).into_future());
    gate.arrival().await;
    let id = common::jobs(&runtime).await[0].id;
    cancel(&runtime, id).await;
    assert_eq!(first.await.unwrap().unwrap_err().code(), "cancelled");
    let mut second = runtime.execute(at_till()).into_future();
    begin(&mut second).await;
    waits(&world, &gate).await;
    gate.open_wide();
    second.await.unwrap();
}

async fn r24_a_lane_waits_for_the_cancelled_handler_of_another_process(world: World) {
    let gate = Gate::new();
    let runs = start(&world, &gate).await;
    let [first, second] = [runs.publish(page()).await.unwrap(), runs.publish(page()).await.unwrap()];
    gate.arrival().await;
    let elsewhere = start(&world, &gate).await;
    cancel(&elsewhere, first.id()).await;
    waits(&world, &gate).await;

    gate.open_wide();
    until("the second one has run", async || {
        world.advance(Duration::from_secs(1));
        state(&elsewhere, second.id()).await == JobState::Succeeded
    })
    .await;
}

async fn r24_a_dead_process_holds_up_no_lane_of_a_cancelled_job(world: World) {
    let gate = Gate::new();
    let process = Process::start(world.builder().provide(gate.clone())).await;
    let [first, second] = [
        process.runtime.publish(page()).await.unwrap().id(),
        process.runtime.publish(page()).await.unwrap().id(),
    ];
    gate.arrival().await;
    cancel(&process.runtime, first).await;
    process.kill().await;
    let runtime = start(&world, &Gate::wide_open()).await;
    until("the second one has run", async || {
        world.advance(Duration::from_secs(1));
        state(&runtime, second).await == JobState::Succeeded
    })
    .await;
    let attempts = runtime.jobs().attempts(first).await.unwrap();
    assert_eq!(attempts.len(), 1);
    assert_eq!(
        (state(&runtime, first).await, attempts[0].failure.as_ref().unwrap().code()),
        (JobState::Cancelled, "cancelled")
    );
}

async fn r24_a_shutdown_releases_the_lane_of_a_cancelled_job(world: World) {
    let gate = Gate::new();
    let runtime = start(&world, &gate).await;
    let [first, second] = [runtime.publish(page()).await.unwrap(), runtime.publish(page()).await.unwrap()];
    gate.arrival().await;
    cancel(&runtime, first.id()).await;
    runtime.shutdown(Duration::ZERO).await.unwrap_err();
    // No lease has to expire: the clock stands still.
    let next = start(&world, &Gate::wide_open()).await;
    reaches(&next, second.id(), JobState::Succeeded).await;
}

async fn r24_a_time_limit_ends_the_wait_for_a_cancelled_handler(world: World) {
    let gate = Gate::new();
    let runtime = start(&world, &gate).await;
    let [first, second] = [runtime.publish(page()).await.unwrap(), runtime.publish(page()).await.unwrap()];
    gate.arrival().await;
    cancel(&runtime, first.id()).await;
    waits(&world, &gate).await;
    world.advance(LIMIT);
    gate.arrival().await;
    gate.open();
    second.outcome().await.unwrap();
}

async fn r24_a_job_that_is_cancelled_in_line_releases_its_lane(world: World) {
    let gate = Gate::new();
    let runtime = start(&world, &gate).await;
    let mut execution = runtime.execute(at_till()).into_future();
    begin(&mut execution).await;
    gate.arrival().await;
    // Claimed, and in line for the till that the execution has.
    let in_line =
        runtime.publish(PrintReceipt { till: "t".to_owned(), printer: "p".to_owned() }).await.unwrap();
    settle().await;
    let next = runtime.publish(PrintReceipt { till: "u".to_owned(), printer: "p".to_owned() }).await.unwrap();
    settle().await;
    assert_eq!(gate.arrivals(), 0);
    cancel(&runtime, in_line.id()).await;
    gate.arrival().await;
    assert_eq!(state(&runtime, next.id()).await, JobState::Running, "the till is still in use");
    gate.open_wide();
    next.outcome().await.unwrap();
    execution.await.unwrap();
}

async fn r24_a_cancelled_job_is_pruned_when_its_handler_has_returned(world: World) {
    let gate = Gate::new();
    let runtime = start(&world, &gate).await;
    let [first, second] = [runtime.publish(page()).await.unwrap(), runtime.publish(page()).await.unwrap()];
    gate.arrival().await;
    cancel(&runtime, first.id()).await;
    world.advance(Duration::from_secs(10));
    let all = enact::Retention::new().cancelled(Duration::ZERO);
    assert_eq!(runtime.jobs().prune(&all).await.unwrap(), 0);
    gate.open_wide();
    second.outcome().await.unwrap();
    assert_eq!(runtime.jobs().prune(&all).await.unwrap(), 1);
}

on_every_store!(
    r24_a_lane_passes_on_when_the_cancelled_handler_has_returned,
    r24_an_entity_passes_on_when_the_cancelled_handler_has_returned,
    r24_an_execution_keeps_its_entity_until_it_has_returned,
    r24_a_lane_waits_for_the_cancelled_handler_of_another_process,
    r24_a_dead_process_holds_up_no_lane_of_a_cancelled_job,
    r24_a_shutdown_releases_the_lane_of_a_cancelled_job,
    r24_a_time_limit_ends_the_wait_for_a_cancelled_handler,
    r24_a_job_that_is_cancelled_in_line_releases_its_lane,
    r24_a_cancelled_job_is_pruned_when_its_handler_has_returned,
);

/// A store whose first calls to `release` fail.
struct Failing {
    left: Arc<AtomicUsize>,
}

#[async_trait]
impl Watch for Failing {
    async fn releasing(&self) -> Result<(), StoreError> {
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if left.is_ok() { Err(StoreError::new("the disk is full")) } else { Ok(()) }
    }
}

#[test]
fn r24_a_release_that_the_store_refuses_is_tried_again() {
    common::run_test(World::memory(), async |world| {
        let (gate, left) = (Gate::new(), Arc::new(AtomicUsize::new(3)));
        let store = Watched { store: MemoryStore::new(), watch: Failing { left: left.clone() } };
        let builder = Runtime::builder(store).clock(world.clock.clone()).provide(gate.clone());
        let runtime = builder.start().await.unwrap();
        let [first, second] =
            [runtime.publish(page()).await.unwrap(), runtime.publish(page()).await.unwrap()];
        gate.arrival().await;
        cancel(&runtime, first.id()).await;
        gate.open_wide();
        until("the second one has run", async || {
            world.advance(Duration::from_secs(1));
            state(&runtime, second.id()).await == JobState::Succeeded
        })
        .await;
        assert_eq!(left.load(Ordering::SeqCst), 0);
    });
}
