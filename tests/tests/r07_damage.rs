//! What a program cannot read or does not know affects its own record only (r07).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::path::PathBuf;

use common::{Gate, Log, Process, kind_and_code, reaches, settle, until};
use enact::clock::ManualClock;
use enact::prelude::*;
use enact::{Cursor, JobHandle, JobKind, JobQuery, JobState, RuntimeBuilder};
use enact_sqlite::SqliteStore;
use rusqlite::Connection;
use tempfile::{TempDir, tempdir};

/// A bell was rung.
#[event]
struct Rung {
    number: u32,
}

/// Ring the bell.
#[command]
struct Ring {
    number: u32,
}

#[command(retry = Retry::fixed(3, Duration::ZERO))]
async fn ring(ring: Ring) -> Result<u32, Failure> {
    emit(Rung { number: ring.number });
    Ok(ring.number)
}

/// Ring the bell behind the gate.
#[command(order_by = tower)]
struct RingLater {
    tower: u32,
}

#[command(retry = Retry::fixed(3, Duration::ZERO))]
async fn ring_later(_: RingLater, gate: Arc<Gate>, log: Arc<Log>) {
    gate.pass().await;
    log.note("rung");
}

/// Fail.
#[command]
struct Jam {}

#[command]
async fn jam(_: Jam) -> Result<(), Failure> {
    Err(Failure::new(FailureKind::Error, "jammed", "it is jammed"))
}

/// A file, and a clock for the runtimes on it.
struct World {
    folder: TempDir,
    clock: ManualClock,
}

impl World {
    fn new() -> Self {
        let clock = ManualClock::at("2030-01-01T00:00:00Z".parse().unwrap());
        Self { folder: tempdir().unwrap(), clock }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("bells.db")
    }

    fn builder(&self, gate: &Arc<Gate>) -> RuntimeBuilder {
        let store = SqliteStore::open(self.path()).unwrap();
        Runtime::builder(store).clock(self.clock.clone()).provide(gate.clone()).provide(Log::new())
    }

    async fn publisher(&self) -> Runtime {
        self.builder(&Gate::new()).without_worker().start().await.unwrap()
    }

    async fn worker(&self) -> Runtime {
        self.builder(&Gate::new()).start().await.unwrap()
    }

    /// Edits the file by hand.
    fn edit(&self, sql: &str) {
        let changed = Connection::open(self.path()).unwrap().execute(sql, []).unwrap();
        assert_eq!(changed, 1, "{sql}");
    }
}

async fn rings(runtime: &Runtime, count: u32) -> Vec<JobHandle<u32>> {
    let mut jobs = Vec::new();
    for number in 0..count {
        jobs.push(runtime.publish(Ring { number }).await.unwrap());
    }
    jobs
}

#[tokio::test]
async fn r07_one_job_of_twenty_one_with_a_broken_context_fails_and_the_others_run() {
    let world = World::new();
    let publisher = world.publisher().await;
    let jobs = rings(&publisher, 21).await;
    let broken = jobs[10].id();
    world.edit(&format!("UPDATE job_specs SET context = '{{' WHERE id = '{broken}'"));

    let worker = world.worker().await;
    for (number, job) in jobs.iter().enumerate() {
        let job = worker.jobs().handle_of::<Ring>(job.id());
        match job.outcome().await {
            Ok(rung) => assert_eq!(rung as usize, number),
            Err(failure) => {
                assert_eq!(
                    (job.id(), kind_and_code(&failure)),
                    (broken, (FailureKind::Error, "unreadable_job"))
                );
                assert!(failure.message().contains("column `context`"), "{failure}");
            }
        }
    }
    let listed = worker.jobs().list(&JobQuery::new()).await.unwrap().jobs;
    assert_eq!(listed.len(), 21);
    let unreadable: Vec<_> = listed.iter().filter(|job| !job.unreadable.is_empty()).collect();
    assert_eq!(
        unreadable.iter().map(|job| (job.id, job.state)).collect::<Vec<_>>(),
        [(broken, JobState::Failed)]
    );
    assert_eq!(unreadable[0].unreadable[0].column, "context");

    // Once the row is corrected, the job can be retried.
    world.edit(&format!("UPDATE job_specs SET context = NULL WHERE id = '{broken}'"));
    worker.jobs().retry(broken).await.unwrap();
    assert_eq!(worker.jobs().handle_of::<Ring>(broken).outcome().await, Ok(10));
}

