//! Handlers that block every thread of their tokio runtime keep their lease: a thread of its own renews it (r23). Time is real here.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, Weak};

use async_trait::async_trait;
use common::watched::{Watch, Watched};
use common::{Gate, World, on_every_store, until};
use enact::clock::SystemClock;
use enact::prelude::*;
use enact::store::Store;
use enact::{JobId, MemoryStore, RuntimeBuilder};
use tokio::sync::Semaphore;

const LEASE: Duration = Duration::from_millis(200);

/// How many threads the tokio runtime of a process has.
const THREADS: usize = 2;

/// A counter.
#[entity]
struct Counter {
    id: u32,
    value: u32,
}

impl From<&Count> for Counter {
    fn from(count: &Count) -> Self {
        Self { id: count.counter, value: 0 }
    }
}

/// Increment a counter, and block the thread before that.
#[command(target = counter)]
struct Count {
    counter: u32,
}

#[command(create = if_missing, retry = Retry::fixed(5, Duration::ZERO))]
async fn count(_: Count, counter: &mut Counter, wall: Arc<Wall>) {
    wall.block();
    counter.value += 1;
}

/// Wait at the gate.
#[command]
struct Wait {}

#[command]
async fn wait(_: Wait, gate: Arc<Gate>) {
    gate.pass().await;
}

/// Blocks the threads of handlers until it is taken down.
#[derive(Default)]
struct Wall {
    is_down: Mutex<bool>,
    down: Condvar,
    arrivals: AtomicUsize,
}

impl Wall {
    fn block(&self) {
        self.arrivals.fetch_add(1, Ordering::SeqCst);
        let is_down = self.down.wait_while(self.is_down.lock().unwrap(), |is_down| !*is_down);
        drop(is_down.unwrap());
    }

    fn take_down(&self) {
        *self.is_down.lock().unwrap() = true;
        self.down.notify_all();
    }
}

/// A runtime on a tokio runtime of its own.
struct Process {
    tokio: Option<tokio::runtime::Runtime>,
    runtime: Option<Runtime>,
    wall: Arc<Wall>,
    gate: Weak<Gate>,
}

impl Process {
    async fn start(world: &World) -> Self {
        Self::start_with(world, |builder| builder).await
    }

    async fn start_with(world: &World, configure: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder) -> Self {
        Self::start_on(configure(world.builder().clock(SystemClock))).await
    }

    async fn start_on(builder: RuntimeBuilder) -> Self {
        let tokio =
            tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build().unwrap();
        let (wall, gate) = (Arc::<Wall>::default(), Gate::new());
        let builder = builder.lease(LEASE).provide(wall.clone()).provide(gate.clone());
        let runtime = tokio.spawn(builder.start()).await.unwrap().unwrap();
        Self { tokio: Some(tokio), runtime: Some(runtime), wall, gate: Arc::downgrade(&gate) }
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().unwrap()
    }

    /// Waits until every thread is blocked.
    async fn is_blocked(&self) {
        until("every thread is blocked", async || self.wall.arrivals.load(Ordering::SeqCst) == THREADS).await;
    }

    /// Whether nothing holds the runtime's state any more.
    fn is_released(&self) -> bool {
        self.gate.strong_count() == 0
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.wall.take_down();
        if let Some(tokio) = self.tokio.take() {
            tokio.shutdown_background();
        }
    }
}

/// Waits until every lease was renewed so often that it would have expired several times otherwise.
async fn leases_are_renewed(store: &dyn Store, workers: usize) {
    let renewals = async || {
        let mut leases = store.leases().await.unwrap();
        leases.sort_by(|one, other| one.worker.as_str().cmp(other.worker.as_str()));
        leases.into_iter().map(|lease| lease.renewals).collect::<Vec<_>>()
    };
    let before = renewals().await;
    assert_eq!(before.len(), workers);
    // A lease is renewed when less than half of it is left.
    until("the leases are renewed", async || {
        let now = renewals().await;
        now.len() == workers && now.iter().zip(&before).all(|(now, before)| *now >= before + 8)
    })
    .await;
}

async fn is_counted_once(runtime: &Runtime, counter: u32, id: JobId) {
    let job = common::reaches(runtime, id, JobState::Succeeded).await;
    assert_eq!(job.attempts, 1, "the first attempt is not lost");
    let stored = runtime.entities::<Counter>().get(&counter).await.unwrap().unwrap();
    assert_eq!(stored.value, 1);
}

