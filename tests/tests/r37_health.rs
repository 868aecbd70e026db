//! A runtime knows whether it can do its work (r37). The subscriber is global: one of the tests sets it, and reads its own lines.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::sync::{Condvar, Mutex};

use async_trait::async_trait;
use common::lines::Lines;
use common::watched::{Watch, Watched};
use common::{Gate, World, settle, until};
use enact::clock::ManualClock;
use enact::prelude::*;
use enact::{Health, HealthPart, HealthState, MemoryStore};
use enact_sqlite::SqliteStore;
use tokio::sync::Semaphore;

const SECOND: Duration = Duration::from_secs(1);

/// Wait at the gate.
#[command]
struct Wait {}

#[command]
async fn wait(_: Wait, gate: Arc<Gate>) {
    gate.pass().await;
}

/// Hold the thread until the wall is taken down.
#[command]
struct Block {}

#[command]
async fn block(_: Block, wall: Arc<Wall>) {
    let is_down = wall.down.wait_while(wall.is_down.lock().unwrap(), |is_down| !*is_down);
    drop(is_down.unwrap());
}

#[derive(Default)]
struct Wall {
    is_down: Mutex<bool>,
    down: Condvar,
}

impl Wall {
    fn take_down(&self) {
        *self.is_down.lock().unwrap() = true;
        self.down.notify_all();
    }
}

fn parts(health: &Health) -> Vec<HealthPart> {
    health.problems.iter().map(|problem| problem.part).collect()
}

/// Advances the clock, second by second, until the health is as wanted.
async fn becomes(clock: &ManualClock, runtime: &Runtime, wanted: &[HealthPart]) -> Health {
    until(&format!("the problems are {wanted:?}"), async || {
        clock.advance(SECOND);
        settle().await;
        parts(&runtime.health()) == wanted
    })
    .await;
    runtime.health()
}

/// How many lines contain both texts.
fn lines_with(lines: &Lines, one: &str, other: &str) -> usize {
    lines.with(one).iter().filter(|line| line.contains(other)).count()
}

#[cfg(unix)]
#[test]
fn r37_a_store_that_fails_makes_the_runtime_unavailable_until_it_works_again() {
    let lines = Lines::default();
    let writer = lines.clone();
    tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).init();
    common::run_test(World::memory(), async |world| {
        let folder = tempfile::tempdir().unwrap();
        let (path, elsewhere) = (folder.path().join("shop.db"), folder.path().join("elsewhere.db"));
        let gate = Gate::wide_open();
        let builder = Runtime::builder(SqliteStore::open(&path).unwrap()).clock(world.clock.clone());
        let shop = builder.provide(gate).provide(Arc::<Wall>::default()).start().await.unwrap();
        let healthy = shop.health();
        assert_eq!((healthy.state(), healthy.to_string()), (HealthState::Healthy, "healthy".to_owned()));
        let changed = tokio::spawn({
            let (shop, healthy) = (shop.clone(), healthy.clone());
            async move { shop.health_changed(&healthy).await }
        });
        settle().await;
        assert!(!changed.is_finished());

        std::fs::rename(&path, &elsewhere).unwrap();
        let began = world.now();
        until("the runtime is unavailable", async || {
            world.advance(SECOND);
            settle().await;
            shop.health().state() == HealthState::Unavailable
        })
        .await;
        let changed = changed.await.unwrap();
        assert_ne!(changed, healthy);
        let claims = || {
            let mut problems = shop.health().problems.into_iter();
            problems.find(|problem| problem.part == HealthPart::Claims).expect("claims fail")
        };
        let problem = claims();
        assert!(problem.since >= began && problem.failure.message().contains("moved"), "{problem}");
        let refused = shop.publish(Wait {}).await.unwrap_err();
        assert_eq!(refused.kind(), FailureKind::Unavailable);
        assert!(parts(&shop.health()).contains(&HealthPart::Requests));

        // One line at the first failure, and then at growing intervals.
        let failures = claims().failures;
        until("it has failed a hundred times", async || {
            world.advance(SECOND);
            tokio::time::sleep(Duration::from_millis(2)).await;
            claims().failures > failures + 100
        })
        .await;
        let logged = lines_with(&lines, "ERROR", "cannot claim jobs");
        assert!((2..=10).contains(&logged), "{logged} lines");

        std::fs::rename(&elsewhere, &path).unwrap();
        assert_eq!(becomes(&world.clock, &shop, &[]).await, healthy);
        assert_eq!(lines_with(&lines, "works again", "cannot claim jobs"), 1);
        shop.publish(Wait {}).await.unwrap().outcome().await.unwrap();
    });
}

#[test]
fn r37_handlers_that_hold_every_thread_stall_the_dispatcher() {
    common::run_test(World::memory(), async |world| {
        let process =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let wall = Arc::<Wall>::default();
        let builder = world.builder().provide(Gate::wide_open()).provide(wall.clone());
        let shop = process.spawn(builder.start()).await.unwrap().unwrap();
        for _ in 0..10 {
            world.advance(SECOND);
            settle().await;
        }
        assert!(shop.health().is_healthy(), "{}", shop.health());
        shop.publish(Block {}).await.unwrap();
        let stalled = becomes(&world.clock, &shop, &[HealthPart::Dispatcher]).await;
        assert_eq!(
            (stalled.state(), stalled.problems[0].failure.code()),
            (HealthState::Unavailable, "stalled")
        );
        wall.take_down();
        becomes(&world.clock, &shop, &[]).await;
        process.shutdown_background();
    });
}

/// Holds renewals after the first.
struct HeldRenewals(Arc<Semaphore>);

#[async_trait]
impl Watch for HeldRenewals {
    async fn renewing(&self) {
        self.0.acquire().await.unwrap().forget();
    }
}

#[test]
fn r37_a_lease_that_expires_while_the_store_hangs_is_a_problem() {
    common::run_test(World::memory(), async |world| {
        let renewals = Arc::new(Semaphore::new(1));
        let store = Watched { store: MemoryStore::new(), watch: HeldRenewals(renewals.clone()) };
        let gate = Gate::new();
        let builder = Runtime::builder(store).clock(world.clock.clone()).without_worker();
        let shop = builder.provide(gate.clone()).provide(Arc::<Wall>::default()).start().await.unwrap();
        let running = tokio::spawn(shop.execute(Wait {}).into_future());
        gate.arrival().await;
        assert!(shop.health().is_healthy());
        let expired = becomes(&world.clock, &shop, &[HealthPart::Lease]).await;
        assert_eq!(expired.problems[0].failure.code(), "lease_expired");
        renewals.add_permits(1_000_000);
        becomes(&world.clock, &shop, &[]).await;
        gate.open();
        running.await.unwrap().unwrap();
    });
}
