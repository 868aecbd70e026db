//! Another program locks the database file for a minute: writes fail, nothing is lost, and no runtime needs a restart.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::path::Path;

use common::{Gate, World, job, jobs, kind_and_code, run_test, state, until};
use enact::Cursor;
use enact::prelude::*;
use enact_sqlite::SqliteStore;

/// A counter.
#[entity]
struct Counter {
    id: u32,
    value: u32,
}

/// A counter was incremented.
#[event]
struct Counted {}

/// Increment a counter behind the gate.
#[command(target = counter)]
struct Count {
    counter: u32,
}

impl From<&Count> for Counter {
    fn from(count: &Count) -> Self {
        Self { id: count.counter, value: 0 }
    }
}

#[command(create = if_missing, retry = Retry::fixed(10, Duration::from_secs(1)))]
async fn count(_: Count, counter: &mut Counter, gate: Arc<Gate>) {
    gate.pass().await;
    counter.value += 1;
    emit(Counted {});
}

impl Counter {
    async fn value(runtime: &Runtime) -> Option<u32> {
        runtime.entities::<Self>().get(&1).await.unwrap().map(|counter| counter.value)
    }
}

async fn start(world: &World, file: &Path, gate: &Arc<Gate>) -> Runtime {
    let store = SqliteStore::builder(file).busy_timeout(Duration::from_millis(20)).open().unwrap();
    let builder = Runtime::builder(store).clock(world.clock.clone()).provide(gate.clone());
    builder.lease(Duration::from_secs(10)).start().await.unwrap()
}

/// The number of events. A page ends where the log is not known to be durable; the next one waits for that.
async fn events(runtime: &Runtime) -> usize {
    let (mut events, mut last) = (0, Cursor::START);
    loop {
        let page = runtime.events().list(&last, 10).await.unwrap();
        let Some(event) = page.last() else { return events };
        last = event.cursor.clone();
        events += page.len();
    }
}

#[test]
fn a_job_that_runs_while_the_file_is_locked_takes_effect_once() {
    run_test(World::memory(), async |world| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("locked.db");
        let gate = Gate::new();
        let runtime = start(&world, &file, &gate).await;
        let witness = start(&world, &file, &gate).await;
        let running = runtime.publish(Count { counter: 1 }).await.unwrap();
        gate.arrival().await;
        let later = runtime.publish(Count { counter: 1 }).delay(Duration::from_secs(30)).await.unwrap();

        let another_program = rusqlite::Connection::open(&file).unwrap();
        another_program.execute_batch("BEGIN EXCLUSIVE").unwrap();
        let refused = runtime.publish(Count { counter: 1 }).await.unwrap_err();
        assert_eq!(kind_and_code(&refused), (FailureKind::Unavailable, "store_unavailable"));
        assert!(refused.message().contains("locked.db") && refused.message().contains("lock"), "{refused}");
        gate.open();
        // A minute is longer than the lease, the retry pauses and the delay.
        for _ in 0..60 {
            world.advance(Duration::from_secs(1));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(state(&witness, running.id()).await, JobState::Running, "reads do not wait for the lock");
        assert_eq!(state(&witness, later.id()).await, JobState::Waiting);
        assert_eq!(Counter::value(&witness).await, None);

        another_program.execute_batch("COMMIT").unwrap();
        gate.open_wide();
        until("all jobs have succeeded", async || {
            world.advance(Duration::from_millis(500));
            jobs(&witness).await.iter().all(|job| job.state == JobState::Succeeded)
        })
        .await;
        assert_eq!(jobs(&witness).await.len(), 2, "the refused job is not stored");
        assert_eq!(Counter::value(&witness).await, Some(2));
        assert_eq!(events(&witness).await, 2);
        let attempts = witness.jobs().attempts(running.id()).await.unwrap();
        assert_eq!(attempts.iter().filter(|attempt| attempt.failure.is_none()).count(), 1);
        assert!(
            job(&witness, running.id()).await.attempts >= 2,
            "the attempt that met the lock failed or was lost"
        );
        runtime.publish(Count { counter: 1 }).await.unwrap().outcome().await.unwrap();
    });
}
