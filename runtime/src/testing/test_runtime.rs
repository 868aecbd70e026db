use std::collections::HashSet;
use std::fmt;
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinHandle;

use super::begun::{Begun, RunningAttempt, wait_for};
use super::builder::{Setup, TestRuntimeBuilder};
use super::outcome::{Outcome, Ran, Witness};
use super::record::answered;
use crate::context::entity_key;
use crate::domain::{Entity, Event, HasOneHandler};
use crate::engine::{
    AttemptId, Engine, Fault, Faults, Point, attempt, check_always, dispatcher, lease_keeper, pruning,
    schedules,
};
use crate::model::clock::{Clock, ManualClock};
use crate::model::{Attempt, ContextSeed, EventId, Failure, Job, JobKind, JobState, Json, Step};
use crate::runtime::Runtime;
use crate::store::{Commit, CommitError, Cursor, EntityWrite, NewJob, Next};

/// After so many attempts it is plain that there is no end to what runs.
const ENDLESS: usize = 10_000;

/// A [`Runtime`] that does nothing by itself: jobs run, and time passes, when the test says so (r60, r61).
///
/// What it runs, it runs as in production: there is a job on record, and one attempt of it takes the seven steps (r10). One
/// thing is done at a time, so that a test comes to the same end each time.
///
/// Whatever cannot go on panics, and says at which line of the test.
pub struct TestRuntime {
    setup: Setup,
    runtime: Runtime,
    faults: Arc<Faults>,
    /// The attempts that were under way when leases were last looked after.
    lasting: Mutex<HashSet<AttemptId>>,
    /// The last event on record that the test has come to.
    seen: Mutex<Cursor>,
    /// How many jobs were drawn.
    drawn: AtomicU64,
}

type Caller = &'static Location<'static>;

impl TestRuntime {
    /// Starts what is linked into the test's program, on a new store in memory.
    ///
    /// # Panics
    /// With every problem of the domain, if it has any (r50): a capability that a handler needs, for one, which the
    /// [builder](Self::builder) provides.
    #[track_caller]
    pub fn start() -> impl Future<Output = Self> {
        Self::builder().start()
    }

    /// Begins to build one with capabilities, on another store, or with a seed.
    pub fn builder() -> TestRuntimeBuilder {
        TestRuntimeBuilder::new()
    }

    pub(super) async fn of(setup: Setup, place: Caller) -> Self {
        let faults = Arc::<Faults>::default();
        let runtime = begin(&setup, &faults, place).await;
        Self {
            setup,
            runtime,
            faults,
            lasting: Mutex::default(),
            seen: Mutex::default(),
            drawn: AtomicU64::new(0),
        }
    }

    /// The runtime, with all that can be asked of one in production: what is published there runs when the test
    /// [drains](Self::drain) it. What waits for a job that nobody runs, waits for ever.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// The clock. Where time is to pass, [`advance`](Self::advance) does what a runtime does then; the clock itself can be
    /// [set](ManualClock::set), as by an administrator.
    pub fn clock(&self) -> &ManualClock {
        &self.setup.clock
    }

    /// Puts an entity on record, in the place of the one of its id that there may be: as an execution would have, by a job, which
    /// stands on record as `given`, and with the next version.
    ///
    /// # Panics
    /// If no execution could have: its id is null, or an invariant that always holds of it does not (r16).
    #[track_caller]
    pub fn given<E: Entity>(&self, entity: E) -> impl Future<Output = ()> {
        let place = Location::caller();
        async move {
            let engine = self.engine(place);
            if let Err(failure) = give(engine, &entity).await {
                panic!(
                    "{place}: the `{}` that is given is none that an execution leaves: {failure}",
                    E::NAME
                );
            }
        }
    }

    /// Puts an event on record, as [`Runtime::emit`] does. The jobs of its handlers run when they are [drained](Self::drain).
    ///
    /// # Panics
    /// If the event is refused, as one that violates its schema is.
    #[track_caller]
    pub fn given_event<E: Event>(&self, event: E) -> impl Future<Output = EventId> {
        let place = Location::caller();
        let emitted = self.runtime.emit(event);
        async move {
            self.engine(place);
            match emitted.await {
                Ok(id) => id,
                Err(failure) => panic!("{place}: the `{}` that is given is refused: {failure}", E::NAME),
            }
        }
    }

