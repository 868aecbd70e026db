//! The test runtime.

use std::collections::HashSet;
use std::fmt;
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::builder::{Setup, TestRuntimeBuilder};
use super::executed_attempt::ExecutedAttempt;
use super::given::store_entity;
use super::outcome::Outcome;
use super::running_attempt::{RunningAttempt, StartedJob, wait_for};
use super::snapshot::Snapshot;
use super::stored::{expect_nothing_late, expect_store};
use crate::domain::{Entity, Event, HasOneHandler};
use crate::engine::{
    Arrival, AttemptId, Engine, Fault, Faults, Point, attempt, dispatcher, lease_keeper, pruning, schedules,
};
use crate::model::clock::{Clock, ManualClock};
use crate::model::{ContextSeed, EventId, Job, JobState};
use crate::runtime::{DraftEvent, Runtime};
use crate::store::{Cursor, Start};

/// The number of attempts after which `drain` panics.
const ENDLESS: usize = 10_000;

/// A [`Runtime`] that does nothing by itself: jobs run, and time passes, when the test says so ([r60](crate::rules#r60),
/// [r61](crate::rules#r61)).
///
/// It runs the code of production: there is a stored job, and an attempt takes the seven steps. Attempts run one at a time,
/// so that a test has the same outcome each time.
///
/// A method that cannot proceed panics with the line of the test. So does the method that executes an attempt, or the drop of the
/// runtime, if a task stages something after its handler has returned: it would be lost ([r31](crate::rules#r31)).
pub struct TestRuntime {
    setup: Setup,
    runtime: Runtime,
    faults: Arc<Faults>,
    /// Where it was started.
    place: Place,
    /// The attempts that ran when leases were last checked.
    seen_running: Mutex<HashSet<AttemptId>>,
    /// The last event that a snapshot has read.
    last_event: Mutex<Cursor>,
    /// How many jobs were claimed. With a seed, it determines from which queue the next one is claimed first.
    claims: AtomicU64,
}

type Place = &'static Location<'static>;

impl TestRuntime {
    /// Starts the domain that is linked into the test, on a new store in memory.
    ///
    /// # Panics
    /// With every problem of the domain, if there is any ([r50](crate::rules#r50)), such as a capability that a handler needs
    /// and the [builder](Self::builder) has to provide.
    #[track_caller]
    pub fn start() -> impl Future<Output = Self> {
        Self::builder().start()
    }

    /// Starts to build a runtime with capabilities, another store, or a seed.
    pub fn builder() -> TestRuntimeBuilder {
        TestRuntimeBuilder::new()
    }

    pub(super) async fn new(setup: Setup, place: Place) -> Self {
        let faults = Arc::<Faults>::default();
        let runtime = start_runtime(&setup, &faults, place).await;
        Self {
            setup,
            runtime,
            faults,
            place,
            seen_running: Mutex::default(),
            last_event: Mutex::default(),
            claims: AtomicU64::new(0),
        }
    }

    /// The runtime as it is in production. A job that is published there runs when the test [drains](Self::drain) it; waiting
    /// for its outcome before that never returns.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// The clock. Let time pass with [`advance`](Self::advance), which does what a runtime does meanwhile. The wall clock can be
    /// [set](ManualClock::set), as by an administrator or a time server: no time passes, and the runtime notices it when time
    /// passes next.
    pub fn clock(&self) -> &ManualClock {
        &self.setup.clock
    }

    /// Stores an entity, or its next version if it exists: as an execution does, by a job, whose name is `given`.
    ///
    /// # Panics
    /// If no execution could commit the entity: its id is null, or it violates an invariant without a scope.
    #[track_caller]
    pub fn given<E: Entity>(&self, entity: E) -> impl Future<Output = ()> {
        let place = Location::caller();
        async move {
            let engine = self.engine(place);
            if let Err(failure) = store_entity(engine, &entity).await {
                panic!("{place}: the given `{}` could not be committed by an execution: {failure}", E::NAME);
            }
        }
    }

    /// Stores an event, as [`Runtime::emit`] does. The jobs of its handlers run when they are [drained](Self::drain).
    ///
    /// # Panics
    /// If the event is refused, for example because it violates its schema.
    #[track_caller]
    pub fn given_event<E: Event>(&self, event: E) -> impl Future<Output = EventId> {
        let place = Location::caller();
        let emitted = self.runtime.emit(event);
        async move {
            self.engine(place);
            match emitted.await {
                Ok(id) => id,
                Err(failure) => panic!("{place}: the given `{}` was refused: {failure}", E::NAME),
            }
        }
    }

