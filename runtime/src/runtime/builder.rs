//! What a runtime is started with.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::runtime::{Runtime, Tasks};
use super::start_error::StartError;
use crate::engine::{
    Engine, EntityLocks, Faults, IdSource, LeaseObservations, OwnLease, QueuePermits, Retention,
    RunningAttempts, SchedulePositions, Waiters, dispatcher, lease_keeper, pruning, schedules,
};
use crate::model::clock::{Clock, SystemClock};
use crate::model::{Capabilities, Source};
use crate::store::Store;
use crate::wiring::Parts;

/// What a runtime is started with.
#[derive(Clone)]
pub struct RuntimeBuilder {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    capabilities: Capabilities,
    concurrency: usize,
    lease: Duration,
    max_payload_bytes: usize,
    max_queued: u64,
    queues: BTreeMap<String, QueueLimit>,
    pub(crate) retention: Retention,
    /// Whether it runs what is published.
    works: bool,
    pub(crate) ids: IdSource,
    pub(crate) faults: Option<Arc<Faults>>,
}

/// How many jobs of a queue run at a time, and who has said so.
#[derive(Clone, Copy, Debug)]
struct QueueLimit {
    jobs: usize,
    source: Source,
}

impl RuntimeBuilder {
    /// How many published jobs run at a time, unless the builder says otherwise.
    pub const DEFAULT_CONCURRENCY: usize = 64;
    /// How long a lease lasts, unless the builder says otherwise.
    pub const DEFAULT_LEASE: Duration = Duration::from_secs(10);
    /// How long a lease lasts at least: a shorter one would have the store written all the time.
    pub const MIN_LEASE: Duration = Duration::from_millis(100);
    /// How large a command or event may be as JSON, in bytes, unless the builder says otherwise.
    pub const DEFAULT_MAX_PAYLOAD_BYTES: usize = 1 << 20;

    /// How many jobs of one command or event handler may be on record that have not ended, unless the builder says otherwise.
    pub const DEFAULT_MAX_QUEUED: u64 = 1_000_000;