    /// Executes a command: one attempt, as [`Runtime::execute`] makes its first one. What it causes, and further attempts,
    /// run when they are [drained](Self::drain).
    ///
    /// # Panics
    /// If the handler has not ended after some seconds, because it waits for something: [`begin`](Self::begin) it then.
    #[track_caller]
    pub fn when<C: HasOneHandler>(&self, command: C) -> impl Future<Output = Outcome> {
        let begun = self.begun(command, Location::caller());
        async move { begun.await.ended_at().await }
    }

    /// [`when`](Self::when) somebody in particular asks, for a tenant, in a matter: as the seed says (r31).
    ///
    /// # Panics
    /// As `when`.
    #[track_caller]
    pub fn when_as<C: HasOneHandler>(&self, seed: ContextSeed, command: C) -> impl Future<Output = Outcome> {
        let place = Location::caller();
        let executed = async move { self.begun(command, place).await.ended_at().await };
        self.runtime.scope(seed, executed)
    }

    /// Emits an event, and runs one attempt of each of its handlers, one after another in the order of their names.
    ///
    /// # Panics
    /// If a handler has not ended after some seconds, because it waits for something.
    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "an event is handed over")]
    pub fn when_event<E: Event>(&self, event: E) -> impl Future<Output = Outcome> {
        let place = Location::caller();
        let drafted = self.runtime.draft_event(&event);
        async move {
            let engine = self.engine(place);
            let witness = self.witness(format!("the handling of `{}`", E::NAME), place).await;
            let (event, mut jobs) = match drafted {
                Ok(drafted) => drafted,
                Err(failure) => return witness.refused(failure).await,
            };
            // They begin at once, as what is executed does.
            for job in &mut jobs {
                job.start = Some(engine.worker.clone());
            }
            let begun = jobs.iter().map(|job| job.clone().into_job(JobState::Running)).collect::<Vec<_>>();
            answered(engine.ensure_lease().await, place);
            answered(engine.store.submit(vec![event], jobs).await, place);
            let mut ran = Vec::new();
            for job in begun {
                if engine.dead.is_cancelled() {
                    break;
                }
                ran.push(self.run(job, place).await);
            }
            witness.ran(ran).await
        }
    }

    /// Begins to execute a command as [`when`](Self::when) does, and comes back when its handler has begun (or the attempt has
    /// ended before that). Meanwhile the test can move the clock, call the job off, or open what the handler waits for.
    #[track_caller]
    pub fn begin<C: HasOneHandler>(&self, command: C) -> impl Future<Output = Begun> {
        let begun = self.begun(command, Location::caller());
        async move {
            let mut begun = begun.await;
            begun.handling(&self.faults).await;
            begun
        }
    }

    /// Begins the next job that is ready, if there is one, as [`drain_one`](Self::drain_one) does, and comes back when its
    /// handler has begun.
    #[track_caller]
    pub fn begin_one(&self) -> impl Future<Output = Option<Begun>> {
        let place = Location::caller();
        async move {
            let (witness, job) = self.next(place).await?;
            let (id, number) = (job.id, job.attempts);
            let task = self.spawn(job, place);
            let mut begun =
                Begun::new(witness, Ok(RunningAttempt { id, number: Some(number), task: Some(task) }));
            begun.handling(&self.faults).await;
            Some(begun)
        }
    }

    /// Runs one attempt of the next job that is ready: of the first queue that has one, the first of the highest priority.
    /// `None` if nothing is ready.
    ///
    /// # Panics
    /// If its handler has not ended after some seconds, because it waits for something: [`begin_one`](Self::begin_one) it then.
    #[track_caller]
    pub fn drain_one(&self) -> impl Future<Output = Option<Outcome>> {
        let place = Location::caller();
        async move {
            let (witness, job) = self.next(place).await?;
            let ran = self.run(job, place).await;
            Some(witness.ran(vec![ran]).await)
        }
    }

    /// Runs what is ready, one attempt after another, and what becomes ready by that, until nothing is: the clock stands still
    /// meanwhile. After an injected crash nothing more runs.
    ///
    /// # Panics
    /// If that has no end: after ten thousand attempts. If a handler has not ended after some seconds.
    #[track_caller]
    pub fn drain(&self) -> impl Future<Output = Outcome> {
        let place = Location::caller();
        async move {
            let engine = self.engine(place);
            let witness = self.witness("what was drained".to_owned(), place).await;
            let mut ran: Vec<Ran> = Vec::new();
            while !engine.dead.is_cancelled()
                && let Some(job) = self.claim(place).await
            {
                assert!(
                    ran.len() < ENDLESS,
                    "{place}: there is no end to it: {ENDLESS} attempts were made, and more is ready: `{}` next, after \
                     `{}`; use `drain_one` for what goes on for ever",
                    job.name,
                    ran.last().map_or("nothing", |ran| &ran.job.name),
                );
                ran.push(self.run(job, place).await);
            }
            witness.ran(ran).await
        }
    }

    /// Lets time pass, and does what a runtime does by itself meanwhile: puts on record what recurs, deletes what is
    /// old enough, looks after leases. What is due then is ready, and runs when it is [drained](Self::drain). What is under
    /// way goes on: a time limit that is over ends its attempt.
    ///
    /// Another runtime that shares the clock does nothing meanwhile, as if it were stalled; to let time pass for both, advance
    /// by zero there, too, before its lease has ended.
    #[track_caller]
    pub fn advance(&self, by: Duration) -> impl Future<Output = ()> {
        let place = Location::caller();
        async move { self.pass(by, place).await }
    }

    /// Lets time pass until the next moment that a job waits for, or at which a command recurs. Answers how long that was;
    /// `None`, and no time has passed, if there is no such moment; where a command recurs, there always is one.
    #[track_caller]
    pub fn advance_to_next(&self) -> impl Future<Output = Option<Duration>> {
        let place = Location::caller();
        async move {
            let engine = self.engine(place);
            let due = answered(dispatcher::claim_one(engine, None).await, place).next_due;
            let next = [due, schedules::next_tick(engine)].into_iter().flatten().min()?;
            let pause = Duration::try_from(next.duration_since(self.clock().now())).unwrap_or_default();
            self.pass(pause, place).await;
            Some(pause)
        }
    }

    /// Lets so much time pass that no other worker's lease lasts: what a crash has left running has ended as `Lost` then, and
    /// runs again if its policy says so (r23).
    #[track_caller]
    pub fn advance_past_lease(&self) -> impl Future<Output = ()> {
        let place = Location::caller();
        async move {
            let lease = self.engine(place).lease.length;
            self.pass(lease + Duration::from_millis(1), place).await;
        }
    }

    /// Has a fault occur when an attempt next passes this point (r62). Several at one point occur one after another.
    pub fn fault(&self, point: Point, fault: Fault) {
        self.faults.plan(point, fault);
    }

    /// The faults that were asked for and have not occurred.
    pub fn faults_left(&self) -> Vec<(Point, Fault)> {
        self.faults.left()
    }

    /// Starts the process anew, after an injected crash, or as if it were killed now: what was under way is left as it is on
    /// record, until its lease has [ended](Self::advance_past_lease).
    #[track_caller]
    pub fn restart(&mut self) -> impl Future<Output = ()> {
        let place = Location::caller();
        async move {
            let engine = self.runtime.engine();
            engine.die();
            engine.attempts.close();
            engine.attempts.wait().await;
            self.runtime = begin(&self.setup, &self.faults, place).await;
            self.lasting.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }

    /// The engine, if it lives.
    fn engine(&self, place: Caller) -> &Arc<Engine> {
        let engine = self.runtime.engine();
        assert!(
            !engine.dead.is_cancelled(),
            "{place}: the process died of an injected crash; `restart` it first"
        );
        engine
    }

    fn begun<C: HasOneHandler>(&self, command: C, place: Caller) -> impl Future<Output = Begun> {
        let execute = self.runtime.execute(command);
        async move {
            self.engine(place);
            let witness = self.witness(format!("`{}`", C::NAME), place).await;
            let begun = execute.first_attempt().await;
            let under_way =
                begun.map(|(id, task)| RunningAttempt { id, number: task.is_some().then_some(1), task });
            Begun::new(witness, under_way)
        }
    }

    /// Looks at what is on record before something runs.
    async fn witness(&self, what: String, place: Caller) -> Witness {
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let witness = Witness::of(&self.runtime, what, place, seen).await;
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = witness.seen();
        witness
    }

    /// Lets time pass from one thing that recurs to the next.
    async fn pass(&self, by: Duration, place: Caller) {
        let engine = self.engine(place);
        // How leases stand before, so that it shows afterwards which were renewed.
        self.look_after_leases(place).await;
        let mut left = by;
        loop {
            let next = schedules::next_tick(engine)
                .and_then(|next| Duration::try_from(next.duration_since(self.clock().now())).ok())
                .filter(|pause| !pause.is_zero() && *pause < left);
            let step = next.unwrap_or(left);
            self.clock().advance(step);
            answered(schedules::tick_due(engine).await, place);
            left -= step;
            if left.is_zero() {
                break;
            }
        }
        answered(pruning::prune(engine, &self.setup.runtime.retention).await, place);
        self.look_after_leases(place).await;
    }

    async fn look_after_leases(&self, place: Caller) {
        let mut lasting = std::mem::take(&mut *self.lasting.lock().unwrap_or_else(PoisonError::into_inner));
        answered(lease_keeper::renew(self.engine(place)).await, place);
        answered(lease_keeper::look(self.engine(place), &mut lasting).await, place);
        *self.lasting.lock().unwrap_or_else(PoisonError::into_inner) = lasting;
    }

    /// The next job that is ready, begun on record, and what was there before.
    async fn next(&self, place: Caller) -> Option<(Witness, Job)> {
        self.engine(place);
        let job = self.claim(place).await?;
        Some((self.witness(format!("`{}`", job.name), place).await, job))
    }

    async fn claim(&self, place: Caller) -> Option<Job> {
        let engine = self.engine(place);
        let queues = engine.plans.queues().1.len();
        // Nothing orders queues: with a seed, each has its turn at being the first.
        let first = self.setup.seed.map_or(0, |seed| {
            let turn = seed.wrapping_add(self.drawn.fetch_add(1, Ordering::Relaxed)) % queues.max(1) as u64;
            usize::try_from(turn).unwrap_or_default()
        });
        for queue in 0..queues {
            let claimed =
                answered(dispatcher::claim_one(engine, Some((first + queue) % queues)).await, place);
            if let Some(job) = claimed.jobs.into_iter().next() {
                return Some(job);
            }
        }
        None
    }

    fn spawn(&self, job: Job, place: Caller) -> JoinHandle<()> {
        let engine = self.engine(place);
        engine.spawn(attempt::run(engine.clone(), job, None))
    }

    /// Runs an attempt that has begun on record.
    async fn run(&self, job: Job, place: Caller) -> Ran {
        let (id, number) = (job.id, job.attempts);
        let name = job.name.clone();
        wait_for(self.spawn(job, place), &format!("`{name}`"), place).await;
        Ran::of(&self.runtime, id, Some(number), place).await
    }
}

