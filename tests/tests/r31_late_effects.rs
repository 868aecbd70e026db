//! What a spawned task stages after its handler has returned is lost, and is reported ([r31](enact::rules#r31)).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use common::lines::Lines;
use common::watched::{Watch, Watched};
use common::{Gate, World, jobs_of, on_every_store, until};
use enact::RuntimeBuilder;
use enact::prelude::*;
use enact::store::LateEffects;
use enact::testing::TestRuntime;
use enact::{Cursor, JobId, MemoryStore};
use futures_util::FutureExt;
use tokio::sync::Semaphore;

/// What a task stages.
#[value]
#[derive(Clone, Copy, Debug, PartialEq)]
enum Effect {
    Event,
    Command,
    /// A change of a command that was staged in time.
    Change,
    Entity,
    Choice,
}

const EFFECTS: [Effect; 5] = [Effect::Event, Effect::Command, Effect::Change, Effect::Entity, Effect::Choice];

/// Spawn tasks that stage something, and do not await them.
#[command]
struct Leave {
    tasks: usize,
    effect: Effect,
    fails: bool,
}

#[command]
async fn leave(
    leave: Leave,
    notes: Repository<Note>,
    gate: Arc<Gate>,
    done: Arc<Semaphore>,
) -> Result<(), Failure> {
    let staged = (leave.effect == Effect::Change).then(|| publish(Other {}));
    for _ in 0..leave.tasks {
        let (gate, notes, staged, done) = (gate.clone(), notes.clone(), staged.clone(), done.clone());
        tokio::spawn(context().scope(async move {
            gate.pass().await;
            let _done = Done(done);
            stage(leave.effect, &notes, staged);
        }));
    }
    if leave.fails { Err(Failure::denied("not today")) } else { Ok(()) }
}

/// Reports the end of a task, also by a panic.
struct Done(Arc<Semaphore>);

impl Drop for Done {
    fn drop(&mut self) {
        self.0.add_permits(1);
    }
}

/// The line of the last late event.
static EMITTED_AT: AtomicU32 = AtomicU32::new(0);

fn stage(effect: Effect, notes: &Repository<Note>, staged: Option<enact::StagedJob>) {
    match effect {
        Effect::Event => {
            EMITTED_AT.store(line!() + 1, Ordering::Relaxed);
            emit(Left {});
        }
        Effect::Command => {
            publish(Other {});
        }
        Effect::Change => {
            staged.unwrap().priority(7);
        }
        Effect::Entity => notes.save(Note { id: 1 }).unwrap(),
        Effect::Choice => {
            let tone: Box<dyn Tone> = context().extract().unwrap();
            assert_eq!(tone.word(), "dear");
        }
    }
}

/// A guest has left.
#[event]
struct Left {}

/// Something else.
#[command]
struct Other {}

#[command]
async fn other(_: Other) {}

/// A note.
#[entity]
struct Note {
    id: u32,
}

/// How to address the reader.
#[strategy]
trait Tone: Send + Sync {
    fn word(&self) -> &'static str;
}

struct Polite;

#[strategy(variant)]
impl Tone for Polite {
    fn word(&self) -> &'static str {
        "dear"
    }
}

#[strategy(policy)]
fn tone(_: &ExecutionContext) -> Box<dyn Tone> {
    Box::new(Polite)
}

/// A runtime, and how a test holds the tasks of its handlers.
struct Tasks {
    gate: Arc<Gate>,
    done: Arc<Semaphore>,
}

impl Tasks {
    fn new() -> Self {
        Self { gate: Gate::new(), done: Arc::new(Semaphore::new(0)) }
    }

    async fn start(&self, builder: RuntimeBuilder) -> Runtime {
        builder.provide(self.gate.clone()).provide(self.done.clone()).start().await.unwrap()
    }

    async fn start_kit(&self) -> TestRuntime {
        TestRuntime::builder().provide(self.gate.clone()).provide(self.done.clone()).start().await
    }

    /// Runs a job, and its tasks once its end is stored.
    async fn run(&self, runtime: &Runtime, leave: Leave) -> JobId {
        let tasks = leave.tasks;
        let job = runtime.publish(leave).await.unwrap();
        let _ = job.outcome().await;
        self.let_go(tasks).await;
        job.id()
    }

    /// Lets tasks go on, and waits for their end.
    async fn let_go(&self, tasks: usize) {
        for _ in 0..tasks {
            self.gate.arrival().await;
            self.gate.open();
        }
        self.done.acquire_many(u32::try_from(tasks).unwrap()).await.unwrap().forget();
    }
}

async fn late_effects(runtime: &Runtime, id: JobId) -> u32 {
    runtime.jobs().attempts(id).await.unwrap()[0].late_effects
}

async fn r31_what_is_staged_after_the_handler_is_counted_on_the_attempt(world: World) {
    let tasks = Tasks::new();
    let runtime = tasks.start(world.builder()).await;
    for effect in EFFECTS {
        let id = tasks.run(&runtime, Leave { tasks: 2, effect, fails: false }).await;
        until("both are counted", async || {
            world.advance(Duration::from_secs(1));
            late_effects(&runtime, id).await == 2
        })
        .await;
        let attempt = runtime.jobs().attempts(id).await.unwrap().remove(0);
        assert_eq!((attempt.failure, attempt.strategies), (None, Vec::new()), "{effect:?}");
    }
    assert_eq!(runtime.events().list(&Cursor::START, 10).await.unwrap().len(), 0);
    let others = jobs_of(&runtime, "Other").await;
    assert_eq!(
        others.iter().map(|job| job.priority).collect::<Vec<_>>(),
        [0],
        "the one that was staged in time"
    );
    assert!(runtime.entities::<Note>().get(&1).await.unwrap().is_none());
}