#[tokio::test]
async fn r07_a_failure_of_an_unknown_kind_is_shown_as_it_is() {
    let world = World::new();
    let runtime = world.worker().await;
    let job = runtime.publish(Jam {}).await.unwrap();
    job.outcome().await.unwrap_err();
    world.edit(
        r#"UPDATE attempts SET failure = '{"kind":"throttled","code":"later","message":"m","until":7}'"#,
    );

    let listed = runtime.jobs().list(&JobQuery::new()).await.unwrap().jobs;
    let failure = listed[0].failure.clone().unwrap();
    assert!(matches!(failure.kind(), FailureKind::Unknown(kind) if kind.as_str() == "throttled"));
    assert_eq!(serde_json::to_value(&failure).unwrap()["until"], 7);
    assert_eq!(job.outcome().await.unwrap_err(), failure);
    assert_eq!(runtime.jobs().attempts(job.id()).await.unwrap()[0].failure, Some(failure));

    world.edit("UPDATE attempts SET failure = '{', reached = 'validate_twice'");
    let listed = runtime.jobs().list(&JobQuery::new()).await.unwrap().jobs;
    assert_eq!(listed[0].failure.as_ref().map(Failure::code), Some("unreadable_failure"));
    let attempts = runtime.jobs().attempts(job.id()).await.unwrap();
    assert_eq!(attempts[0].reached.map(|step| step.to_string()).as_deref(), Some("validate_twice"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r07_one_unreadable_job_of_a_dead_worker_keeps_none_from_being_rescued() {
    let world = World::new();
    let dead = Process::start(world.builder(&Gate::new())).await;
    let mut jobs = Vec::new();
    for tower in 0..3 {
        jobs.push(dead.runtime.publish(RingLater { tower }).await.unwrap().id());
    }
    // Waits behind the job that will be unreadable.
    jobs.push(dead.runtime.publish(RingLater { tower: 1 }).await.unwrap().id());
    for job in &jobs[..3] {
        reaches(&dead.runtime, *job, JobState::Running).await;
    }
    dead.kill().await;
    world.edit(&format!("UPDATE job_specs SET correlation = CAST(x'ff' AS TEXT) WHERE id = '{}'", jobs[1]));

    let rescuer = world.builder(&Gate::wide_open()).start().await.unwrap();
    let ended = async || {
        world.clock.advance(Duration::from_secs(1));
        settle().await;
        common::jobs(&rescuer).await.iter().all(|job| job.state.has_ended())
    };
    until("all jobs have ended", ended).await;
    let states = common::jobs(&rescuer).await.into_iter().map(|job| job.state);
    let expected = [JobState::Succeeded, JobState::Failed, JobState::Succeeded, JobState::Succeeded];
    assert_eq!(states.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn r07_a_job_of_an_unknown_kind_is_left_to_another_program() {
    let world = World::new();
    let publisher = world.publisher().await;
    let jobs = rings(&publisher, 3).await;
    let unknown = jobs[0].id();
    let set_name = |kind: &str, state: &str| {
        let name = format!("(SELECT id FROM names WHERE kind = '{kind}')");
        let seq = format!("(SELECT seq FROM job_specs WHERE id = '{unknown}')");
        for table in ["job_specs", state] {
            world.edit(&format!("UPDATE {table} SET name = {name} WHERE seq = {seq}"));
        }
    };
    world.edit("INSERT INTO names (kind, name, ready) SELECT 'saga_step', name, 1 FROM names");
    world.edit("UPDATE names SET ready = ready - 1 WHERE kind = 'command'");
    set_name("saga_step", "ready");

    let worker = world.builder(&Gate::new()).concurrency(1).start().await.unwrap();
    for job in &jobs[1..] {
        worker.jobs().handle_of::<Ring>(job.id()).outcome().await.unwrap();
    }
    let left = worker.jobs().handle(unknown).job().await.unwrap();
    assert!(matches!(left.kind, JobKind::Unknown(kind) if kind.as_str() == "saga_step"));
    assert_eq!((left.state, left.attempts, &left.unreadable), (JobState::Waiting, 0, &vec![]));
    assert_eq!(worker.jobs().attempts(unknown).await.unwrap(), []);
    let counts = worker.jobs().count().await.unwrap();
    assert_eq!(
        counts.iter().filter(|count| count.kind == left.kind).map(|count| count.count).sum::<u64>(),
        1
    );

    // A program that knows it takes it.
    set_name("command", "waiting");
    world.clock.advance(Duration::from_secs(61));
    let job = worker.jobs().handle_of::<Ring>(unknown);
    let outcome = job.outcome();
    let advance = async {
        loop {
            settle().await;
            world.clock.advance(Duration::from_secs(1));
        }
    };
    tokio::select! {
        rung = outcome => assert_eq!(rung, Ok(0)),
        () = advance => {}
    }
}

#[tokio::test]
async fn r07_an_event_that_cannot_be_read_is_not_left_out() {
    let world = World::new();
    let runtime = world.worker().await;
    for job in rings(&runtime, 3).await {
        job.outcome().await.unwrap();
    }
    world.edit("UPDATE events SET payload = '{' WHERE position = 2");
    let events = runtime.events().list(&Cursor::START, 10).await.unwrap();
    assert_eq!(events.iter().map(|event| event.cursor.number()).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(events[1].unreadable.iter().map(|part| &*part.column).collect::<Vec<_>>(), ["payload"]);
    assert!(events[1].payload.value().is_err());
    assert!(events[0].unreadable.is_empty() && events[2].unreadable.is_empty());
}
