//! A fault at every point between claim and commit, and while a failure is recorded: no commit is partial, no job takes effect
//! twice, and no job stays unfinished (r62). All combinations run on every store.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::fmt;
use std::pin::pin;

use common::{cluster, connect};
use enact::Cursor;
use enact::clock::ManualClock;
use enact::prelude::*;
use enact::testing::{Fault, Outcome, Point, RunningAttempt, TestRuntime, TestRuntimeBuilder};
use enact::{Attempt, Job, JobId, MemoryStore, Step};
use enact_sqlite::SqliteStore;
use tempfile::TempDir;
use tokio::sync::Notify;

const PAUSE: Duration = Duration::from_secs(1);

/// A purse of coins.
#[entity]
#[derive(Debug, PartialEq)]
struct Purse {
    id: u32,
    coins: i64,
}

/// The coins that the tax office knows of.
#[entity]
#[derive(Debug, PartialEq)]
struct Ledger {
    id: u32,
    coins: i64,
}

/// Take coins out of a purse, emit `Spent` and publish `WriteReceipt`.
#[command(target = purse, order_by = purse)]
#[derive(Clone)]
struct Spend {
    purse: u32,
    coins: i64,
}

/// Take coins out of a purse; stage nothing else, and never retry.
#[command(target = purse)]
#[derive(Clone)]
struct Gamble {
    purse: u32,
    coins: i64,
}

/// Like `Spend`, after the bell has rung, and with an idempotency key on the receipt.
#[command(target = purse)]
struct Haggle {
    purse: u32,
    coins: i64,
}

/// Write a receipt.
#[command]
struct WriteReceipt {
    coins: i64,
}

/// Coins have left a purse.
#[event]
#[derive(Clone)]
struct Spent {
    purse: u32,
    coins: i64,
}

/// A tax was recorded.
#[event]
struct Taxed {
    coins: i64,
}

#[command(retry = Retry::fixed(4, PAUSE))]
async fn spend(spend: Spend, purse: &mut Purse) {
    purse.coins -= spend.coins;
    emit(Spent { purse: spend.purse, coins: spend.coins });
    publish(WriteReceipt { coins: spend.coins });
}

#[command]
async fn gamble(gamble: Gamble, purse: &mut Purse) {
    purse.coins -= gamble.coins;
}

#[command(retry = Retry::fixed(4, PAUSE))]
async fn haggle(haggle: Haggle, purse: &mut Purse, bell: Arc<Notify>) {
    bell.notified().await;
    purse.coins -= haggle.coins;
    emit(Spent { purse: haggle.purse, coins: haggle.coins });
    publish(WriteReceipt { coins: haggle.coins }).idempotency_key("the receipt");
}

#[command(retry = Retry::fixed(4, PAUSE))]
async fn write_receipt(_: WriteReceipt) {}

#[event_handler(retry = Retry::fixed(4, PAUSE))]
async fn tax(spent: Spent, ledgers: Repository<Ledger>) -> Result<(), Failure> {
    let known = ledgers.get(&spent.purse).await?.map_or(0, |ledger| ledger.coins);
    ledgers.save(Ledger { id: spent.purse, coins: known + spent.coins })?;
    emit(Taxed { coins: spent.coins });
    Ok(())
}

/// The store of a case.
#[derive(Clone, Copy, Debug)]
enum Backend {
    Memory,
    Sqlite,
    Postgres,
}

impl Backend {
    fn builder(self, directory: &TempDir) -> TestRuntimeBuilder {
        let file = directory.path().join("purses.db");
        let builder = TestRuntime::builder().provide::<Notify>(Arc::default());
        match self {
            Self::Memory => builder.store(MemoryStore::new()),
            Self::Sqlite => builder.open(move || SqliteStore::open(&file).unwrap()),
            Self::Postgres => {
                let directory = directory.path().file_name().unwrap().to_string_lossy();
                let schema = format!("purses_{}", directory.trim_start_matches('.'));
                builder.open(move || connect(&schema))
            }
        }
    }
}

