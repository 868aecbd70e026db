//! Tests drive time and order (r61): delays, retries, time limits, leases, schedules and retention pass without waiting, and
//! a seed determines ids and the order of ready jobs.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::atomic::{AtomicU32, Ordering};

use enact::prelude::*;
use enact::testing::{Fault, Outcome, Point, TestRuntime, TestRuntimeBuilder};
use enact::{Job, MemoryStore, Retention, Step};
use enact_sqlite::SqliteStore;

const SECOND: Duration = Duration::from_secs(1);

/// Water a plant.
#[command]
struct Water {
    plant: String,
}

#[command(timeout = Duration::from_secs(5), retry = Retry::exponential(3, SECOND))]
async fn water(water: Water, well: Arc<Well>) -> Result<(), std::io::Error> {
    match &*water.plant {
        "thirsty" => std::future::pending().await,
        "patient" => well.opened.notified().await,
        "cactus" => return Err(std::io::Error::other("a cactus needs no water")),
        _ => {}
    }
    well.drawn.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

/// Where water comes from.
#[derive(Default)]
struct Well {
    opened: tokio::sync::Notify,
    drawn: AtomicU32,
}

/// Inspect the garden every ten minutes.
#[command]
struct Inspect {
    at: String,
}

impl From<Tick> for Inspect {
    fn from(tick: Tick) -> Self {
        Self { at: tick.scheduled_at().to_string() }
    }
}

#[command(every = Duration::from_mins(10), missed = Missed::Once, overlap = allow)]
async fn inspect(inspect: Inspect) -> Result<String, Failure> {
    Ok(inspect.at)
}

/// A command that publishes itself without end.
#[command]
struct Spin {
    turn: u64,
}

#[command(queue = "carousel")]
async fn spin(spin: Spin) {
    publish(Spin { turn: spin.turn + 1 });
}

/// A bed of flowers, and how many were planted.
#[entity]
struct Bed {
    id: u32,
    flowers: u32,
}

/// Plant a flower.
#[command(target = bed)]
struct Plant {
    bed: u32,
}

#[command(retry = Retry::fixed(2, SECOND))]
async fn plant(_: Plant, bed: &mut Bed, well: Arc<Well>) {
    well.opened.notified().await;
    bed.flowers += 1;
}

async fn garden() -> TestRuntime {
    builder().start().await
}

fn builder() -> TestRuntimeBuilder {
    TestRuntime::builder().provide::<Well>(Arc::default())
}

fn water_the(plant: &str) -> Water {
    Water { plant: plant.into() }
}

async fn jobs(garden: &TestRuntime) -> Vec<Job> {
    garden.runtime().jobs().list(&JobQuery::new().limit(1000)).await.unwrap().jobs
}

#[tokio::test]
async fn r61_a_delay_ends_when_the_test_advances_past_it() {
    let garden = garden().await;
    garden.runtime().publish(water_the("fern")).delay(Duration::from_mins(1)).await.unwrap();
    garden.drain().await.then_ran([]);
    garden.advance(Duration::from_secs(59)).await;
    garden.drain().await.then_ran([]);
    garden.advance(SECOND).await;
    garden.drain().await.then_ran(["Water"]).then_succeeds();
}

#[tokio::test]
async fn r61_retries_run_when_they_are_due() {
    let garden = garden().await;
    garden.when(water_the("cactus")).await.then_fails(FailureKind::Error, "error").then_retries_in(SECOND);
    assert_eq!(garden.advance_to_next().await, Some(SECOND));
    garden.drain().await.then_retries().then_retries_in(2 * SECOND);
    assert_eq!(garden.advance_to_next().await, Some(2 * SECOND));
    garden.drain().await.then_ran(["Water"]).then_fails(FailureKind::Error, "error").then_gives_up();
}

#[tokio::test]
async fn r61_a_time_limit_passes_when_the_test_advances_past_it() {
    let garden = garden().await;
    let watering = garden.begin(water_the("thirsty")).await;
    garden.advance(4 * SECOND).await;
    assert!(!watering.has_ended());
    garden.advance(SECOND).await;
    watering.ended().await.then_fails(FailureKind::TimedOut, "timed_out").then_retries_in(SECOND);

    garden.advance(SECOND).await;
    let again = garden.begin_one().await.unwrap();
    garden.advance(5 * SECOND).await;
    again.ended().await.then_ran(["Water"]).then_fails(FailureKind::TimedOut, "timed_out");
}

#[tokio::test]
async fn r61_a_deadline_passes_when_the_test_advances_past_it() {
    let garden = garden().await;
    let deadline = enact::clock::Clock::now(garden.clock()) + 10 * SECOND;
    garden.runtime().publish(water_the("fern")).deadline(deadline).await.unwrap();
    garden.advance(10 * SECOND).await;
    garden.drain().await.then_fails(FailureKind::TimedOut, "deadline_passed").then_gives_up();
}

#[tokio::test]
async fn r61_a_test_can_release_a_waiting_handler() {
    let well = Arc::<Well>::default();
    let garden = TestRuntime::builder().provide(well.clone()).start().await;
    let watering = garden.begin(water_the("patient")).await;
    assert!(!watering.has_ended());
    well.opened.notify_one();
    watering.ended().await.then_succeeds();
    assert_eq!(well.drawn.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn r61_a_running_job_can_be_cancelled() {
    let garden = garden().await;
    let watering = garden.begin(water_the("patient")).await;
    garden.runtime().jobs().cancel(watering.job_id()).await.unwrap();
    garden.advance(5 * SECOND).await;
    let outcome = watering.ended().await;
    outcome.then_fails(FailureKind::Cancelled, "cancelled");
    assert_eq!(outcome.job().state, JobState::Cancelled);
}

// tokio's clock is paused and skips idle time, so this takes no ten seconds.
#[tokio::test(start_paused = true)]
#[should_panic(expected = "`Water` still runs after 10s of real time")]
async fn r61_a_handler_that_hangs_is_reported() {
    garden().await.when(water_the("thirsty")).await.then_succeeds();
}

#[tokio::test]
async fn r61_jobs_are_drained_one_by_one() {
    let garden = garden().await;
    for plant in ["fern", "ivy"] {
        garden.runtime().publish(water_the(plant)).await.unwrap();
    }
    let payload = |outcome: &Outcome| outcome.job().payload.to_string();
    let (first, second) = (garden.drain_one().await.unwrap(), garden.drain_one().await.unwrap());
    assert_eq!([payload(&first), payload(&second)], [r#"{"plant":"fern"}"#, r#"{"plant":"ivy"}"#]);
    assert!(garden.drain_one().await.is_none());
}

#[tokio::test]
#[should_panic(expected = "`drain` does not end: after 10000 attempts, `Spin` is ready next, after `Spin`")]
async fn r61_an_endless_drain_is_reported() {
    let garden = builder().configure(|runtime| runtime.max_chain(u32::MAX)).start().await;
    garden.runtime().publish(Spin { turn: 0 }).await.unwrap();
    garden.drain().await.then_succeeds();
}

#[tokio::test]
async fn r61_schedules_tick_as_time_passes() {
    let garden = garden().await;
    assert_eq!(garden.advance_to_next().await, Some(Duration::from_mins(10)));
    // A running runtime misses no tick, however far a test advances at once.
    garden.advance(Duration::from_mins(20)).await;
    let outcome = garden.drain().await;
    outcome.then_ran(["Inspect", "Inspect", "Inspect"]);
    let at: Vec<String> =
        outcome.attempts().iter().map(|ran| ran.job.output.as_ref().unwrap().parse().unwrap()).collect();
    assert_eq!(at, ["2030-01-01T00:10:00Z", "2030-01-01T00:20:00Z", "2030-01-01T00:30:00Z"]);
}

#[tokio::test]
async fn r61_retention_applies_as_time_passes() {
    let keep_for_a_day = Retention::new().succeeded(Duration::from_hours(24));
    let garden = TestRuntime::builder()
        .provide::<Well>(Arc::default())
        .configure(|runtime| runtime.retention(keep_for_a_day))
        .start()
        .await;
    garden.when(water_the("fern")).await.then_succeeds();
    let waters = async || jobs(&garden).await.iter().filter(|job| &*job.name == "Water").count();
    garden.advance(Duration::from_hours(24)).await;
    assert_eq!(waters().await, 1);
    garden.advance(SECOND).await;
    assert_eq!(waters().await, 0);
}

/// A stalled worker loses its lease, and its commit is fenced.
#[tokio::test]
async fn r61_a_lease_expires_when_the_test_advances_past_it() {
    let store = MemoryStore::new();
    let well = Arc::<Well>::default();
    let stalled = TestRuntime::builder().provide(well.clone()).store(store.clone()).start().await;
    let other =
        TestRuntime::builder().provide(well.clone()).store(store).clock(stalled.clock()).start().await;
    stalled.given(Bed { id: 1, flowers: 0 }).await;
    let planting = stalled.begin(Plant { bed: 1 }).await;
    let id = planting.job_id();

    other.advance_past_lease().await;
    other.advance(SECOND).await;
    well.opened.notify_one();
    let second = other.begin_one().await.unwrap();
    assert_eq!(second.job_id(), id);
    planting.ended().await.then_fails(FailureKind::Lost, "lost").then_entity(&Bed { id: 1, flowers: 0 });
    well.opened.notify_one();
    second.ended().await.then_succeeds().then_entity(&Bed { id: 1, flowers: 1 });
}

/// A live worker keeps its lease, however long its attempt takes.
#[tokio::test]
async fn r61_a_live_worker_keeps_its_lease() {
    let store = MemoryStore::new();
    let well = Arc::<Well>::default();
    let slow = TestRuntime::builder().provide(well.clone()).store(store.clone()).start().await;
    let other = TestRuntime::builder().provide(well.clone()).store(store).clock(slow.clock()).start().await;
    slow.given(Bed { id: 1, flowers: 0 }).await;
    let planting = slow.begin(Plant { bed: 1 }).await;
    for _ in 0..100 {
        other.advance(SECOND).await;
        slow.advance(Duration::ZERO).await;
    }
    assert!(other.begin_one().await.is_none(), "no job was rescued");
    well.opened.notify_one();
    planting.ended().await.then_succeeds();
}

/// The jobs that a runtime of this seed ran, in order, with their ids and workers. All three are ready at once.
async fn order_by(seed: u64) -> Vec<(String, String)> {
    let garden = TestRuntime::builder().provide::<Well>(Arc::default()).seed(seed).start().await;
    for plant in ["fern", "ivy", "moss"] {
        garden.runtime().publish(water_the(plant)).await.unwrap();
    }
    let outcome = garden.drain().await;
    outcome.then_succeeds();
    let summary = outcome.attempts().iter().map(|ran| {
        let worker = ran.attempt.as_ref().unwrap().worker.to_string();
        (format!("{} {}", ran.job.payload, ran.job.id), worker)
    });
    summary.collect()
}

#[tokio::test]
async fn r61_a_seed_determines_ids_and_the_order_of_ready_jobs() {
    let mut orders = std::collections::BTreeSet::new();
    for seed in 0..32 {
        let order = order_by(seed).await;
        assert_eq!(order_by(seed).await, order, "seed {seed}");
        orders.insert(
            order
                .iter()
                .map(|(summary, _)| summary.split(' ').next().unwrap().to_owned())
                .collect::<Vec<_>>(),
        );
    }
    assert_eq!(orders.len(), 6, "32 seeds cover all orders of three jobs");
}

#[tokio::test]
async fn r61_ids_do_not_repeat_after_a_restart() {
    let mut garden = TestRuntime::builder().provide::<Well>(Arc::default()).seed(7).start().await;
    garden.when(water_the("fern")).await.then_succeeds();
    garden.restart().await;
    garden.when(water_the("ivy")).await.then_succeeds();
    let mut ids: Vec<_> = jobs(&garden).await.iter().map(|job| job.id).collect();
    ids.dedup();
    assert_eq!(ids.len(), 2);
}

/// A restart reopens the file, as a new process does, and finds everything that was committed.
#[tokio::test]
async fn r61_a_restart_reopens_a_store_in_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("garden.db");
    let well = Arc::<Well>::default();
    let mut garden = TestRuntime::builder()
        .provide(well.clone())
        .open(move || SqliteStore::open(&file).unwrap())
        .start()
        .await;
    garden.given(Bed { id: 1, flowers: 0 }).await;
    well.opened.notify_one();
    garden.fault(Point::Before(Step::Commit), Fault::Crash);
    garden.when(Plant { bed: 1 }).await.then_crashes().then_entity(&Bed { id: 1, flowers: 0 });

    garden.restart().await;
    garden.drain().await.then_ran([]);
    garden.advance_past_lease().await;
    garden.advance(SECOND).await;
    well.opened.notify_one();
    garden.drain().await.then_ran(["Plant"]).then_succeeds().then_entity(&Bed { id: 1, flowers: 1 });
}