    /// Executes the first attempt of a command, as [`Runtime::execute`] does. Retries, and the jobs that it causes, run when
    /// they are [drained](Self::drain).
    ///
    /// # Panics
    /// If the handler has not ended after ten seconds of real time, because it waits for something: start it with
    /// [`begin`](Self::begin) instead.
    #[track_caller]
    pub fn when<C: HasOneHandler>(&self, command: C) -> impl Future<Output = Outcome> {
        let started = self.start_command(command, Location::caller());
        async move { started.await.into_outcome().await }
    }

    /// [`when`](Self::when), in a context with this seed: identity, tenant, correlation ([r31](crate::rules#r31)).
    ///
    /// # Panics
    /// As `when`.
    #[track_caller]
    pub fn when_as<C: HasOneHandler>(&self, seed: ContextSeed, command: C) -> impl Future<Output = Outcome> {
        let place = Location::caller();
        let executed = async move { self.start_command(command, place).await.into_outcome().await };
        self.runtime.scope(seed, executed)
    }

    /// Emits an event, and executes one attempt of each of its handlers, one after another in the order of their names.
    ///
    /// # Panics
    /// If a handler has not ended after ten seconds of real time, because it waits for something.
    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "the call takes ownership")]
    pub fn when_event<E: Event>(&self, event: E) -> impl Future<Output = Outcome> {
        let place = Location::caller();
        let draft = self.runtime.draft_event(&event);
        async move {
            let engine = self.engine(place);
            let before = self.snapshot(format!("the handling of `{}`", E::NAME), place).await;
            let DraftEvent { event, mut jobs } = match draft {
                Ok(draft) => draft,
                Err(failure) => return before.into_refused(failure).await,
            };
            // They start at once, as an executed command does.
            for job in &mut jobs {
                job.start = Some(Start::Running(engine.worker.clone()));
            }
            let running = jobs.iter().map(|job| job.clone().into_job(JobState::Running)).collect::<Vec<_>>();
            expect_store(engine.ensure_lease().await, place);
            expect_store(engine.store.submit(vec![event], jobs).await, place);
            let mut executed = Vec::new();
            for job in running {
                if engine.dead.is_cancelled() {
                    break;
                }
                executed.push(self.run(job, place).await);
            }
            before.into_outcome(executed).await
        }
    }

    /// Starts to execute a command as [`when`](Self::when) does, and returns when its handler has started, or the attempt has
    /// ended before that. Meanwhile the test can move the clock, cancel the job, or provide what the handler waits for.
    #[track_caller]
    pub fn begin<C: HasOneHandler>(&self, command: C) -> impl Future<Output = RunningAttempt> {
        let started = self.start_command(command, Location::caller());
        async move {
            let mut running = started.await;
            running.handling(&self.faults).await;
            running
        }
    }

    /// Starts the next ready job, as [`drain_one`](Self::drain_one) does, and returns when its handler has started. `None` if
    /// no job is ready.
    #[track_caller]
    pub fn begin_one(&self) -> impl Future<Output = Option<RunningAttempt>> {
        let place = Location::caller();
        async move {
            let (before, job) = self.claim_next(place).await?;
            let (id, attempt) = (job.id, Some(job.attempts));
            let task = Some(self.spawn(job, place));
            let mut running = RunningAttempt::new(before, Ok(StartedJob { id, attempt, task }));
            running.handling(&self.faults).await;
            Some(running)
        }
    }

    /// Executes one attempt of the next ready job: the one of the highest priority in the first queue that has one. `None` if
    /// no job is ready.
    ///
    /// # Panics
    /// If the handler has not ended after ten seconds of real time, because it waits for something: start it with
    /// [`begin_one`](Self::begin_one) instead.
    #[track_caller]
    pub fn drain_one(&self) -> impl Future<Output = Option<Outcome>> {
        let place = Location::caller();
        async move {
            let (before, job) = self.claim_next(place).await?;
            let executed = self.run(job, place).await;
            Some(before.into_outcome(vec![executed]).await)
        }
    }

    /// Executes the ready jobs, one attempt after another, and those that become ready meanwhile, until none is. No time
    /// passes. After an injected crash nothing more runs.
    ///
    /// # Panics
    /// If it does not end: after ten thousand attempts. If a handler has not ended after ten seconds of real time.
    #[track_caller]
    pub fn drain(&self) -> impl Future<Output = Outcome> {
        let place = Location::caller();
        async move {
            let engine = self.engine(place);
            let before = self.snapshot("the drained jobs".to_owned(), place).await;
            let mut executed: Vec<ExecutedAttempt> = Vec::new();
            while !engine.dead.is_cancelled()
                && let Some(job) = self.claim(place).await
            {
                assert!(
                    executed.len() < ENDLESS,
                    "{place}: `drain` does not end: after {ENDLESS} attempts, `{}` is ready next, after `{}`; use `drain_one` for \
                     jobs that always cause further jobs",
                    job.name,
                    executed.last().map_or("nothing", |executed| &executed.job.name),
                );
                executed.push(self.run(job, place).await);
            }
            before.into_outcome(executed).await
        }
    }

    /// Lets time pass, and does what a runtime does meanwhile: records ticks of schedules, prunes, keeps leases. Jobs that are
    /// due then are ready, and run when they are [drained](Self::drain). A running attempt goes on; one whose time limit has
    /// passed ends.
    ///
    /// Another runtime that shares the clock does nothing meanwhile, as if it had stalled. To keep it alive, advance it by
    /// zero before its lease expires.
    #[track_caller]
    pub fn advance(&self, by: Duration) -> impl Future<Output = ()> {
        let place = Location::caller();
        async move { self.advance_by(by, place).await }
    }

    /// Lets time pass until the next job is due or the next schedule ticks, and returns how long that was. `None`, without
    /// letting time pass, if there is neither.
    #[track_caller]
    pub fn advance_to_next(&self) -> impl Future<Output = Option<Duration>> {
        let place = Location::caller();
        async move {
            let engine = self.engine(place);
            let due = expect_store(dispatcher::claim_one(engine, None).await, place).next_due;
            let next = [due, schedules::next_tick(engine)].into_iter().flatten().min()?;
            let pause = Duration::try_from(next.duration_since(self.clock().now())).unwrap_or_default();
            self.advance_by(pause, place).await;
            Some(pause)
        }
    }

    /// Lets time pass until the leases of all other workers have expired. Attempts that a crash has left running end as
    /// `Lost`, and are retried if their policy allows it ([r23](crate::rules#r23)).
    #[track_caller]
    pub fn advance_past_lease(&self) -> impl Future<Output = ()> {
        let place = Location::caller();
        async move {
            let lease = self.engine(place).lease.length;
            self.advance_by(lease.saturating_add(Duration::from_millis(1)), place).await;
        }
    }

    /// Injects a fault when an attempt next passes this point ([r62](crate::rules#r62)). Several faults at one point occur one
    /// after another.
    pub fn fault(&self, point: Point, fault: Fault) {
        self.faults.plan(point, fault);
    }

    /// The injected faults that have not occurred.
    pub fn faults_left(&self) -> Vec<(Point, Fault)> {
        self.faults.left()
    }

    /// Restarts the process, after an injected crash or as if it were killed now. Attempts that run stay stored as running
    /// until their lease has [expired](Self::advance_past_lease).
    #[track_caller]
    pub fn restart(&mut self) -> impl Future<Output = ()> {
        let place = Location::caller();
        async move {
            let engine = self.runtime.engine();
            engine.die();
            engine.attempts.close();
            engine.attempts.wait().await;
            expect_nothing_late(&self.runtime, place);
            self.runtime = start_runtime(&self.setup, &self.faults, place).await;
            lock(&self.seen_running).clear();
        }
    }

    /// The engine, unless the process has crashed.
    fn engine(&self, place: Place) -> &Arc<Engine> {
        let engine = self.runtime.engine();
        assert!(
            !engine.dead.is_cancelled(),
            "{place}: the process died of an injected crash; `restart` it first"
        );
        engine
    }

    fn start_command<C: HasOneHandler>(
        &self,
        command: C,
        place: Place,
    ) -> impl Future<Output = RunningAttempt> {
        let execute = self.runtime.execute(command);
        async move {
            self.engine(place);
            let before = self.snapshot(format!("`{}`", C::NAME), place).await;
            let started = execute.first_attempt().await;
            let started =
                started.map(|(id, task)| StartedJob { id, attempt: task.is_some().then_some(1), task });
            RunningAttempt::new(before, started)
        }
    }

    async fn snapshot(&self, what: String, place: Place) -> Snapshot {
        let last_event = lock(&self.last_event).clone();
        let snapshot = Snapshot::take(&self.runtime, what, place, last_event).await;
        *lock(&self.last_event) = snapshot.last_event();
        snapshot
    }

    /// Lets time pass from one tick to the next.
    async fn advance_by(&self, by: Duration, place: Place) {
        let engine = self.engine(place);
        // Before time passes, so that leases that other runtimes renew later are observed to change.
        self.keep_leases(place).await;
        let mut left = by;
        loop {
            let next = schedules::next_tick(engine)
                .and_then(|next| Duration::try_from(next.duration_since(self.clock().now())).ok())
                .filter(|pause| !pause.is_zero() && *pause < left);
            let step = next.unwrap_or(left);
            self.clock().advance(step);
            expect_store(engine.pauses.follow(engine).await, place);
            expect_store(schedules::tick_due(engine).await, place);
            left -= step;
            if left.is_zero() {
                break;
            }
        }
        expect_store(pruning::prune(engine, &self.setup.runtime.retention).await, place);
        self.keep_leases(place).await;
    }

    async fn keep_leases(&self, place: Place) {
        let mut seen = std::mem::take(&mut *lock(&self.seen_running));
        expect_store(lease_keeper::renew(self.engine(place)).await, place);
        expect_store(lease_keeper::check(self.engine(place), &mut seen).await, place);
        *lock(&self.seen_running) = seen;
    }

    /// Claims the next ready job, and what is stored before it runs.
    async fn claim_next(&self, place: Place) -> Option<(Snapshot, Job)> {
        let job = self.claim(place).await?;
        Some((self.snapshot(format!("`{}`", job.name), place).await, job))
    }

    async fn claim(&self, place: Place) -> Option<Job> {
        let engine = self.engine(place);
        let queues = engine.plans.claimable().1.len();
        // Queues have no order: with a seed, they take turns at being the first.
        let first = self.setup.seed.map_or(0, |seed| {
            let turn = seed.wrapping_add(self.claims.fetch_add(1, Ordering::Relaxed)) % queues.max(1) as u64;
            usize::try_from(turn).unwrap_or_default()
        });
        for queue in 0..queues {
            let claimed =
                expect_store(dispatcher::claim_one(engine, Some((first + queue) % queues)).await, place);
            if let Some(job) = claimed.jobs.into_iter().next() {
                return Some(job);
            }
        }
        None
    }

    fn spawn(&self, job: Job, place: Place) -> JoinHandle<()> {
        let engine = self.engine(place);
        engine.spawn(attempt::run(engine.clone(), job, Arrival::Claimed(None), None))
    }

    /// Runs an attempt whose start is stored.
    async fn run(&self, job: Job, place: Place) -> ExecutedAttempt {
        let (id, number) = (job.id, job.attempts);
        let name = job.name.clone();
        wait_for(self.spawn(job, place), &format!("`{name}`"), place).await;
        ExecutedAttempt::read(&self.runtime, id, Some(number), place).await
    }
}

/// Starts a runtime without background tasks.
async fn start_runtime(setup: &Setup, faults: &Arc<Faults>, place: Place) -> Runtime {
    let mut builder = setup.runtime.clone().clock(setup.clock.clone()).with_store((setup.open)());
    builder.faults = Some(faults.clone());
    let runtime = match builder.start_idle() {
        Ok(runtime) => runtime,
        Err(problems) => panic!("{place}: {problems}"),
    };
    expect_store(schedules::tick_due(runtime.engine()).await, place);
    expect_store(lease_keeper::check(runtime.engine(), &mut HashSet::new()).await, place);
    runtime
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Fails the test if a task has staged something after its handler had returned, unless the test has failed already.
impl Drop for TestRuntime {
    fn drop(&mut self) {
        if !thread::panicking() {
            expect_nothing_late(&self.runtime, self.place);
        }
    }
}

impl fmt::Debug for TestRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TestRuntime({:?}, {:?})", self.runtime, self.clock())
    }
}