/// The execution that the fault is injected into.
#[derive(Clone, Copy, Debug)]
enum Scenario {
    /// A command that is executed; it stages an event and a command.
    Executed,
    /// The same, published.
    Published,
    /// The same, with another job after it in its lane.
    InALane,
    /// The same, in its second attempt.
    Retried,
    /// An event handler that writes an entity and emits.
    EventHandled,
    /// A command that writes its entity only, and is never retried.
    NeverRetried,
    /// The same, executed.
    NeverRetriedExecuted,
}

impl Scenario {
    const ALL: [Self; 7] = [
        Self::Executed,
        Self::Published,
        Self::InALane,
        Self::Retried,
        Self::EventHandled,
        Self::NeverRetried,
        Self::NeverRetriedExecuted,
    ];

    fn is_retried(self) -> bool {
        !matches!(self, Self::NeverRetried | Self::NeverRetriedExecuted)
    }
}

/// One case of the enumeration.
#[derive(Clone, Copy)]
struct Case {
    backend: Backend,
    scenario: Scenario,
    point: Point,
    fault: Fault,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { backend, scenario, point, fault } = self;
        write!(f, "{fault:?} {point} ({scenario:?}, {backend:?})")
    }
}

const SPEND: Spend = Spend { purse: 1, coins: 30 };
const GAMBLE: Gamble = Gamble { purse: 1, coins: 30 };

impl Case {
    async fn start(self, directory: &TempDir) -> TestRuntime {
        let world = self.backend.builder(directory).start().await;
        world.given(Purse { id: 1, coins: 100 }).await;
        world
    }

    /// Whether the command takes effect in the end: it does if it is retried, or committed before the fault.
    fn takes_effect(self) -> bool {
        self.scenario.is_retried() || self.point == Point::Committed
    }

    /// Runs the scenario with the fault injected. Returns the job that meets the fault.
    async fn run_with_fault(self, world: &TestRuntime) -> JobId {
        match self.scenario {
            Scenario::Executed => {
                self.inject(world);
                ended(world, world.begin(SPEND).await).await.job().id
            }
            Scenario::NeverRetriedExecuted => {
                self.inject(world);
                ended(world, world.begin(GAMBLE).await).await.job().id
            }
            Scenario::Published => {
                world.runtime().publish(SPEND).await.unwrap();
                self.inject(world);
                run_one(world).await
            }
            Scenario::NeverRetried => {
                world.runtime().publish(GAMBLE).await.unwrap();
                self.inject(world);
                run_one(world).await
            }
            Scenario::InALane => {
                world.runtime().publish(SPEND).await.unwrap();
                world.runtime().publish(Spend { coins: 50, ..SPEND }).await.unwrap();
                self.inject(world);
                run_one(world).await
            }
            Scenario::Retried => {
                world.runtime().publish(SPEND).await.unwrap();
                world.fault(Point::Before(Step::CheckAfter), Fault::Panic);
                run_one(world).await;
                world.advance(PAUSE).await;
                self.inject(world);
                run_one(world).await
            }
            Scenario::EventHandled => {
                world.given_event(Spent { purse: 1, coins: 30 }).await;
                self.inject(world);
                run_one(world).await
            }
        }
    }

    fn inject(self, world: &TestRuntime) {
        if matches!(self.point, Point::Failing | Point::Failed) {
            // Only a failing attempt reaches these points.
            world.fault(Point::Before(Step::Handle), Fault::Error);
        }
        world.fault(self.point, self.fault);
    }

    /// The stored failure of the attempt that met the fault.
    fn expected_end(self) -> Option<FailureKind> {
        match (self.point, self.fault) {
            (Point::Committed, _) => None,
            // The failure was stored before the fault, or by the next try.
            (Point::Failed, _) | (Point::Failing, Fault::Panic) | (_, Fault::Error) => {
                Some(FailureKind::Error)
            }
            (_, Fault::Panic) => Some(FailureKind::Panicked),
            (_, Fault::Crash) => Some(FailureKind::Lost),
            (point, fault) => panic!("no expectation of {fault:?} at {point:?}"),
        }
    }

