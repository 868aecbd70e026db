//! An attempt that exceeds its time limit is dropped with everything it staged (r15), and may be retried (r22).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use async_trait::async_trait;
use enact::Cursor;
use enact::clock::{ManualClock, Timestamp};
use enact::prelude::*;
use enact::store::Commit;
use enact::{JobHandle, MemoryStore, Step};

use common::watched::{Watch, Watched};
use common::{Gate, World, jobs, kind_and_code, on_every_store, reaches, settle};

const LIMIT: Duration = Duration::from_secs(5);

/// A counter.
#[entity]
struct Counter {
    id: String,
    value: i64,
}

/// Increment a counter and wait at the gate.
#[command(target = counter)]
struct Count {
    counter: String,
}

impl From<&Count> for Counter {
    fn from(count: &Count) -> Self {
        Self { id: count.counter.clone(), value: 0 }
    }
}

#[command(create = if_missing, timeout = LIMIT, retry = Retry::fixed(2, Duration::ZERO))]
async fn count(_: Count, counter: &mut Counter, gate: Arc<Gate>) -> Result<i64, Failure> {
    counter.value += 1;
    emit(Counted {});
    gate.pass().await;
    Ok(counter.value)
}

/// A counter was incremented.
#[event]
struct Counted {}

#[event_handler(timeout = LIMIT)]
async fn hear(_: Counted, event_gate: Arc<EventGate>) {
    event_gate.0.pass().await;
}

/// The gate of the event handler.
struct EventGate(Arc<Gate>);

struct Running {
    runtime: Runtime,
    gate: Arc<Gate>,
    event_gate: Arc<Gate>,
}

async fn start(world: &World) -> Running {
    let (gate, event_gate) = (Gate::new(), Gate::new());
    let builder = world
        .builder()
        .provide::<Gate>(gate.clone())
        .provide::<EventGate>(Arc::new(EventGate(event_gate.clone())));
    let builder = builder.provide(Arc::new(world.clock.clone()));
    Running { runtime: builder.start().await.unwrap(), gate, event_gate }
}

async fn publish_one(runtime: &Runtime) -> JobHandle<i64> {
    runtime.publish(Count { counter: "a".to_owned() }).await.unwrap()
}

async fn r15_an_attempt_that_times_out_leaves_nothing(world: World) {
    let Running { runtime, gate, .. } = start(&world).await;
    let job = publish_one(&runtime).await;
    for _ in 0..2 {
        gate.arrival().await;
        world.advance(LIMIT);
    }
    let failure = job.outcome().await.unwrap_err();

    assert_eq!(kind_and_code(&failure), (FailureKind::TimedOut, "timed_out"));
    assert_eq!(failure.message(), "the attempt took longer than its handler's timeout of 5s");
    let attempts = runtime.jobs().attempts(job.id()).await.unwrap();
    let reached: Vec<_> = attempts.iter().map(|attempt| attempt.reached).collect();
    assert_eq!(reached, [Some(Step::Handle), Some(Step::Handle)]);
    assert!(runtime.entities::<Counter>().get(&"a".to_owned()).await.unwrap().is_none());
    assert!(runtime.events().list(&Cursor::START, 1).await.unwrap().is_empty());
    assert_eq!(jobs(&runtime).await.len(), 1);
}

async fn r22_an_attempt_that_timed_out_is_retried(world: World) {
    let Running { runtime, gate, .. } = start(&world).await;
    let job = publish_one(&runtime).await;
    gate.arrival().await;
    world.advance(LIMIT);
    gate.arrival().await;
    gate.open();

    assert_eq!(job.outcome().await.unwrap(), 1);
}

async fn r15_an_attempt_may_take_its_whole_time_limit(world: World) {
    let Running { runtime, gate, .. } = start(&world).await;
    let job = publish_one(&runtime).await;
    gate.arrival().await;
    world.advance(Duration::from_micros(4_999_999));
    gate.open();

    assert_eq!(job.outcome().await.unwrap(), 1);
    assert_eq!(runtime.jobs().attempts(job.id()).await.unwrap().len(), 1);
}

/// Holds commits at a gate.
struct HoldCommits(Arc<Gate>);

#[async_trait]
impl Watch for HoldCommits {
    async fn committing(&self, _: &Commit) {
        self.0.pass().await;
    }
}

#[tokio::test]
async fn r15_a_commit_that_has_begun_is_not_timed_out() {
    let (commits, clock) = (Gate::new(), ManualClock::at(Timestamp::UNIX_EPOCH));
    let store = Watched { store: MemoryStore::new(), watch: HoldCommits(commits.clone()) };
    let builder = Runtime::builder(store).clock(clock.clone()).provide(Gate::wide_open());
    let runtime = builder
        .provide(Arc::new(EventGate(Gate::wide_open())))
        .provide(Arc::new(clock.clone()))
        .start()
        .await
        .unwrap();
    let job = publish_one(&runtime).await;
    commits.arrival().await;
    clock.advance(LIMIT * 2);
    settle().await;
    assert_eq!(commits.arrivals(), 0, "no second commit ends the attempt");
    commits.open_wide();

    assert_eq!(job.outcome().await.unwrap(), 1);
    assert_eq!(runtime.jobs().attempts(job.id()).await.unwrap().len(), 1);
}

/// Exceed the time limit without awaiting anything.
#[command]
struct Toil {}

#[command(timeout = LIMIT)]
async fn toil(_: Toil, clock: Arc<ManualClock>) {
    clock.advance(LIMIT);
}

async fn r15_a_handler_that_never_awaits_times_out_too(world: World) {
    let Running { runtime, .. } = start(&world).await;
    let failure = runtime.execute(Toil {}).await.unwrap_err();

    assert_eq!(kind_and_code(&failure), (FailureKind::TimedOut, "timed_out"));
}

async fn r15_an_event_handler_has_a_time_limit_too(world: World) {
    let Running { runtime, event_gate, .. } = start(&world).await;
    runtime.emit(Counted {}).await.unwrap();
    event_gate.arrival().await;
    let [handling] = jobs(&runtime).await.try_into().unwrap();
    world.advance(LIMIT);

    let failed = reaches(&runtime, handling.id, JobState::Failed).await;
    assert_eq!(failed.failure.unwrap().kind(), FailureKind::TimedOut);
}

on_every_store! {
    r15_an_attempt_that_times_out_leaves_nothing,
    r22_an_attempt_that_timed_out_is_retried,
    r15_an_attempt_may_take_its_whole_time_limit,
    r15_a_handler_that_never_awaits_times_out_too,
    r15_an_event_handler_has_a_time_limit_too,
}
