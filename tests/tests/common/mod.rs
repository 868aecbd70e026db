//! What the tests of the rules share: stores to run on, gates that hold handlers, and words for what is looked at.
#![allow(dead_code, unused_imports, unused_macros, reason = "each test binary uses a part of this")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

pub(crate) mod watched;

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use enact::clock::{Clock, ManualClock};
use enact::store::{JobQuery, Store};
use enact::{Failure, FailureKind, Job, JobId, JobState, MemoryStore, Runtime, RuntimeBuilder};
use enact_sqlite::SqliteStore;
use jiff::Timestamp;
use tempfile::TempDir;
use tokio::sync::Semaphore;

/// Makes two tests of each behaviour: one on the store in memory, one on a file of `SQLite`. One that is not listed is dead
/// code, which the lints refuse.
macro_rules! on_every_store {
    ($($behaviour:ident),* $(,)?) => {
        mod on_memory {
            $(#[test] fn $behaviour() { crate::common::show(crate::common::World::memory(), super::$behaviour); })*
        }
        mod on_sqlite {
            $(#[test] fn $behaviour() { crate::common::show(crate::common::World::sqlite(), super::$behaviour); })*
        }
    };
}
pub(crate) use on_every_store;

/// How long something may take that takes no time: then it is taken to stand still.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs one test of a behaviour.
pub(crate) fn show<F: Future<Output = ()>>(world: World, behaviour: impl FnOnce(World) -> F) {
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    tokio.block_on(async {
        tokio::time::timeout(PATIENCE, behaviour(world)).await.expect("nothing happens any more");
    });
}

/// A store, empty at first, and a clock that stands still: what runtimes are started on.
pub(crate) struct World {
    pub(crate) clock: ManualClock,
    disk: Disk,
}

enum Disk {
    Memory(MemoryStore),
    Sqlite(TempDir),
}

impl World {
    pub(crate) fn memory() -> Self {
        Self { clock: clock(), disk: Disk::Memory(MemoryStore::new()) }
    }

    pub(crate) fn sqlite() -> Self {
        Self { clock: clock(), disk: Disk::Sqlite(tempfile::tempdir().unwrap()) }
    }

    /// Another one, with a store of the same kind.
    pub(crate) fn another(&self) -> Self {
        match self.disk {
            Disk::Memory(_) => Self::memory(),
            Disk::Sqlite(_) => Self::sqlite(),
        }
    }

    /// A runtime to be, on this store and clock.
    pub(crate) fn builder(&self) -> RuntimeBuilder {
        match &self.disk {
            Disk::Memory(store) => Runtime::builder(store.clone()),
            Disk::Sqlite(directory) => Runtime::builder(open(directory)),
        }
        .clock(self.clock.clone())
    }

    /// The store itself, opened once more.
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        match &self.disk {
            Disk::Memory(store) => Arc::new(store.clone()),
            Disk::Sqlite(directory) => Arc::new(open(directory)),
        }
    }

    /// Reads a number from the file, as the `sqlite3` shell does; `None` if there is no file.
    pub(crate) fn query(&self, sql: &str) -> Option<i64> {
        let Disk::Sqlite(directory) = &self.disk else { return None };
        let connection = rusqlite::Connection::open(directory.path().join(FILE)).unwrap();
        Some(connection.query_row(sql, [], |row| row.get(0)).unwrap())
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }
}

const FILE: &str = "rules.db";

fn clock() -> ManualClock {
    ManualClock::at("2030-01-01T00:00:00Z".parse().unwrap())
}

fn open(directory: &TempDir) -> SqliteStore {
    SqliteStore::open(directory.path().join(FILE)).unwrap()
}

/// A runtime whose process can die: it lives on a tokio runtime of its own.
pub(crate) struct Mortal {
    tokio: tokio::runtime::Runtime,
    pub(crate) runtime: Runtime,
}

impl Mortal {
    pub(crate) async fn start(builder: RuntimeBuilder) -> Self {
        let tokio =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let runtime = tokio.spawn(builder.start()).await.unwrap().unwrap();
        Self { tokio, runtime }
    }

    /// Does something in the process that will die.
    pub(crate) fn spawn(&self, task: impl Future<Output: Send> + Send + 'static) {
        self.tokio.spawn(async move {
            task.await;
        });
    }

    /// Nothing of it goes on when this returns, and nobody was told.
    pub(crate) async fn die(self) {
        let tokio = self.tokio;
        tokio::task::spawn_blocking(move || tokio.shutdown_timeout(PATIENCE)).await.unwrap();
    }
}

/// Holds handlers until the test lets them go.
pub(crate) struct Gate {
    arrived: Semaphore,
    open: Semaphore,
}

impl Gate {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { arrived: Semaphore::new(0), open: Semaphore::new(0) })
    }

    /// A gate that holds nobody.
    pub(crate) fn wide_open() -> Arc<Self> {
        let gate = Self::new();
        gate.open_wide();
        gate
    }

    /// In a handler: says that it has come, and waits until it is let go.
    pub(crate) async fn pass(&self) {
        self.arrived.add_permits(1);
        self.open.acquire().await.unwrap().forget();
    }

    /// Waits until one more handler has come.
    pub(crate) async fn arrival(&self) {
        self.arrived.acquire().await.unwrap().forget();
    }

    /// How many have come that nobody has waited for.
    pub(crate) fn arrivals(&self) -> usize {
        self.arrived.available_permits()
    }

    /// Lets one handler go.
    pub(crate) fn open(&self) {
        self.open.add_permits(1);
    }

    /// Lets every handler go.
    pub(crate) fn open_wide(&self) {
        self.open.add_permits(1_000_000);
    }
}