async fn r31_the_tasks_of_a_failed_attempt_are_not_reported(world: World) {
    let tasks = Tasks::new();
    let runtime = tasks.start(world.builder()).await;
    let id = tasks.run(&runtime, Leave { tasks: 1, effect: Effect::Event, fails: true }).await;
    runtime.shutdown(Duration::from_secs(10)).await.unwrap();
    let reader = Tasks::new().start(world.builder()).await;
    assert_eq!(late_effects(&reader, id).await, 0);
}

async fn r31_late_effects_are_stored_at_the_shutdown(world: World) {
    let tasks = Tasks::new();
    let runtime = tasks.start(world.builder()).await;
    let id = tasks.run(&runtime, Leave { tasks: 3, effect: Effect::Choice, fails: false }).await;
    runtime.shutdown(Duration::from_secs(10)).await.unwrap();
    let reader = Tasks::new().start(world.builder()).await;
    assert_eq!(late_effects(&reader, id).await, 3);
}

on_every_store!(
    r31_what_is_staged_after_the_handler_is_counted_on_the_attempt,
    r31_the_tasks_of_a_failed_attempt_are_not_reported,
    r31_late_effects_are_stored_at_the_shutdown,
);

/// Counts the calls that store late effects.
#[derive(Clone, Default)]
struct Calls(Arc<Mutex<Vec<Vec<LateEffects>>>>);

#[async_trait]
impl Watch for Calls {
    async fn adding_late_effects(&self, late: &[LateEffects]) {
        self.0.lock().unwrap().push(late.to_vec());
    }
}

#[tokio::test]
async fn r31_many_late_effects_are_one_write_and_none_are_no_write() {
    let (clock, tasks, calls) = (World::memory().clock, Tasks::new(), Calls::default());
    let store = Watched { store: MemoryStore::new(), watch: calls.clone() };
    let runtime = tasks.start(Runtime::builder(store).clock(clock.clone())).await;
    runtime.execute(Other {}).await.unwrap();
    let id = tasks.run(&runtime, Leave { tasks: 500, effect: Effect::Choice, fails: false }).await;
    until("they are stored", async || {
        clock.advance(Duration::from_secs(1));
        late_effects(&runtime, id).await > 0
    })
    .await;
    runtime.shutdown(Duration::from_secs(10)).await.unwrap();
    let calls = calls.0.lock().unwrap().clone();
    // The first look of the thread that stores them may come while the tasks run.
    assert!(calls.len() <= 2 && calls.iter().all(|late| late.len() == 1), "{calls:?}");
    assert!(calls.iter().flatten().all(|late| (late.job, late.attempt) == (id, 1)), "{calls:?}");
    assert_eq!(calls.iter().flatten().map(|late| late.count).sum::<u32>(), 500);
}

/// The two places of a late event.
fn places() -> [String; 2] {
    let file = file!();
    let emitted_at = EMITTED_AT.load(Ordering::Relaxed);
    [format!("`emit` at {file}:{emitted_at} is too late"), format!("the handler of `Leave` ({file}:")]
}

#[tokio::test]
async fn r31_the_log_names_the_call_and_the_handler() {
    let lines = Lines::default();
    let writer = lines.clone();
    tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).init();
    let tasks = Tasks::new();
    let runtime = tasks.start(World::memory().builder()).await;
    let id = tasks.run(&runtime, Leave { tasks: 1, effect: Effect::Event, fails: false }).await;
    let line = || {
        lines
            .text()
            .lines()
            .find(|line| line.contains("too late") && line.contains(&id.to_string()))
            .map(str::to_owned)
    };
    until("the event is logged", async || line().is_some()).await;
    let line = line().unwrap();
    assert!(line.contains("WARN") && places().iter().all(|place| line.contains(place)), "{line}");
}

/// The message of the panic of a future.
async fn panic_of(future: impl Future) -> String {
    let panic = AssertUnwindSafe(future).catch_unwind().await.err().expect("it panics");
    panic.downcast_ref::<String>().unwrap().clone()
}

fn emits_late() -> Leave {
    Leave { tasks: 1, effect: Effect::Event, fails: false }
}

#[tokio::test]
async fn r31_the_kit_fails_a_test_at_the_line_that_ran_the_handler() {
    let tasks = Tasks { gate: Gate::wide_open(), ..Tasks::new() };
    let kit = tasks.start_kit().await;
    let (line, when) = (line!(), kit.when(emits_late()));
    let message = panic_of(when).await;
    let place = format!("{}:{line}:", file!());
    assert!(message.starts_with(&place) && places().iter().all(|place| message.contains(place)), "{message}");
}

#[tokio::test]
async fn r31_the_kit_fails_a_test_at_its_end() {
    let tasks = Tasks::new();
    let kit = tasks.start_kit().await;
    kit.when(emits_late()).await.then_succeeds();
    tasks.let_go(1).await;
    let message = panic_of(async { drop(kit) }).await;
    assert!(places().iter().all(|place| message.contains(place)), "{message}");
}

#[tokio::test]
async fn r31_the_kit_does_not_fail_a_test_by_tasks_that_are_awaited_or_of_failed_attempts() {
    let tasks = Tasks { gate: Gate::wide_open(), ..Tasks::new() };
    let kit = tasks.start_kit().await;
    kit.when(Leave { fails: true, ..emits_late() }).await.then_fails(FailureKind::Denied, "denied");
    tasks.let_go(1).await;
    kit.when(Join {}).await.then_emits(Left {});
}

/// Spawn a task that emits, and await it.
#[command]
struct Join {}

#[command]
async fn join(_: Join) {
    tokio::spawn(context().scope(async { emit(Left {}) })).await.unwrap();
}
