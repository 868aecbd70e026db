//! A panic in `Drop` changes nothing of how an attempt ends, and strands no job ([r15](enact::rules#r15)).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{Gate, World, job, kind_and_code, on_every_store, reaches};
use enact::ExecutionContext;
use enact::clock::ManualClock;
use enact::context::FromContext;
use enact::prelude::*;
use serde_json::json;

/// Panics when it is dropped.
#[derive(Debug)]
struct Bomb {
    /// Also while the thread panics already, which aborts the process unless it is caught.
    always: bool,
}

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(!self.always && std::thread::panicking(), "a bomb went off");
    }
}

/// A bomb in a message or an entity. It is not stored.
type Hidden = Option<Bomb>;

/// Where a handler has its bomb.
#[value]
#[derive(Clone, Copy, Debug, PartialEq)]
enum Load {
    /// In its future.
    Future,
    /// In what it has extracted.
    Extracted,
    /// In an event that it has emitted.
    Staged,
    /// In its entity.
    Entity,
    /// In all of them.
    All,
}

const LOADS: [Load; 5] = [Load::Future, Load::Extracted, Load::Staged, Load::Entity, Load::All];

impl Load {
    fn bomb(self, place: Self) -> Hidden {
        (self == place || self == Self::All).then(|| Bomb { always: false })
    }

    /// Loads what an attempt holds besides the handler's future.
    fn load(self, vault: &mut Vault, extracted: &mut Extracted) {
        vault.bomb = self.bomb(Self::Entity);
        extracted.0 = self.bomb(Self::Extracted);
        let bomb = self.bomb(Self::Staged);
        if bomb.is_some() {
            emit(Explosive { bomb });
        }
    }
}

/// Extracted from the context.
struct Extracted(Hidden);

impl FromContext for Extracted {
    fn from_context(_: &ExecutionContext) -> Result<Self, Failure> {
        Ok(Self(None))
    }
}

/// Something explosive.
#[event]
#[allow(dead_code, reason = "only dropped")]
struct Explosive {
    #[serde(skip)]
    #[schemars(skip)]
    bomb: Hidden,
}

/// A vault.
#[entity]
struct Vault {
    id: u32,
    #[serde(skip)]
    #[schemars(skip)]
    bomb: Hidden,
}

/// Implements the creation of a vault.
macro_rules! opens_vault {
    ($($command:ident),*) => { $(
        impl From<&$command> for Vault {
            fn from(command: &$command) -> Self {
                Self { id: command.vault, bomb: None }
            }
        }
    )* };
}

opens_vault!(Wait, WaitLong, Watch, Fail, Idle);

/// Wait with a bomb, for at most a second.
#[command(target = vault)]
struct Wait {
    vault: u32,
    load: Load,
}

#[command(create = if_missing, timeout = Duration::from_secs(1))]
async fn wait(wait: Wait, vault: &mut Vault, mut extracted: Extracted, gate: Arc<Gate>) {
    let _bomb = wait.load.bomb(Load::Future);
    wait.load.load(vault, &mut extracted);
    gate.pass().await;
}

/// Wait with a bomb, without a time limit.
#[command(target = vault)]
struct WaitLong {
    vault: u32,
    load: Load,
}

#[command(create = if_missing)]
async fn wait_long(wait: WaitLong, vault: &mut Vault, mut extracted: Extracted, gate: Arc<Gate>) {
    let _bomb = wait.load.bomb(Load::Future);
    wait.load.load(vault, &mut extracted);
    gate.pass().await;
}

/// Wait with a bomb until cancelled.
#[command(target = vault)]
struct Watch {
    vault: u32,
    load: Load,
}

#[command(create = if_missing)]
async fn watch(watch: Watch, vault: &mut Vault, mut extracted: Extracted, gate: Arc<Gate>) {
    let _bomb = watch.load.bomb(Load::Future);
    watch.load.load(vault, &mut extracted);
    let cancelled = context().cancelled();
    tokio::select! {
        () = cancelled => {}
        () = gate.pass() => {}
    }
}

/// Fail, or panic, with bombs in the entity, in an event and in the error. They go off also while another panic unwinds.
#[command(target = vault)]
struct Fail {
    vault: u32,
    panics: bool,
}

#[command(create = if_missing)]
async fn fail(fail: Fail, vault: &mut Vault) -> Result<(), Explosion> {
    vault.bomb = Some(Bomb { always: true });
    emit(Explosive { bomb: Some(Bomb { always: true }) });
    assert!(!fail.panics, "the handler panics");
    Err(Explosion(Bomb { always: true }))
}