/// What handlers have noted, in order.
#[derive(Default)]
pub(crate) struct Log(Mutex<Vec<String>>);

impl Log {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn note(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// Waits for something that nobody announces.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waited = tokio::time::timeout(PATIENCE / 2, async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    assert!(waited.await.is_ok(), "it never came about that {what}");
}

/// Gives everything that could go on a chance to do so, to see that it does not.
pub(crate) async fn settle() {
    tokio::time::sleep(Duration::from_millis(30)).await;
}

/// Polls a future that cannot be done yet, so that it has begun.
pub(crate) async fn begin<F: Future + Unpin>(future: &mut F) {
    let polled = std::future::poll_fn(|cx| std::task::Poll::Ready(pin!(&mut *future).poll(cx).is_pending()));
    assert!(polled.await, "it is done already");
}

pub(crate) async fn job(runtime: &Runtime, id: JobId) -> Job {
    runtime.jobs().get(id).await.unwrap().expect("the job is on record")
}

pub(crate) async fn state(runtime: &Runtime, id: JobId) -> JobState {
    job(runtime, id).await.state
}

/// Waits until a job is in a state.
pub(crate) async fn reaches(runtime: &Runtime, id: JobId, wanted: JobState) -> Job {
    let mut last = job(runtime, id).await;
    let in_time = tokio::time::timeout(PATIENCE / 2, async {
        while last.state != wanted {
            tokio::time::sleep(Duration::from_millis(1)).await;
            last = job(runtime, id).await;
        }
    });
    assert!(in_time.await.is_ok(), "it never was {wanted}: {last:#?}");
    last
}

/// Every job on record, first to last.
pub(crate) async fn jobs(runtime: &Runtime) -> Vec<Job> {
    runtime.jobs().list(&JobQuery::new().limit(10_000)).await.unwrap().jobs
}

pub(crate) async fn jobs_of(runtime: &Runtime, name: &str) -> Vec<Job> {
    jobs(runtime).await.into_iter().filter(|job| &*job.name == name).collect()
}

/// What a failure is, for code.
pub(crate) fn kind_and_code(failure: &Failure) -> (FailureKind, &str) {
    (failure.kind(), failure.code())
}

/// Where, and which keyword: of every violation.
pub(crate) fn places(failure: &Failure) -> Vec<(&str, &str)> {
    failure
        .violations()
        .iter()
        .map(|violation| (violation.pointer().unwrap_or("-"), violation.code()))
        .collect()
}