/// Starts a runtime that stands still.
async fn begin(setup: &Setup, faults: &Arc<Faults>, place: Caller) -> Runtime {
    let mut builder = setup.runtime.clone().clock(setup.clock.clone()).with_store((setup.open)());
    builder.faults = Some(faults.clone());
    let runtime = match builder.start_still() {
        Ok(runtime) => runtime,
        Err(problems) => panic!("{place}: {problems}"),
    };
    answered(schedules::tick_due(runtime.engine()).await, place);
    answered(lease_keeper::look(runtime.engine(), &mut HashSet::new()).await, place);
    runtime
}

/// Puts an entity on record by a job of its own.
async fn give<E: Entity>(engine: &Engine, entity: &E) -> Result<(), Failure> {
    let key = entity_key::<E>(entity.id())?;
    let body = Json::of(entity).map_err(|error| Failure::from_error(Box::new(error)))?;
    check_always(engine, &key, entity)?;
    let now = engine.clock.now();
    let on_record = engine.store.load(&key).await?.map_or(0, |stored| stored.version);
    let payload = Json::of(&json!({ "entity": E::NAME, "id": key.id.as_str() }))
        .map_err(|error| Failure::from_error(Box::new(error)))?;
    let mut job = NewJob::new(engine.ids.job(), JobKind::Command, "given", payload, now);
    job.start = Some(engine.worker.clone());
    let attempt = Attempt {
        ended_at: Some(now),
        reached: Some(Step::Commit),
        version_read: (on_record > 0).then_some(on_record),
        version_written: Some(on_record + 1),
        ..Attempt::begun(1, engine.worker.clone(), now)
    };
    let commit = Commit {
        job: job.id,
        attempt,
        lapsed: None,
        next: Next::Succeeded(Json::null()),
        write: Some(EntityWrite { key, expected: on_record, body }),
        events: Vec::new(),
        jobs: Vec::new(),
    };
    engine.ensure_lease().await?;
    engine.store.submit(Vec::new(), vec![job]).await?;
    match engine.store.commit(commit).await {
        Ok(_) => Ok(()),
        Err(CommitError::Store(error)) => Err(error.into()),
        Err(refused) => Err(Failure::from_error(Box::new(refused))),
    }
}

impl fmt::Debug for TestRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TestRuntime({:?}, {:?})", self.runtime, self.clock())
    }
}
