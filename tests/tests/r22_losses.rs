//! A loss that is not the job's own does not use up its attempts ([r22](enact::rules#r22)).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::sync::Mutex;

use async_trait::async_trait;
use common::watched::Watch;
use common::{Gate, Process, World, begin, job, kind_and_code, on_every_store, reaches, settle, until};
use enact::prelude::*;
use enact::store::Commit;
use enact::{Attempt, Failure, FailureKind, JobId, RuntimeBuilder};

const LEASE: Duration = Duration::from_secs(3);

/// End the process.
#[command]
struct Poison {}

/// Do honest work.
#[command]
struct Honest {}

/// Fail as often as the test says.
#[command]
struct Flaky {}

/// A card that is stamped.
#[entity]
struct Card {
    id: String,
    stamps: u32,
}

/// Stamp a card.
#[command(target = card)]
struct Stamp {
    card: String,
}

impl From<&Stamp> for Card {
    fn from(stamp: &Stamp) -> Self {
        Self { id: stamp.card.clone(), stamps: 0 }
    }
}

/// The gates of one process, and how many handlers are between them.
struct Handlers {
    poison: Arc<Gate>,
    honest: Arc<Gate>,
    /// Now, and at most.
    inside: Mutex<(usize, usize)>,
}

impl Handlers {
    fn new(honest: Arc<Gate>) -> Arc<Self> {
        Arc::new(Self { poison: Gate::new(), honest, inside: Mutex::default() })
    }

    async fn pass(&self, gate: &Gate) {
        {
            let (now, most) = &mut *self.inside.lock().unwrap();
            *now += 1;
            *most = (*most).max(*now);
        }
        gate.pass().await;
        self.inside.lock().unwrap().0 -= 1;
    }

    fn most_inside(&self) -> usize {
        self.inside.lock().unwrap().1
    }
}

#[command(retry = Retry::fixed(3, Duration::ZERO))]
async fn poison(_: Poison, handlers: Arc<Handlers>) {
    handlers.pass(&handlers.poison).await;
}

#[command(retry = Retry::fixed(3, Duration::ZERO))]
async fn honest(_: Honest, handlers: Arc<Handlers>) {
    handlers.pass(&handlers.honest).await;
}

#[command(retry = Retry::fixed(2, Duration::ZERO))]
async fn flaky(_: Flaky, gate: Arc<Gate>) -> Result<(), Failure> {
    gate.pass().await;
    Err(Failure::new(FailureKind::Error, "flaky", "failed"))
}

#[command(create = if_missing, retry = Retry::fixed(3, Duration::ZERO))]
async fn stamp(_: Stamp, card: &mut Card) {
    card.stamps += 1;
}

fn builder(world: &World, handlers: &Arc<Handlers>, gate: &Arc<Gate>) -> RuntimeBuilder {
    world.builder().lease(LEASE).provide(handlers.clone()).provide(gate.clone())
}

/// Lets time pass until something holds.
async fn pass_until(world: &World, what: &str, mut holds: impl AsyncFnMut() -> bool) {
    until(what, async || {
        world.advance(Duration::from_millis(500));
        settle().await;
        holds().await
    })
    .await;
}

async fn failures(runtime: &Runtime, job: JobId) -> Vec<Option<FailureKind>> {
    let kind = |attempt: Attempt| attempt.failure.map(|failure| failure.kind());
    runtime.jobs().attempts(job).await.unwrap().into_iter().map(kind).collect()
}

/// Whether a worker has the job, and has not begun it.
async fn is_held(world: &World, id: JobId) -> bool {
    let store = world.store();
    for lease in store.leases().await.unwrap() {
        let running = store.running(&lease.worker, 10).await.unwrap();
        if running.iter().any(|running| running.job.id == id && running.job.state == JobState::Ready) {
            return true;
        }
    }
    false
}