    async fn check(self) {
        let directory = tempfile::tempdir().unwrap();
        let mut world = self.start(&directory).await;
        let faulted = self.run_with_fault(&world).await;
        assert_eq!(world.faults_left(), [], "{self}: the fault has not occurred");
        // Nothing has run since: this is the state that the fault left.
        Snapshot::read(&world).await.assert_whole(self);

        if self.fault == Fault::Crash {
            world.restart().await;
            // No worker may run the interrupted job before its lease has expired.
            while let Some(attempt) = world.begin_one().await {
                assert_ne!(attempt.job_id(), faulted, "{self}: the job runs twice at a time");
                let _ = ended(&world, attempt).await;
            }
            world.advance_past_lease().await;
        }
        run_all(&world).await;

        let snapshot = Snapshot::read(&world).await;
        snapshot.assert_whole(self);
        snapshot.assert_ended(self, faulted);
    }
}

/// Waits for the end of an attempt. Advances the clock meanwhile, for pauses between tries of a commit.
async fn ended(world: &TestRuntime, attempt: RunningAttempt) -> Outcome {
    let mut ended = pin!(attempt.ended());
    loop {
        tokio::select! {
            biased;
            outcome = &mut ended => return outcome,
            () = tokio::time::sleep(Duration::from_millis(1)) => world.clock().advance(Duration::from_millis(1)),
        }
    }
}

async fn run_one(world: &TestRuntime) -> JobId {
    let attempt = world.begin_one().await.expect("a job is ready");
    ended(world, attempt).await.job().id
}

/// Runs jobs until none is ready and none waits for a time.
async fn run_all(world: &TestRuntime) {
    loop {
        while let Some(attempt) = world.begin_one().await {
            let _ = ended(world, attempt).await;
        }
        if world.advance_to_next().await.is_none() {
            return;
        }
    }
}

/// Everything that is stored.
struct Snapshot {
    purse: i64,
    taxed: i64,
    versions: Vec<u64>,
    events: Vec<(String, i64)>,
    jobs: Vec<(Job, Vec<Attempt>)>,
}

impl Snapshot {
    async fn read(world: &TestRuntime) -> Self {
        let runtime = world.runtime();
        let coins = |event: &enact::StoredEvent| event.payload.value().unwrap()["coins"].as_i64().unwrap();
        let events = runtime.events().list(&Cursor::START, 100).await.unwrap();
        let events = events.iter().map(|event| (event.name.to_string(), coins(event))).collect();
        let mut jobs = Vec::new();
        let mut versions = Vec::new();
        for job in runtime.jobs().list(&JobQuery::default()).await.unwrap().jobs {
            let attempts = runtime.jobs().attempts(job.id).await.unwrap();
            if ["Spend", "Gamble"].contains(&&*job.name) {
                versions.extend(attempts.iter().filter_map(|attempt| attempt.version_written));
            }
            jobs.push((job, attempts));
        }
        let purse = runtime.entities::<Purse>().get(&1).await.unwrap().unwrap().coins;
        let taxed = runtime.entities::<Ledger>().get(&1).await.unwrap().map_or(0, |ledger| ledger.coins);
        Self { purse, taxed, versions, events, jobs }
    }

    fn succeeded<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Job> {
        self.jobs
            .iter()
            .map(|(job, _)| job)
            .filter(move |job| &*job.name == name && job.state == JobState::Succeeded)
    }

    fn count(&self, name: &str) -> usize {
        self.jobs.iter().filter(|(job, _)| &*job.name == name).count()
    }

    fn coins_of(&self, event: &str) -> i64 {
        self.events.iter().filter(|(name, _)| name == event).map(|(_, coins)| coins).sum()
    }

    fn events_of(&self, event: &str) -> usize {
        self.events.iter().filter(|(name, _)| name == event).count()
    }

