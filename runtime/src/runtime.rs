use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::{Clock, SystemClock};
use crate::context::{Capabilities, ContextSeed, ExecutionContext, Origin};
use crate::draft::Draft;
use crate::engine::{Endings, Engine, Lease, Overrides, Sightings, UnderWay};
use crate::ids::Ids;
use crate::lifecycle::handlings;
use crate::locks::EntityLocks;
use crate::publish::{Execute, Publish, Request, check_boundary, job_of, publish_all};
use crate::reading::{Entities, Events, Jobs};
use crate::retention::{self, Retention};
use crate::store::{NewEvent, NewJob, Store};
use crate::testing::Faults;
use crate::wiring::{Parts, Problem, Wiring};
use crate::worker::Rooms;
use crate::{
    CorrelationId, Entity, Event, EventId, Failure, FailureKind, HasOneHandler, JobHandle, Source, schedule,
    worker,
};

/// A domain that runs: takes commands and events, runs their jobs, and answers questions. Cheap to clone.
///
/// When the last clone is dropped, nothing new begins; what is under way ends. [`shutdown`](Self::shutdown) waits for that.
#[derive(Clone)]
pub struct Runtime(Arc<Handle>);

/// Stops the engine when nobody holds the runtime any more: the tasks hold the engine only.
struct Handle {
    engine: Arc<Engine>,
    tasks: Tasks,
}

/// What a runtime does by itself.
#[derive(Default)]
struct Tasks {
    dispatcher: TaskTracker,
    /// They end when the dispatcher has, and nothing is under way any more.
    others: TaskTracker,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.engine.stop.cancel();
    }
}

impl Runtime {
    /// How long a [shutdown](Self::shutdown) waits beyond its deadline for what it has dropped to be given back.
    pub const GIVING_BACK: Duration = Duration::from_secs(5);

    /// Begins to build a runtime on a store.
    pub fn builder(store: impl Store) -> RuntimeBuilder {
        RuntimeBuilder::on(Arc::new(store))
    }

    /// Hands a command off: awaited, it answers when the command's job is durable, and does not wait for it to run (r02).
    ///
    /// # Errors
    /// When awaited: `Invalid` if the command violates its schema, or has no target where its handler binds one, and no job
    /// exists then (r11); `IdempotencyMismatch`
    /// (r25); `Unavailable` if the store cannot be reached or the runtime has shut down; `Refused` inside an execution,
    /// where [`enact::publish`](crate::publish()) is meant.
    #[expect(clippy::needless_pass_by_value, reason = "a command is handed over")]
    pub fn publish<C: HasOneHandler>(&self, command: C) -> Publish<C::Output> {
        let engine = self.engine();
        Publish::new(Request::new(engine, "publish", || Draft::of(&engine.plans, &command)))
    }

    /// [`publish`](Self::publish) for who holds the command as JSON: the same validation, by the command's name.
    ///
    /// # Errors
    /// As `publish`, and `UnknownName` if there is no such command.
    #[expect(clippy::needless_pass_by_value, reason = "a command is handed over")]
    pub fn publish_json(&self, name: &str, command: Value) -> Publish<Value> {
        let engine = self.engine();
        Publish::new(Request::new(engine, "publish_json", || Draft::of_json(&engine.plans, name, &command)))
    }

    /// Publishes several commands in their order, in one transaction, and answers for each. Those that are refused do
    /// not keep the others from being published.
    ///
    /// # Errors
    /// Each as [`publish`](Self::publish); `Refused` if it was made by another runtime, which is where it belongs. If the
    /// store cannot be reached, none is published.
    pub async fn publish_all<T>(
        &self,
        commands: impl IntoIterator<Item = Publish<T>>,
    ) -> Vec<Result<JobHandle<T>, Failure>> {
        publish_all(self.engine(), commands).await
    }

    /// Runs a command now, here: awaited, it answers with the handler's output when the command's job has ended, its
    /// retries included (r06). It is tracked as a job all the same (r01). A command that [another
    /// program](macro@crate::command) handles is run by that program, and this waits for it.
    ///
    /// # Errors
    /// When awaited: the failure of the job, or as [`publish`](Self::publish). Inside an execution it is `Refused` (r14).
    #[expect(clippy::needless_pass_by_value, reason = "a command is handed over")]
    pub fn execute<C: HasOneHandler>(&self, command: C) -> Execute<C::Output> {
        let engine = self.engine();
        Execute::new(Request::new(engine, "execute", || Draft::of(&engine.plans, &command)))
    }

    /// [`execute`](Self::execute) for who holds the command as JSON.
    ///
    /// # Errors
    /// As `execute`, and `UnknownName` if there is no such command.
    #[expect(clippy::needless_pass_by_value, reason = "a command is handed over")]
    pub fn execute_json(&self, name: &str, command: Value) -> Execute<Value> {
        let engine = self.engine();
        Execute::new(Request::new(engine, "execute_json", || Draft::of_json(&engine.plans, name, &command)))
    }