async fn r22_a_job_that_ends_its_process_uses_up_no_attempts_of_its_neighbours(world: World) {
    let unused = Gate::new();
    let handlers = Handlers::new(Gate::new());
    let desk = builder(&world, &handlers, &unused).without_worker().start().await.unwrap();
    let culprit = desk.publish(Poison {}).await.unwrap().id();
    let neighbour = desk.publish(Honest {}).await.unwrap().id();
    for _ in 0..2 {
        let handlers = Handlers::new(Gate::new());
        let process = Process::start(builder(&world, &handlers, &unused)).await;
        let both = async || handlers.poison.arrivals() == 1 && handlers.honest.arrivals() == 1;
        pass_until(&world, "both run", both).await;
        process.kill().await;
    }

    let handlers = Handlers::new(Gate::new());
    let process = Process::start(builder(&world, &handlers, &unused)).await;
    pass_until(&world, "the culprit runs", async || {
        if handlers.honest.arrivals() == 1 && handlers.poison.arrivals() == 0 {
            handlers.honest.open();
        }
        handlers.poison.arrivals() == 1
    })
    .await;
    settle().await;
    assert_eq!(handlers.most_inside(), 1, "each runs alone");
    process.kill().await;

    let handlers = Handlers::new(Gate::wide_open());
    let runtime = builder(&world, &handlers, &unused).start().await.unwrap();
    let has_ended = async || job(&runtime, culprit).await.state.has_ended();
    pass_until(&world, "the culprit has ended", has_ended).await;
    assert_eq!(job(&runtime, culprit).await.state, JobState::Failed);
    assert_eq!(failures(&runtime, culprit).await, [Some(FailureKind::Lost); 3]);
    pass_until(&world, "the neighbour has ended", async || job(&runtime, neighbour).await.state.has_ended())
        .await;
    assert_eq!(job(&runtime, neighbour).await.state, JobState::Succeeded);
    assert_eq!(failures(&runtime, neighbour).await, [Some(FailureKind::Lost), Some(FailureKind::Lost), None]);
}

async fn r22_an_attempt_that_is_alone_lets_others_in_after_a_while(world: World) {
    let unused = Gate::new();
    let handlers = Handlers::new(Gate::wide_open());
    let desk = builder(&world, &handlers, &unused).without_worker().start().await.unwrap();
    let culprit = desk.publish(Poison {}).await.unwrap().id();
    for _ in 0..2 {
        let handlers = Handlers::new(Gate::new());
        let process = Process::start(builder(&world, &handlers, &unused)).await;
        pass_until(&world, "it runs", async || handlers.poison.arrivals() == 1).await;
        process.kill().await;
    }
    let runtime = builder(&world, &handlers, &unused).start().await.unwrap();
    pass_until(&world, "it runs", async || handlers.poison.arrivals() == 1).await;
    let other = runtime.publish(Honest {}).await.unwrap().id();
    settle().await;
    assert_eq!((job(&runtime, other).await.state, job(&runtime, other).await.attempts), (JobState::Ready, 0));
    let has_ended = async || job(&runtime, other).await.state.has_ended();
    pass_until(&world, "the other has ended", has_ended).await;
    assert_eq!(failures(&runtime, other).await, [None]);
    assert_eq!(job(&runtime, culprit).await.state, JobState::Running);
    handlers.poison.open();
    reaches(&runtime, culprit, JobState::Succeeded).await;
}

async fn r22_a_deadline_ends_the_wait_for_an_attempt_that_is_alone(world: World) {
    let unused = Gate::new();
    let handlers = Handlers::new(Gate::wide_open());
    let desk = builder(&world, &handlers, &unused).without_worker().start().await.unwrap();
    desk.publish(Poison {}).await.unwrap();
    for _ in 0..2 {
        let handlers = Handlers::new(Gate::new());
        let process = Process::start(builder(&world, &handlers, &unused)).await;
        pass_until(&world, "it runs", async || handlers.poison.arrivals() == 1).await;
        process.kill().await;
    }
    let runtime = builder(&world, &handlers, &unused).start().await.unwrap();
    pass_until(&world, "it runs", async || handlers.poison.arrivals() == 1).await;
    let deadline = world.now() + Duration::from_secs(2);
    let mut late = Box::pin(runtime.execute(Honest {}).deadline(deadline).into_future());
    begin(&mut late).await;
    settle().await;
    world.advance(Duration::from_secs(2));
    assert_eq!(kind_and_code(&late.await.unwrap_err()), (FailureKind::TimedOut, "deadline_passed"));
    assert_eq!(handlers.honest.arrivals(), 0);
}