    /// Asserts that commits are atomic: each succeeded job has written its entity, events and jobs once, and no other job has
    /// written any.
    fn assert_whole(&self, case: Case) {
        let coins = |job: &Job| job.payload.value().unwrap()["coins"].as_i64().unwrap();
        let spent: i64 = self.succeeded("Spend").map(coins).sum();
        let gambled: i64 = self.succeeded("Gamble").map(coins).sum();
        assert_eq!(self.purse, 100 - spent - gambled, "{case}: the purse");
        let writes = self.succeeded("Spend").count() + self.succeeded("Gamble").count();
        assert_eq!(self.versions.len(), writes, "{case}: writes of the purse");

        let given = i64::from(matches!(case.scenario, Scenario::EventHandled)) * 30;
        assert_eq!(self.coins_of("Spent"), spent + given, "{case}: coins of `Spent`");
        assert_eq!(self.count("WriteReceipt"), self.succeeded("Spend").count(), "{case}: receipts");
        assert_eq!(self.count("tax"), self.events_of("Spent"), "{case}: jobs of `tax`");

        assert_eq!(self.taxed, self.coins_of("Taxed"), "{case}: the ledger");
        assert_eq!(self.events_of("Taxed"), self.succeeded("tax").count(), "{case}: events `Taxed`");
    }

    /// Asserts that every job has ended, and has taken effect once if it should.
    fn assert_ended(&self, case: Case, faulted: JobId) {
        for (job, attempts) in &self.jobs {
            let expected = if job.id == faulted && !case.takes_effect() {
                JobState::Failed
            } else {
                JobState::Succeeded
            };
            assert_eq!(job.state, expected, "{case}: {job:#?}");
            assert!(attempts.iter().all(|attempt| attempt.ended_at.is_some()), "{case}: {attempts:#?}");
            let successes = attempts.iter().filter(|attempt| attempt.failure.is_none()).count();
            assert_eq!(successes, usize::from(expected == JobState::Succeeded), "{case}: {attempts:#?}");
        }
        // The attempts are stored with their failures: before the fault, at the fault, and after it.
        let (_, attempts) = self.jobs.iter().find(|(job, _)| job.id == faulted).unwrap();
        let mut expected = Vec::new();
        if matches!(case.scenario, Scenario::Retried) {
            expected.push(Some(FailureKind::Panicked));
        }
        expected.push(case.expected_end());
        if case.takes_effect() && case.expected_end().is_some() {
            expected.push(None);
        }
        let kinds: Vec<_> =
            attempts.iter().map(|attempt| attempt.failure.as_ref().map(Failure::kind)).collect();
        assert_eq!(kinds, expected, "{case}");

        if matches!(case.scenario, Scenario::InALane) {
            let ends: Vec<_> = self.succeeded("Spend").map(|job| job.ended_at.unwrap()).collect();
            assert_eq!(self.purse, 20, "{case}: the next job of the lane");
            assert!(ends.is_sorted(), "{case}: {ends:?}");
        }
    }
}

async fn check_all(backend: Backend) {
    let mut checked = 0;
    for scenario in Scenario::ALL {
        for &point in Point::ALL {
            for &fault in Fault::ALL {
                Case { backend, scenario, point, fault }.check().await;
                checked += 1;
            }
        }
    }
    assert_eq!(checked, 7 * 11 * 3);
}

#[tokio::test]
async fn r62_no_fault_leaves_a_partial_commit_or_a_double_effect_in_memory() {
    check_all(Backend::Memory).await;
}

#[tokio::test]
async fn r62_no_fault_leaves_a_partial_commit_or_a_double_effect_on_sqlite() {
    check_all(Backend::Sqlite).await;
}

#[tokio::test]
async fn r62_no_fault_leaves_a_partial_commit_or_a_double_effect_on_postgres() {
    if cluster().is_some() {
        check_all(Backend::Postgres).await;
    }
}

