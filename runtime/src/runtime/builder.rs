//! Configuring and starting a runtime.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::runtime::Runtime;
use super::start_error::StartError;
use super::tasks::Tasks;
use crate::engine::{
    BatchSize, Company, Engine, EntityLocks, Faults, HealthMonitor, IdSource, LateCalls, LeaseObservations,
    LeaseRenewal, LongPolls, Pauses, QueuePermits, Retention, RunningAttempts, SchedulePositions, Waiters,
    dispatcher, ends, lease_keeper, orphans, pruning, schedules,
};
use crate::model::clock::{Clock, SystemClock};
use crate::model::{Capabilities, SizeLimits, Source};
use crate::store::Store;
use crate::wiring::{Parts, Plans, Problem, Wiring};

/// Configures and starts a [`Runtime`].
#[derive(Clone)]
pub struct RuntimeBuilder {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    capabilities: Capabilities,
    concurrency: Setting<usize>,
    lease: Setting<Duration>,
    pub(super) size_limits: SizeLimits,
    max_queued: u64,
    queues: BTreeMap<String, Setting<usize>>,
    pub(crate) retention: Retention,
    has_worker: bool,
    pub(crate) ids: IdSource,
    pub(crate) faults: Option<Arc<Faults>>,
}

/// A value, and where it was set.
#[derive(Clone, Copy, Debug)]
struct Setting<T> {
    value: T,
    source: Source,
}

impl<T> Setting<T> {
    #[track_caller]
    fn new(value: T) -> Self {
        Self { value, source: Source::caller() }
    }
}

impl RuntimeBuilder {
    /// How many published jobs of each queue run at a time by default.
    pub const DEFAULT_CONCURRENCY: usize = 64;
    /// How long a lease lasts by default.
    pub const DEFAULT_LEASE: Duration = Duration::from_secs(10);
    /// The shortest lease: a shorter one would write to the store all the time.
    pub const MIN_LEASE: Duration = Duration::from_millis(100);
    /// How many jobs of one command or event handler may be queued by default.
    pub const DEFAULT_MAX_QUEUED: u64 = 1_000_000;