async fn r22_a_loss_uses_up_no_attempt_of_other_failures(world: World) {
    let handlers = Handlers::new(Gate::new());
    let gate = Gate::new();
    let process = Process::start(builder(&world, &handlers, &gate)).await;
    let flaky = process.runtime.publish(Flaky {}).await.unwrap().id();
    gate.arrival().await;
    process.kill().await;
    let runtime = builder(&world, &handlers, &Gate::wide_open()).start().await.unwrap();
    pass_until(&world, "it has ended", async || job(&runtime, flaky).await.state.has_ended()).await;
    let (lost, error) = (Some(FailureKind::Lost), Some(FailureKind::Error));
    assert_eq!(failures(&runtime, flaky).await, [lost, error, error]);
}

async fn r22_a_shutdown_uses_up_no_attempt(world: World) {
    let handlers = Handlers::new(Gate::new());
    let mut id = None;
    for _ in 0..4 {
        let gate = Gate::new();
        let runtime = builder(&world, &handlers, &gate).start().await.unwrap();
        if id.is_none() {
            id = Some(runtime.publish(Flaky {}).await.unwrap().id());
        }
        gate.arrival().await;
        runtime.shutdown(Duration::ZERO).await.unwrap_err();
    }
    let runtime = builder(&world, &handlers, &Gate::wide_open()).start().await.unwrap();
    let flaky = id.unwrap();
    pass_until(&world, "it has ended", async || job(&runtime, flaky).await.state.has_ended()).await;
    let failures = failures(&runtime, flaky).await;
    assert_eq!(failures[..4], [Some(FailureKind::Lost); 4]);
    assert_eq!(failures[4..], [Some(FailureKind::Error); 2]);
}

/// Holds the first commit of each of the first two jobs that write an entity.
struct HoldsTwoCommits {
    gates: [Arc<Gate>; 2],
    seen: Mutex<Vec<JobId>>,
}

#[async_trait]
impl Watch for HoldsTwoCommits {
    async fn committing(&self, commit: &Commit) {
        let gate = {
            let mut seen = self.seen.lock().unwrap();
            if commit.write.is_none() || seen.contains(&commit.job) {
                return;
            }
            seen.push(commit.job);
            self.gates.get(seen.len() - 1).cloned()
        };
        if let Some(gate) = gate {
            gate.pass().await;
        }
    }
}

/// The attempt that is to be alone waits for the one that executes again; that one waits for its entity; and the next execution on
/// the entity waits behind the attempt that is to be alone.
#[tokio::test]
async fn r22_an_attempt_that_executes_again_waits_without_its_place() {
    let world = World::memory();
    let unused = Gate::new();
    let handlers = Handlers::new(Gate::new());
    let desk = builder(&world, &handlers, &unused).without_worker().start().await.unwrap();
    let culprit = desk.publish(Poison {}).await.unwrap().id();
    for _ in 0..2 {
        let handlers = Handlers::new(Gate::new());
        let process = Process::start(builder(&world, &handlers, &unused)).await;
        pass_until(&world, "it runs", async || handlers.poison.arrivals() == 1).await;
        process.kill().await;
    }
    let gates = [Gate::new(), Gate::new()];
    let watch = HoldsTwoCommits { gates: gates.clone(), seen: Mutex::default() };
    let runtime = world.watched(watch).lease(LEASE).provide(handlers.clone()).provide(unused);
    let runtime = runtime.start().await.unwrap();
    let execute = || tokio::spawn(runtime.execute(Stamp { card: "card".into() }).into_future());
    let first = execute();
    gates[0].arrival().await;
    let second = execute();
    gates[1].arrival().await;
    pass_until(&world, "the culprit waits to be alone", async || is_held(&world, culprit).await).await;
    let third = execute();
    settle().await;
    gates[1].open();
    settle().await;
    gates[0].open();
    pass_until(&world, "the culprit runs", async || handlers.poison.arrivals() == 1).await;
    handlers.poison.open();
    for executed in [first, second, third] {
        executed.await.unwrap().unwrap();
    }
    let card = runtime.entities::<Card>().get(&"card".into()).await.unwrap().unwrap();
    assert_eq!(card.stamps, 3);
    reaches(&runtime, culprit, JobState::Succeeded).await;
}

on_every_store!(
    r22_a_job_that_ends_its_process_uses_up_no_attempts_of_its_neighbours,
    r22_an_attempt_that_is_alone_lets_others_in_after_a_while,
    r22_a_deadline_ends_the_wait_for_an_attempt_that_is_alone,
    r22_a_loss_uses_up_no_attempt_of_other_failures,
    r22_a_shutdown_uses_up_no_attempt,
);
