//! Shared by the tests of the rules: stores to run on, gates that hold handlers, and helpers that read jobs.
#![allow(dead_code, unused_imports, unused_macros, reason = "each test binary uses a part of this")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

pub(crate) mod lines;
pub(crate) mod watched;

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread;
use std::time::Duration;

use enact::JobQuery;
use enact::clock::{Clock, ManualClock};
use enact::store::Store;
use enact::{Failure, FailureKind, Job, JobId, JobState, MemoryStore, Runtime, RuntimeBuilder};
use enact_postgres::PostgresStore;
use enact_sqlite::SqliteStore;
use jiff::Timestamp;
use postgres_cluster::Cluster;
use tempfile::TempDir;
use tokio::sync::Semaphore;

/// Makes three tests of each function: on the in-memory store, on a `SQLite` file and on a `PostgreSQL` server. A function that is missing
/// from the list is dead code, which the lints refuse.
macro_rules! on_every_store {
    ($($behaviour:ident),* $(,)?) => {
        mod on_memory {
            $(#[test] fn $behaviour() { crate::common::run_test(crate::common::World::memory(), super::$behaviour); })*
        }
        mod on_sqlite {
            $(#[test] fn $behaviour() { crate::common::run_test(crate::common::World::sqlite(), super::$behaviour); })*
        }
        mod on_postgres {
            $(#[test] fn $behaviour() { crate::common::run_test(crate::common::World::postgres(), super::$behaviour); })*
        }
    };
}
pub(crate) use on_every_store;

/// A test that takes longer than this hangs. Time is driven by a [`ManualClock`], so a test needs far less.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Runs one test to its end, or leaves it out if there is no world.
pub(crate) fn run_test<F: Future<Output = ()>>(
    world: impl Into<Option<World>>,
    behaviour: impl FnOnce(World) -> F,
) {
    let Some(world) = world.into() else { return };
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    tokio.block_on(async {
        tokio::time::timeout(TIMEOUT, behaviour(world)).await.expect("the test timed out");
    });
}

/// An empty store and a manual clock, on which runtimes are started.
pub(crate) struct World {
    pub(crate) clock: ManualClock,
    backend: Backend,
}

enum Backend {
    Memory(MemoryStore),
    Sqlite(TempDir),
    /// A schema, which is deleted with the server.
    Postgres(String),
}

impl World {
    pub(crate) fn memory() -> Self {
        Self { clock: clock(), backend: Backend::Memory(MemoryStore::new()) }
    }

    pub(crate) fn sqlite() -> Self {
        Self { clock: clock(), backend: Backend::Sqlite(tempfile::tempdir().unwrap()) }
    }

    /// `None` if the machine has no `PostgreSQL`, which is reported once.
    pub(crate) fn postgres() -> Option<Self> {
        static SCHEMAS: AtomicUsize = AtomicUsize::new(0);
        cluster()?;
        let schema = format!("world_{}", SCHEMAS.fetch_add(1, Ordering::Relaxed));
        Some(Self { clock: clock(), backend: Backend::Postgres(schema) })
    }

    /// A new world with an empty store of the same kind.
    pub(crate) fn another(&self) -> Self {
        match self.backend {
            Backend::Memory(_) => Self::memory(),
            Backend::Sqlite(_) => Self::sqlite(),
            Backend::Postgres(_) => Self::postgres().expect("the server runs"),
        }
    }

    /// Builds a runtime on this store and clock.
    pub(crate) fn builder(&self) -> RuntimeBuilder {
        match &self.backend {
            Backend::Memory(store) => Runtime::builder(store.clone()),
            Backend::Sqlite(directory) => Runtime::builder(open(directory)),
            Backend::Postgres(schema) => Runtime::builder(connect(schema)),
        }
        .clock(self.clock.clone())
    }

    /// Builds a runtime on this in-memory store, whose calls are watched.
    pub(crate) fn watched(&self, watch: impl watched::Watch) -> RuntimeBuilder {
        let Backend::Memory(store) = &self.backend else {
            panic!("only calls of the in-memory store are watched")
        };
        Runtime::builder(watched::Watched { store: store.clone(), watch }).clock(self.clock.clone())
    }

    /// Opens the store once more.
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        match &self.backend {
            Backend::Memory(store) => Arc::new(store.clone()),
            Backend::Sqlite(directory) => Arc::new(open(directory)),
            Backend::Postgres(schema) => Arc::new(connect(schema)),
        }
    }

    /// Reads a number from the database file. `None` on other stores.
    pub(crate) fn query(&self, sql: &str) -> Option<i64> {
        let Backend::Sqlite(directory) = &self.backend else { return None };
        let connection = rusqlite::Connection::open(directory.path().join(FILE)).unwrap();
        Some(connection.query_row(sql, [], |row| row.get(0)).unwrap())
    }

    /// Changes the database file, as an operator does by hand. Nothing on other stores.
    pub(crate) fn change(&self, sql: &str) {
        let Backend::Sqlite(directory) = &self.backend else { return };
        let connection = rusqlite::Connection::open(directory.path().join(FILE)).unwrap();
        connection.execute_batch(sql).unwrap();
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

/// The server that the tests of this process share.
pub(crate) fn cluster() -> Option<&'static Cluster> {
    static SHARED: LazyLock<Option<&Cluster>> =
        LazyLock::new(|| postgres_cluster::shared_or_left_out(env!("CARGO_CRATE_NAME")));
    *SHARED
}

/// Opens a store in a schema of that server.
pub(crate) fn connect(schema: &str) -> PostgresStore {
    let builder = PostgresStore::builder(cluster().expect("the server runs").url()).schema(schema);
    // On a thread of its own, so that a test can open a store in a call that is not async.
    let connecting = thread::spawn(|| {
        let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        tokio.block_on(builder.connect()).unwrap()
    });
    connecting.join().unwrap()
}

/// A runtime in a simulated process: it runs on a tokio runtime of its own, which [`kill`](Self::kill) stops.
pub(crate) struct Process {
    tokio: tokio::runtime::Runtime,
    pub(crate) runtime: Runtime,
}

impl Process {
    pub(crate) async fn start(builder: RuntimeBuilder) -> Self {
        let tokio =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let runtime = tokio.spawn(builder.start()).await.unwrap().unwrap();
        Self { tokio, runtime }
    }

    /// Spawns a task in the process.
    pub(crate) fn spawn(&self, task: impl Future<Output: Send> + Send + 'static) {
        self.tokio.spawn(async move {
            task.await;
        });
    }

    /// Stops all tasks of the process at once, without a shutdown.
    pub(crate) async fn kill(self) {
        let tokio = self.tokio;
        tokio::task::spawn_blocking(move || tokio.shutdown_timeout(TIMEOUT)).await.unwrap();
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

    /// A gate that is open for all.
    pub(crate) fn wide_open() -> Arc<Self> {
        let gate = Self::new();
        gate.open_wide();
        gate
    }

    /// Called by a handler: reports its arrival and waits until the gate is opened for it.
    pub(crate) async fn pass(&self) {
        self.arrived.add_permits(1);
        self.open.acquire().await.unwrap().forget();
    }

    /// Waits until one more handler has arrived.
    pub(crate) async fn arrival(&self) {
        self.arrived.acquire().await.unwrap().forget();
    }

    /// The number of arrivals that [`arrival`](Self::arrival) has not yet taken.
    pub(crate) fn arrivals(&self) -> usize {
        self.arrived.available_permits()
    }

    /// Lets one handler pass.
    pub(crate) fn open(&self) {
        self.open.add_permits(1);
    }

    /// Lets all handlers pass, now and later.
    pub(crate) fn open_wide(&self) {
        self.open.add_permits(1_000_000);
    }
}

/// The lines that handlers have noted, in order.
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

/// Polls a condition until it holds. `what` names it in the message of a timeout.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waited = tokio::time::timeout(TIMEOUT / 2, async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    assert!(waited.await.is_ok(), "timed out waiting until {what}");
}

/// Gives background tasks time to run, before a test asserts that nothing has happened.
pub(crate) async fn settle() {
    tokio::time::sleep(Duration::from_millis(30)).await;
}

/// Polls a future once to start it, and asserts that it is pending.
pub(crate) async fn begin<F: Future + Unpin>(future: &mut F) {
    let polled = std::future::poll_fn(|cx| std::task::Poll::Ready(pin!(&mut *future).poll(cx).is_pending()));
    assert!(polled.await, "the future is ready already");
}

pub(crate) async fn job(runtime: &Runtime, id: JobId) -> Job {
    runtime.jobs().get(id).await.unwrap().expect("the job is stored")
}

pub(crate) async fn state(runtime: &Runtime, id: JobId) -> JobState {
    job(runtime, id).await.state
}

/// Waits until a job is in a state.
pub(crate) async fn reaches(runtime: &Runtime, id: JobId, wanted: JobState) -> Job {
    let mut last = job(runtime, id).await;
    let in_time = tokio::time::timeout(TIMEOUT / 2, async {
        while last.state != wanted {
            tokio::time::sleep(Duration::from_millis(1)).await;
            last = job(runtime, id).await;
        }
    });
    assert!(in_time.await.is_ok(), "the job never became {wanted}: {last:#?}");
    last
}

/// All jobs, oldest first.
pub(crate) async fn jobs(runtime: &Runtime) -> Vec<Job> {
    runtime.jobs().list(&JobQuery::new().limit(10_000)).await.unwrap().jobs
}

pub(crate) async fn jobs_of(runtime: &Runtime, name: &str) -> Vec<Job> {
    jobs(runtime).await.into_iter().filter(|job| &*job.name == name).collect()
}

pub(crate) fn kind_and_code(failure: &Failure) -> (FailureKind, &str) {
    (failure.kind(), failure.code())
}

/// The pointer (`-` if there is none) and the code of each violation.
pub(crate) fn pointers_and_codes(failure: &Failure) -> Vec<(&str, &str)> {
    failure
        .violations()
        .iter()
        .map(|violation| (violation.pointer().unwrap_or("-"), violation.code()))
        .collect()
}