    #[track_caller]
    pub(crate) fn on(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            clock: Arc::new(SystemClock),
            capabilities: Capabilities::default(),
            concurrency: Setting::new(Self::DEFAULT_CONCURRENCY),
            lease: Setting::new(Self::DEFAULT_LEASE),
            size_limits: Self::DEFAULT_SIZE_LIMITS,
            max_queued: Self::DEFAULT_MAX_QUEUED,
            queues: BTreeMap::new(),
            retention: Retention::default(),
            has_worker: true,
            ids: IdSource::default(),
            faults: None,
        }
    }

    /// The same settings on another store.
    pub(crate) fn with_store(self, store: Arc<dyn Store>) -> Self {
        Self { store, ..self }
    }

    /// Provides a capability, which handlers take as `Arc<T>` ([r33](crate::rules#r33)). It replaces one of the same type.
    ///
    /// The runtime keeps its capabilities as long as it lives. A capability that holds the [`Runtime`] itself keeps it alive:
    /// dropping the last other clone stops nothing. Let handlers [publish](crate::publish()) instead, or stop the runtime
    /// with [`shutdown`](Runtime::shutdown).
    #[must_use]
    pub fn provide<T: ?Sized + Send + Sync + 'static>(mut self, capability: Arc<T>) -> Self {
        self.capabilities.insert(capability);
        self
    }

    /// Sets how many published jobs of each queue run at a time in this process, at least 1. Default:
    /// [`DEFAULT_CONCURRENCY`](Self::DEFAULT_CONCURRENCY). A queue may have a [limit of its own](Self::queue). Jobs that are
    /// [executed](Runtime::execute) do not count.
    ///
    /// Zero is a problem of [`start`](Self::start).
    #[must_use]
    #[track_caller]
    pub fn concurrency(mut self, jobs: usize) -> Self {
        self.concurrency = Setting::new(jobs);
        self
    }

    /// Sets how many published jobs of one queue run at a time in this process, at least 1. A handler names its queue with
    /// [`queue = "…"`](macro@crate::command). A full queue does not affect the others.
    ///
    /// Zero, and a queue that no handler names, are problems of [`start`](Self::start).
    #[must_use]
    #[track_caller]
    pub fn queue(mut self, name: impl Into<String>, jobs: usize) -> Self {
        self.queues.insert(name.into(), Setting::new(jobs));
        self
    }

    /// Limits the queued jobs of one command or event handler, that is, those that have not ended. Beyond the limit,
    /// commands and events from the boundary are refused as `QueueFull`. Default:
    /// [`DEFAULT_MAX_QUEUED`](Self::DEFAULT_MAX_QUEUED). What an execution stages, and what is executed, is not limited.
    #[must_use]
    pub fn max_queued(mut self, jobs: u64) -> Self {
        self.max_queued = jobs;
        self
    }

    /// Sets how long ended jobs and events are kept; older ones are deleted while the runtime runs. Default: forever.
    #[must_use]
    pub fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// Starts without a worker: the runtime claims no jobs, runs no schedules and deletes nothing by itself. For programs
    /// that only publish, or that operate jobs.
    ///
    /// What it [executes](Runtime::execute) still runs here, except for retries, which run where there is a worker. It holds
    /// a lease while something runs, and rescues the attempts of workers whose lease has expired, as every runtime does.
    #[must_use]
    pub fn without_worker(mut self) -> Self {
        self.has_worker = false;
        self
    }

    /// Sets how long this worker's lease lasts without renewal ([r23](crate::rules#r23)), at least
    /// [`MIN_LEASE`](Self::MIN_LEASE). Default: [`DEFAULT_LEASE`](Self::DEFAULT_LEASE). A short lease rescues the attempts of
    /// a crashed worker sooner; a long one tolerates longer stalls of the whole process or of the store. A lease is renewed when
    /// less than half of it is left, by a thread that handlers cannot block.
    ///
    /// A shorter one is a problem of [`start`](Self::start).
    #[must_use]
    #[track_caller]
    pub fn lease(mut self, length: Duration) -> Self {
        self.lease = Setting::new(length);
        self
    }

    /// Sets the clock. Default: [`SystemClock`].
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Verifies the wiring and the settings, and starts the runtime.
    ///
    /// # Errors
    /// [`StartError`] with every problem at once, before any job runs ([r50](crate::rules#r50)).
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[expect(
        clippy::unused_async,
        reason = "a later version may read the store, without a change for callers"
    )]
    pub async fn start(self) -> Result<Runtime, StartError> {
        let (concurrency, own) = (self.concurrency, self.queues.clone());
        let (lease, retention, has_worker) = (self.lease, self.retention, self.has_worker);
        let engine = self.engine()?;
        let (names, queues) = engine.plans.claimable();
        let limit = |name: &&'static str| own.get(*name).unwrap_or(&concurrency).value;
        let permits = QueuePermits::new(names, &queues.iter().map(limit).collect::<Vec<_>>());
        let tasks = Tasks::default();
        tasks.others.spawn(ends::announce_ends(engine.clone(), tasks.dispatcher.clone()));
        let keeping = lease_keeper::start(engine.clone(), tasks.dispatcher.clone(), tasks.others.token());
        if let Err(error) = keeping {
            engine.stop.cancel();
            tasks.dispatcher.close();
            return Err(StartError { problems: vec![no_lease_thread(lease.source, &error)] });
        }
        if has_worker {
            tasks.dispatcher.spawn(dispatcher::dispatch(engine.clone(), permits));
            tasks.others.spawn(schedules::run_schedules(engine.clone()));
            tasks.others.spawn(orphans::warn(engine.clone()));
            if let Some(interval) = retention.interval() {
                tasks.others.spawn(pruning::prune_regularly(engine.clone(), retention, interval));
            }
        }
        tasks.dispatcher.close();
        tasks.others.close();
        Ok(Runtime::new(engine, tasks))
    }

    /// Starts without a worker's background tasks: nothing is claimed, renewed or pruned by itself.
    pub(crate) fn start_idle(self) -> Result<Runtime, StartError> {
        let engine = self.engine()?;
        let tasks = Tasks::default();
        tasks.others.spawn(ends::announce_ends(engine.clone(), tasks.dispatcher.clone()));
        tasks.dispatcher.close();
        tasks.others.close();
        Ok(Runtime::new(engine, tasks))
    }

    fn engine(self) -> Result<Arc<Engine>, StartError> {
        let (plans, wiring) = self.resolve()?;
        Ok(Arc::new(Engine {
            store: self.store,
            pauses: Pauses::new(&*self.clock),
            schedules: SchedulePositions::new(plans.schedules().len(), self.clock.now()),
            clock: self.clock,
            plans,
            wiring,
            capabilities: self.capabilities,
            locks: EntityLocks::new(),
            batch_size: BatchSize::default(),
            company: Company::default(),
            waiters: Waiters::default(),
            overrides: Arc::default(),
            worker: self.ids.worker(),
            ids: self.ids,
            lease: LeaseRenewal::new(self.lease.value),
            lease_observations: LeaseObservations::default(),
            running: RunningAttempts::default(),
            long_polls: LongPolls::default(),
            late_calls: LateCalls::default(),
            health: HealthMonitor::default(),
            max_queued: self.max_queued,
            size_limits: self.size_limits,
            faults: self.faults,
            work: tokio::sync::Notify::new(),
            attempts: TaskTracker::new(),
            stop: CancellationToken::new(),
            abort: CancellationToken::new(),
            dead: CancellationToken::new(),
        }))
    }

    /// Resolves the domain, or lists every problem of it and of the settings.
    fn resolve(&self) -> Result<(Plans, Wiring), StartError> {
        let queues: Vec<_> = self.queues.iter().map(|(name, limit)| (name.clone(), limit.source)).collect();
        let resolved = Parts::collect().resolve(&self.capabilities, &queues, self.size_limits.payload_bytes);
        let mut problems = self.invalid_settings();
        match resolved {
            Ok(resolved) if problems.is_empty() => return Ok(resolved),
            Ok(_) => {}
            Err(others) => problems.extend(others),
        }
        problems.sort();
        Err(StartError { problems })
    }

    /// The settings that no runtime can work with.
    fn invalid_settings(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.concurrency.value == 0 {
            let message = "`concurrency(0)` would run no jobs; allow at least 1, or start `without_worker()`";
            problems.push(Problem::new(self.concurrency.source, message));
        }
        for (name, limit) in self.queues.iter().filter(|(_, limit)| limit.value == 0) {
            let message = format!("`queue(\"{name}\", 0)` would run no jobs of the queue; allow at least 1");
            problems.push(Problem::new(limit.source, message));
        }
        if self.lease.value < Self::MIN_LEASE {
            let (lease, minimum) = (self.lease.value, Self::MIN_LEASE);
            let message = format!("a lease of {lease:?} is too short; use {minimum:?} (`MIN_LEASE`) or more");
            problems.push(Problem::new(self.lease.source, message));
        }
        problems
    }
}

fn no_lease_thread(source: Source, error: &io::Error) -> Problem {
    let message = format!(
        "the thread that renews the lease cannot be started: {error}; raise the limit of this process on threads or on open files"
    );
    Problem::new(source, message)
}

impl fmt::Debug for RuntimeBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let queues: BTreeMap<_, _> = self.queues.iter().map(|(name, limit)| (name, limit.value)).collect();
        f.debug_struct("RuntimeBuilder")
            .field("clock", &self.clock)
            .field("concurrency", &self.concurrency.value)
            .field("lease", &self.lease.value)
            .field("size_limits", &self.size_limits)
            .field("max_queued", &self.max_queued)
            .field("queues", &queues)
            .field("retention", &self.retention)
            .field("has_worker", &self.has_worker)
            .finish_non_exhaustive()
    }
}