    /// Emits an event that has occurred outside of any execution: awaited, it answers when the event, and the jobs of its
    /// handlers, are durable (r03). It belongs to the scope in which this is called.
    ///
    /// # Errors
    /// `Invalid` if the event violates its schema; `QueueFull` if one of its handlers has as many jobs queued as it may;
    /// `Unavailable` if the store cannot be reached or the runtime has shut
    /// down; `Refused` inside an execution, where [`enact::emit`](crate::emit()) is meant.
    #[expect(clippy::needless_pass_by_value, reason = "an event is handed over")]
    pub fn emit<E: Event>(&self, event: E) -> impl Future<Output = Result<EventId, Failure>> + Send + use<E> {
        let engine = self.engine().clone();
        let drafted = self.draft_event(&event);
        async move {
            let (event, jobs) = drafted?;
            engine.check_running()?;
            let id = event.id;
            let handlings: Vec<_> = jobs.iter().map(|job| (job.id, job.name.clone())).collect();
            let submitted = engine.store.submit(vec![event], jobs).await?;
            engine.work.notify_one();
            for ((job, name), answer) in handlings.iter().zip(&submitted) {
                job_of(*job, name, Some(answer))?;
            }
            Ok(id)
        }
    }

    /// The event, and the jobs of its handlers; or what is wrong with it.
    pub(crate) fn draft_event<E: Event>(&self, event: &E) -> Result<(NewEvent, Vec<NewJob>), Failure> {
        let engine = self.engine();
        let context = ExecutionContext::current();
        engine.check_running()?;
        check_boundary(context.as_ref(), "emit")?;
        let Origin { correlation, seed, .. } = context.map(|context| context.origin()).unwrap_or_default();
        let plan = engine.plans.event_of(TypeId::of::<E>(), E::NAME)?;
        let payload = plan.input.admit(serde_json::to_value(event))?;
        let id = engine.ids.event();
        let event = NewEvent {
            id,
            name: plan.name.clone(),
            payload,
            correlation: correlation.unwrap_or_else(|| CorrelationId::new(id.to_string())),
            cause: None,
            emitted_at: engine.clock.now(),
        };
        let jobs = handlings(&engine.ids, &event, &plan.handlers, seed, Some(engine.max_queued)).collect();
        Ok((event, jobs))
    }

    /// Runs a use case in a context: what it publishes and emits carries what `seed` says (r31).
    ///
    /// A command belongs to the scope in which `publish` or `execute` is called, wherever it is awaited: call them inside
    /// the use case, as in `runtime.scope(seed, async { runtime.publish(command).await })`.
    pub fn scope<F: Future>(
        &self,
        seed: ContextSeed,
        use_case: F,
    ) -> impl Future<Output = F::Output> + use<F> {
        ExecutionContext::of_scope(Some(self.engine().clone()), seed).scope(use_case)
    }

    /// Reads jobs, calls them off, lets failed ones run again, and deletes those that have ended.
    pub fn jobs(&self) -> Jobs {
        Jobs(self.engine().clone())
    }

    /// Reads committed entities.
    pub fn entities<E: Entity>(&self) -> Entities<E> {
        Entities::new(self.engine().clone())
    }

    /// Reads committed events, and deletes old ones.
    pub fn events(&self) -> Events {
        Events(self.engine().clone())
    }

    /// Stops: nothing more is taken, claimed or begun, and what is under way may end until `deadline` has passed. What is
    /// still under way then is dropped and given back at once: its attempt ends as `Lost`, and if its `retry` allows another, that may begin
    /// wherever there is a worker (r23). What is published stays in the store for the next start.
    ///
    /// A handler is dropped where it waits. One that computes, or blocks its thread, cannot be: after
    /// [some seconds](Self::GIVING_BACK) more this returns without it, and its job ends as `Lost` once its lease has.
    ///
    /// # Errors
    /// `TimedOut` if something was still under way at the deadline.
    pub async fn shutdown(&self, deadline: Duration) -> Result<(), Failure> {
        let engine = self.engine();
        engine.stop.cancel();
        let last = engine.clock.elapsed().saturating_add(deadline);
        let left = tokio::select! {
            biased;
            () = engine.all_ended(&self.0.tasks.dispatcher) => 0,
            () = engine.clock.sleep_until(last) => engine.attempts.len(),
        };
        engine.abort.cancel();
        let last = engine.clock.elapsed().saturating_add(Self::GIVING_BACK);
        let late = tokio::select! {
            biased;
            () = self.0.tasks.others.wait() => match left {
                0 => return Ok(()),
                left => format!("{left} executions were still under way at the deadline"),
            },
            () = engine.clock.sleep_until(last) => format!(
                "{} executions could not be dropped: they keep their threads busy, or the store does not answer",
                engine.attempts.len()
            ),
        };
        Err(Failure::new(FailureKind::TimedOut, "shutdown_deadline", late))
    }