#[tokio::test]
async fn r62_a_crash_leaves_its_job_running_and_the_process_dead() {
    let mut world = Backend::Memory.builder(&tempfile::tempdir().unwrap()).start().await;
    world.given(Purse { id: 1, coins: 100 }).await;
    world.fault(Point::Claimed, Fault::Crash);
    world.when(SPEND).await.then_crashes().then_changes_nothing();
    let refused = world.runtime().publish(SPEND).await.unwrap_err();
    assert_eq!(refused.kind(), FailureKind::Unavailable);
    world.restart().await;
    let snapshot = Snapshot::read(&world).await;
    let left = snapshot.jobs.iter().find(|(job, _)| &*job.name == "Spend").expect("the job is stored");
    assert_eq!((left.0.state, left.0.attempts), (JobState::Running, 1));
    world.runtime().publish(SPEND).await.unwrap();
}

#[tokio::test]
#[should_panic(expected = "the process died of an injected crash; `restart` it first")]
async fn r62_a_crashed_process_cannot_be_used_before_a_restart() {
    let world = Backend::Memory.builder(&tempfile::tempdir().unwrap()).start().await;
    world.given(Purse { id: 1, coins: 100 }).await;
    world.fault(Point::Claimed, Fault::Crash);
    world.when(SPEND).await.then_crashes();
    world.drain().await.then_succeeds();
}

/// Why the store refuses a commit.
#[derive(Clone, Copy, Debug)]
enum Refusal {
    /// The job was cancelled.
    Cancelled,
    /// Another worker rescued the job.
    Lost,
    /// Another execution has written the entity.
    Conflict,
    /// The idempotency key of a staged command belongs to another request.
    Mismatch,
}

impl Refusal {
    const ALL: [Self; 4] = [Self::Cancelled, Self::Lost, Self::Conflict, Self::Mismatch];

    async fn check(self, backend: Backend) {
        let directory = tempfile::tempdir().unwrap();
        let (memory, bell) = (MemoryStore::new(), Arc::<Notify>::default());
        let start = async |clock: Option<&ManualClock>| {
            let builder = backend.builder(&directory).provide(bell.clone());
            let builder =
                if matches!(backend, Backend::Memory) { builder.store(memory.clone()) } else { builder };
            match clock {
                Some(clock) => builder.clock(clock).start().await,
                None => builder.start().await,
            }
        };
        let world = start(None).await;
        world.given(Purse { id: 1, coins: 100 }).await;
        let haggling = world.begin(Haggle { purse: 1, coins: 30 }).await;
        let id = haggling.job_id();
        let mut coins = 100;
        let kind = match self {
            Self::Cancelled => {
                world.runtime().jobs().cancel(id).await.unwrap();
                FailureKind::Cancelled
            }
            Self::Lost => {
                let other = start(Some(world.clock())).await;
                other.advance_past_lease().await;
                FailureKind::Lost
            }
            Self::Conflict => {
                coins = 70;
                world.given(Purse { id: 1, coins }).await;
                FailureKind::Conflict
            }
            Self::Mismatch => {
                let receipt =
                    world.runtime().publish(WriteReceipt { coins: 7 }).idempotency_key("the receipt");
                receipt.await.unwrap();
                FailureKind::Error
            }
        };
        bell.notify_one();
        let outcome = haggling.ended().await;
        let failure = outcome.failure().expect("the commit is refused");
        assert_eq!(failure.kind(), kind, "{self:?}, {backend:?}: {failure:?}");
        outcome.then_emits_nothing().then_publishes_nothing().then_entity(&Purse { id: 1, coins });
        let snapshot = Snapshot::read(&world).await;
        assert_eq!(snapshot.events, [], "{self:?}, {backend:?}");
        assert_eq!(snapshot.count("tax"), 0, "{self:?}, {backend:?}");
        let receipts = usize::from(matches!(self, Self::Mismatch));
        assert_eq!(snapshot.count("WriteReceipt"), receipts, "{self:?}, {backend:?}");
    }
}

#[tokio::test]
async fn r62_a_commit_that_the_store_refuses_leaves_nothing() {
    let postgres = cluster().map(|_| Backend::Postgres);
    for backend in [Backend::Memory, Backend::Sqlite].into_iter().chain(postgres) {
        for refusal in Refusal::ALL {
            refusal.check(backend).await;
        }
    }
}