async fn r23_handlers_that_block_every_thread_keep_their_lease(world: World) {
    let process = Process::start(&world).await;
    let mut published = Vec::new();
    for counter in 0..2 {
        published.push(process.runtime().publish(Count { counter }).await.unwrap().id());
    }
    process.is_blocked().await;
    // It would rescue the attempts.
    let witness = Process::start_with(&world, RuntimeBuilder::without_worker).await;
    leases_are_renewed(&*world.store(), 1).await;
    process.wall.take_down();
    for (counter, id) in (0..).zip(published) {
        is_counted_once(witness.runtime(), counter, id).await;
    }
}

async fn r23_two_processes_whose_handlers_block_finish_their_work(world: World) {
    let desk = Process::start_with(&world, RuntimeBuilder::without_worker).await;
    let one = Process::start_with(&world, |builder| builder.concurrency(THREADS)).await;
    let other = Process::start_with(&world, |builder| builder.concurrency(THREADS)).await;
    let mut published = Vec::new();
    for counter in 0..4 {
        published.push(desk.runtime().publish(Count { counter }).await.unwrap().id());
    }
    one.is_blocked().await;
    other.is_blocked().await;
    leases_are_renewed(&*world.store(), 2).await;
    one.wall.take_down();
    other.wall.take_down();
    for (counter, id) in (0..).zip(published) {
        is_counted_once(desk.runtime(), counter, id).await;
    }
}

/// Holds renewals until they are let go.
struct HeldRenewals {
    begun: Arc<AtomicUsize>,
    go: Arc<Semaphore>,
}

#[async_trait]
impl Watch for HeldRenewals {
    async fn renewing(&self) {
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.go.acquire().await.unwrap().forget();
    }
}

#[test]
fn r23_a_renewal_that_a_blocked_thread_has_begun_is_completed_by_another() {
    common::run_test(World::memory(), async |_| {
        let (begun, go) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
        let watch = HeldRenewals { begun: begun.clone(), go: go.clone() };
        let builder = Runtime::builder(Watched { store: MemoryStore::new(), watch });
        let process = Process::start_on(builder.without_worker()).await;
        let tokio = process.tokio.as_ref().unwrap();
        tokio.spawn(process.runtime().execute(Count { counter: 0 }).into_future());
        until("the execution renews the lease", async || begun.load(Ordering::SeqCst) == 1).await;
        for _ in 0..THREADS {
            let wall = process.wall.clone();
            tokio.spawn(async move { wall.block() });
        }
        process.is_blocked().await;
        go.add_permits(1_000_000);
        until("the lease is renewed again", async || begun.load(Ordering::SeqCst) > 3).await;
    });
}

async fn r23_the_lease_thread_ends_with_the_last_clone(world: World) {
    let mut process = Process::start(&world).await;
    assert!(!process.is_released());
    let clone = process.runtime.take();
    assert!(!process.is_released());
    drop(clone);
    until("the lease thread has ended", async || process.is_released()).await;
}

async fn r23_the_lease_thread_ends_at_a_shutdown(world: World) {
    let mut process = Process::start(&world).await;
    process.runtime().publish(Wait {}).await.unwrap();
    let gate = process.gate.upgrade().unwrap();
    gate.arrival().await;
    drop(gate);
    // The attempt is aborted.
    process.runtime().shutdown(Duration::ZERO).await.unwrap_err();
    assert!(world.store().leases().await.unwrap().is_empty(), "the thread has deleted the lease");
    let last = process.runtime.take();
    drop(last);
    until("the lease thread has ended", async || process.is_released()).await;
}

async fn r23_the_lease_thread_ends_when_the_tokio_runtime_is_gone(world: World) {
    let mut process = Process::start(&world).await;
    process.runtime().publish(Wait {}).await.unwrap();
    let gate = process.gate.upgrade().unwrap();
    gate.arrival().await;
    drop(gate);
    process.tokio.take().unwrap().shutdown_background();
    drop(process.runtime.take());
    until("the lease thread has ended", async || process.is_released()).await;
}

on_every_store!(
    r23_handlers_that_block_every_thread_keep_their_lease,
    r23_two_processes_whose_handlers_block_finish_their_work,
    r23_the_lease_thread_ends_with_the_last_clone,
    r23_the_lease_thread_ends_at_a_shutdown,
    r23_the_lease_thread_ends_when_the_tokio_runtime_is_gone,
);