    /// The whole domain as data: what is linked into this program, and how it fits together (r51).
    pub fn wiring(&self) -> &Wiring {
        &self.engine().wiring
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.0.engine
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Runtime({})", self.engine().worker)
    }
}

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
    queues: BTreeMap<String, QueueRoom>,
    pub(crate) retention: Retention,
    /// Whether it runs what is published.
    works: bool,
    pub(crate) ids: Ids,
    pub(crate) faults: Option<Arc<Faults>>,
}

/// How many jobs of a queue run at a time, and who has said so.
#[derive(Clone, Copy, Debug)]
struct QueueRoom {
    jobs: usize,
    source: Source,
}

impl RuntimeBuilder {
    /// How many published jobs run at a time, unless the builder says otherwise.
    pub const CONCURRENCY: usize = 64;
    /// How long a lease lasts, unless the builder says otherwise.
    pub const LEASE: Duration = Duration::from_secs(10);
    /// How long a lease lasts at least: a shorter one would have the store written all the time.
    pub const SHORTEST_LEASE: Duration = Duration::from_millis(100);
    /// How large a command or event may be as JSON, in bytes, unless the builder says otherwise.
    pub const MAX_PAYLOAD_BYTES: usize = 1 << 20;

    /// How many jobs of one command or event handler may be on record that have not ended, unless the builder says otherwise.
    pub const MAX_QUEUED: u64 = 1_000_000;

    pub(crate) fn on(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            clock: Arc::new(SystemClock),
            capabilities: Capabilities::default(),
            concurrency: Self::CONCURRENCY,
            lease: Self::LEASE,
            max_payload_bytes: Self::MAX_PAYLOAD_BYTES,
            max_queued: Self::MAX_QUEUED,
            queues: BTreeMap::new(),
            retention: Retention::default(),
            works: true,
            ids: Ids::default(),
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
        self.queues.insert(name.into(), QueueRoom { jobs: jobs.max(1), source: Source::caller() });
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
    /// [`SHORTEST_LEASE`](Self::SHORTEST_LEASE) at least, whatever `length` is.
    #[must_use]
    pub fn lease(mut self, length: Duration) -> Self {
        self.lease = length.max(Self::SHORTEST_LEASE);
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
        let limit = |name: &&'static str| own.get(*name).map_or(concurrency, |room| room.jobs);
        let rooms = Rooms::new(queues, &names.iter().map(limit).collect::<Vec<_>>());
        let tasks = Tasks::default();
        tasks.others.spawn(worker::keep_leases(engine.clone(), tasks.dispatcher.clone()));
        if works {
            tasks.dispatcher.spawn(worker::dispatch(engine.clone(), rooms));
            tasks.others.spawn(schedule::run_schedules(engine.clone()));
            if let Some(interval) = retention.interval() {
                tasks.others.spawn(retention::prune_regularly(engine.clone(), retention, interval));
            }
        }
        tasks.dispatcher.close();
        tasks.others.close();
        Ok(Runtime(Arc::new(Handle { engine, tasks })))
    }

    /// Starts without a worker: nothing is claimed, renewed or pruned by itself.
    pub(crate) fn start_still(self) -> Result<Runtime, StartError> {
        let engine = self.engine()?;
        let tasks = Tasks::default();
        tasks.dispatcher.close();
        tasks.others.close();
        Ok(Runtime(Arc::new(Handle { engine, tasks })))
    }

    fn engine(self) -> Result<Arc<Engine>, StartError> {
        let queues: Vec<_> =
            self.queues.iter().map(|(name, QueueRoom { source, .. })| (name.clone(), *source)).collect();
        let (plans, wiring) = Parts::collect()
            .resolve(&self.capabilities, &queues, self.max_payload_bytes)
            .map_err(|problems| StartError { problems })?;
        Ok(Arc::new(Engine {
            store: self.store,
            clock: self.clock,
            plans,
            wiring,
            capabilities: self.capabilities,
            locks: EntityLocks::new(),
            endings: Endings::default(),
            overrides: Overrides::default(),
            worker: self.ids.worker(),
            ids: self.ids,
            lease: Lease::of(self.lease),
            sightings: Sightings::default(),
            under_way: UnderWay::default(),
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

/// The domain cannot start as it is: everything that is wrong with it (r50).
#[derive(Debug)]
pub struct StartError {
    problems: Vec<Problem>,
}

impl StartError {
    /// Every problem, by its place in the source.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.len() {
            1 => write!(f, "the domain has a problem:")?,
            count => write!(f, "the domain has {count} problems:")?,
        }
        self.problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for StartError {}