/// The error of a handler.
#[derive(Debug, thiserror::Error)]
#[error("the handler fails")]
struct Explosion(#[allow(dead_code, reason = "only dropped")] Bomb);

/// Panic with a bomb as the payload.
#[command]
struct Throw {}

#[command]
async fn throw(_: Throw) {
    std::panic::panic_any(Bomb { always: false });
}

/// A command that carries a bomb whenever it is read.
#[command(target = vault)]
struct Explode {
    vault: u32,
    #[serde(skip, default = "armed")]
    #[schemars(skip)]
    bomb: Hidden,
}

#[expect(clippy::unnecessary_wraps, reason = "serde calls it for a field")]
fn armed() -> Hidden {
    Some(Bomb { always: false })
}

#[command(create = never)]
async fn explode(mut command: Explode, _: &mut Vault) {
    std::mem::forget(command.bomb.take());
}

/// Return an output with a bomb, after as many seconds without an `.await`.
#[command]
struct Produce {
    seconds: u64,
}

#[value]
#[allow(dead_code, reason = "only dropped")]
struct Product {
    #[serde(skip, default = "armed")]
    #[schemars(skip)]
    bomb: Hidden,
}

#[command(timeout = Duration::from_secs(1))]
async fn produce(produce: Produce, clock: Arc<ManualClock>) -> Result<Product, Failure> {
    clock.advance(Duration::from_secs(produce.seconds));
    Ok(Product { bomb: armed() })
}

/// Do nothing to a vault.
#[command(target = vault)]
struct Idle {
    vault: u32,
}

#[command(create = if_missing)]
async fn idle(_: Idle, _: &mut Vault) {}

async fn start(world: &World) -> (Runtime, Arc<Gate>) {
    let gate = Gate::new();
    let builder = world.builder().concurrency(1).provide(gate.clone()).provide(Arc::new(world.clock.clone()));
    (builder.start().await.unwrap(), gate)
}

/// Checks that neither the permit nor the entity is held.
async fn assert_free(runtime: &Runtime) {
    runtime.publish(Idle { vault: 1 }).await.unwrap().outcome().await.unwrap();
}

async fn r15_a_panic_in_drop_at_a_time_limit_is_a_timeout(world: World) {
    let (runtime, gate) = start(&world).await;
    for load in LOADS {
        let waiting = runtime.publish(Wait { vault: 1, load }).await.unwrap();
        gate.arrival().await;
        world.advance(Duration::from_secs(2));
        let failed = reaches(&runtime, waiting.id(), JobState::Failed).await;
        assert_eq!(kind_and_code(&failed.failure.unwrap()), (FailureKind::TimedOut, "timed_out"), "{load:?}");
        assert_free(&runtime).await;
    }
}

async fn r24_a_panic_in_drop_of_a_cancelled_attempt_leaves_it_cancelled(world: World) {
    let (runtime, gate) = start(&world).await;
    for load in LOADS {
        let watching = runtime.publish(Watch { vault: 1, load }).await.unwrap();
        gate.arrival().await;
        runtime.jobs().cancel(watching.id()).await.unwrap();
        assert_free(&runtime).await;
        let cancelled = job(&runtime, watching.id()).await;
        assert_eq!(cancelled.state, JobState::Cancelled, "{load:?}");
        assert_eq!(cancelled.failure.unwrap().kind(), FailureKind::Cancelled, "{load:?}");
    }
}

async fn r15_a_panic_in_drop_at_a_shutdown_releases_the_attempt(world: World) {
    for load in LOADS {
        let (runtime, gate) = start(&world).await;
        let waiting = runtime.publish(WaitLong { vault: 1, load }).await.unwrap();
        gate.arrival().await;
        runtime.shutdown(Duration::ZERO).await.unwrap_err();
        let (reader, _gate) = start(&world).await;
        let released = reaches(&reader, waiting.id(), JobState::Failed).await;
        assert_eq!(kind_and_code(&released.failure.unwrap()), (FailureKind::Lost, "shut_down"), "{load:?}");
        assert_free(&reader).await;
        reader.shutdown(Duration::from_secs(10)).await.unwrap();
    }
}

async fn r15_a_panic_in_drop_does_not_replace_the_failure_of_the_handler(world: World) {
    let (runtime, _gate) = start(&world).await;
    for (panics, kind, message) in [
        (false, FailureKind::Error, "the handler fails"),
        (true, FailureKind::Panicked, "panicked: the handler panics"),
    ] {
        let failure = runtime.publish(Fail { vault: 1, panics }).await.unwrap().outcome().await.unwrap_err();
        assert_eq!((failure.kind(), failure.message()), (kind, message));
        assert_free(&runtime).await;
    }
}

async fn r15_a_panic_in_drop_of_a_command_does_not_replace_its_failure(world: World) {
    let (runtime, _gate) = start(&world).await;
    let missing = runtime.publish_json("Explode", json!({"vault": 2})).await.unwrap();
    assert_eq!(missing.outcome().await.unwrap_err().kind(), FailureKind::NotFound);
    assert_free(&runtime).await;
    runtime.publish_json("Explode", json!({"vault": 1})).await.unwrap().outcome().await.unwrap();
}

async fn r15_a_panic_in_drop_of_an_output_changes_no_outcome(world: World) {
    let (runtime, _gate) = start(&world).await;
    let produced = runtime.publish(Produce { seconds: 0 }).await.unwrap();
    reaches(&runtime, produced.id(), JobState::Succeeded).await;
    let late = runtime.publish(Produce { seconds: 2 }).await.unwrap();
    let late = reaches(&runtime, late.id(), JobState::Failed).await;
    assert_eq!(late.failure.unwrap().kind(), FailureKind::TimedOut);
    assert_free(&runtime).await;
}

async fn r15_a_panic_that_panics_when_it_is_dropped_is_a_panic(world: World) {
    let (runtime, _gate) = start(&world).await;
    let failure = runtime.publish(Throw {}).await.unwrap().outcome().await.unwrap_err();
    assert_eq!(failure.kind(), FailureKind::Panicked);
    assert_free(&runtime).await;
}

on_every_store!(
    r15_a_panic_in_drop_at_a_time_limit_is_a_timeout,
    r24_a_panic_in_drop_of_a_cancelled_attempt_leaves_it_cancelled,
    r15_a_panic_in_drop_at_a_shutdown_releases_the_attempt,
    r15_a_panic_in_drop_does_not_replace_the_failure_of_the_handler,
    r15_a_panic_in_drop_of_a_command_does_not_replace_its_failure,
    r15_a_panic_in_drop_of_an_output_changes_no_outcome,
    r15_a_panic_that_panics_when_it_is_dropped_is_a_panic,
);