    pub(crate) fn on(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            clock: Arc::new(SystemClock),
            capabilities: Capabilities::default(),
            concurrency: Self::DEFAULT_CONCURRENCY,
            lease: Self::DEFAULT_LEASE,
            max_payload_bytes: Self::DEFAULT_MAX_PAYLOAD_BYTES,
            max_queued: Self::DEFAULT_MAX_QUEUED,
            queues: BTreeMap::new(),
            retention: Retention::default(),
            works: true,
            ids: IdSource::default(),
            faults: None,
        }
    }

    /// Keeps everything in another store.
    pub(crate) fn with_store(self, store: Arc<dyn Store>) -> Self {
        Self { store, ..self }
    }

    /// Provides a capability: handlers take it as `Arc<T>` (r33). One of the same type that was provided before is replaced.
    ///
    /// The runtime keeps its capabilities as long as it lives. One that holds the [`Runtime`] itself keeps it alive for
    /// ever: the two hold each other, and dropping the last clone outside stops nothing. Have handlers
    /// [publish](crate::publish()) instead, or end such a runtime by [`shutdown`](Runtime::shutdown).
    #[must_use]
    pub fn provide<T: ?Sized + Send + Sync + 'static>(mut self, capability: Arc<T>) -> Self {
        self.capabilities.insert(capability);
        self
    }

    /// How many published jobs of each queue run at a time in this process, at least 1, unless the queue is given a
    /// [number of its own](Self::queue). What is [executed](Runtime::execute) runs besides.
    #[must_use]
    pub fn concurrency(mut self, jobs: usize) -> Self {
        self.concurrency = jobs.max(1);
        self
    }

    /// How many published jobs of one queue run at a time in this process, at least 1: of the handlers that say
    /// [`queue = "…"`](macro@crate::command). A queue that fills up or is slow takes nothing from the others.
    ///
    /// A queue that no handler is in is a [problem of the start](Self::start).
    #[must_use]
    #[track_caller]
    pub fn queue(mut self, name: impl Into<String>, jobs: usize) -> Self {
        self.queues.insert(name.into(), QueueLimit { jobs: jobs.max(1), source: Source::caller() });
        self
    }

    /// How many jobs of one command or event handler may be on record that have not ended: beyond that, what is published or
    /// emitted at the boundary is refused as `QueueFull`. What an execution stages is always taken, and so is what is executed
    /// at once: of these there are no more than run.
    #[must_use]
    pub fn max_queued(mut self, jobs: u64) -> Self {
        self.max_queued = jobs;
        self
    }

    /// What is deleted when it has become old enough, while the runtime runs. Nothing, unless it is asked for.
    #[must_use]
    pub fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// Leaves what is published to other processes on the same store: nothing is claimed, no schedule ticks, and nothing is
    /// pruned by itself. For a program that only publishes, and for one that looks after jobs. What it
    /// [executes](Runtime::execute) runs here all the same; the retries of that, too, are left to others. It keeps a lease
    /// as long as something runs here, and ends the attempts of workers that are no longer heard of, as every runtime does.
    #[must_use]
    pub fn without_worker(mut self) -> Self {
        self.works = false;
        self
    }

    /// How long a worker is believed to be alive after it was last heard of (r23). A short lease finds what a crash has left
    /// sooner; a long one bears longer stalls. It is renewed when half of it is over, and lasts
    /// [`MIN_LEASE`](Self::MIN_LEASE) at least, whatever `length` is.
    #[must_use]
    pub fn lease(mut self, length: Duration) -> Self {
        self.lease = length.max(Self::MIN_LEASE);
        self
    }

    /// How large a command or event may be as JSON, in bytes. What is larger is `Invalid`.
    #[must_use]
    pub fn max_payload_bytes(mut self, bytes: usize) -> Self {
        self.max_payload_bytes = bytes;
        self
    }

    /// Takes the time from somewhere else than the machine's clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Verifies the wiring, and starts: jobs that are ready begin to run.
    ///
    /// # Errors
    /// [`StartError`] with every problem of the domain at once, before any job runs (r50).
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[expect(
        clippy::unused_async,
        reason = "starting may come to need the store; callers need not change then"
    )]
    pub async fn start(self) -> Result<Runtime, StartError> {
        let (concurrency, own) = (self.concurrency, self.queues.clone());
        let (retention, works) = (self.retention, self.works);
        let engine = self.engine()?;
        let (queues, names) = engine.plans.queues();
        let limit = |name: &&'static str| own.get(*name).map_or(concurrency, |limit| limit.jobs);
        let permits = QueuePermits::new(queues, &names.iter().map(limit).collect::<Vec<_>>());
        let tasks = Tasks::default();
        tasks.others.spawn(lease_keeper::keep_leases(engine.clone(), tasks.dispatcher.clone()));
        if works {
            tasks.dispatcher.spawn(dispatcher::dispatch(engine.clone(), permits));
            tasks.others.spawn(schedules::run_schedules(engine.clone()));
            if let Some(interval) = retention.interval() {
                tasks.others.spawn(pruning::prune_regularly(engine.clone(), retention, interval));
            }
        }
        tasks.dispatcher.close();
        tasks.others.close();
        Ok(Runtime::new(engine, tasks))
    }

    /// Starts without a worker: nothing is claimed, renewed or pruned by itself.
    pub(crate) fn start_still(self) -> Result<Runtime, StartError> {
        let engine = self.engine()?;
        let tasks = Tasks::default();
        tasks.dispatcher.close();
        tasks.others.close();
        Ok(Runtime::new(engine, tasks))
    }

    fn engine(self) -> Result<Arc<Engine>, StartError> {
        let queues: Vec<_> =
            self.queues.iter().map(|(name, QueueLimit { source, .. })| (name.clone(), *source)).collect();
        let (plans, wiring) = Parts::collect()
            .resolve(&self.capabilities, &queues, self.max_payload_bytes)
            .map_err(|problems| StartError { problems })?;
        Ok(Arc::new(Engine {
            store: self.store,
            clock: self.clock,
            schedules: SchedulePositions::new(plans.schedules().len()),
            plans,
            wiring,
            capabilities: self.capabilities,
            locks: EntityLocks::new(),
            waiters: Waiters::default(),
            overrides: Arc::default(),
            worker: self.ids.worker(),
            ids: self.ids,
            lease: OwnLease::of(self.lease),
            lease_observations: LeaseObservations::default(),
            running: RunningAttempts::default(),
            max_queued: self.max_queued,
            faults: self.faults,
            work: tokio::sync::Notify::new(),
            attempts: TaskTracker::new(),
            stop: CancellationToken::new(),
            abort: CancellationToken::new(),
            dead: CancellationToken::new(),
        }))
    }
}

impl fmt::Debug for RuntimeBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            store,
            clock,
            concurrency,
            lease,
            max_payload_bytes,
            max_queued,
            queues,
            retention,
            works,
            ..
        } = self;
        f.debug_struct("RuntimeBuilder")
            .field("store", &store.type_id())
            .field("clock", clock)
            .field("concurrency", concurrency)
            .field("lease", lease)
            .field("max_payload_bytes", max_payload_bytes)
            .field("max_queued", max_queued)
            .field("queues", queues)
            .field("retention", retention)
            .field("works", works)
            .finish_non_exhaustive()
    }
}
