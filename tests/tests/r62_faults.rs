//! A fault at every point between claim and commit, and while a failure is recorded: nothing is half-written, nothing takes
//! effect twice, and nothing is left behind (r62). Enumerated, on every store.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fmt;
use std::pin::pin;

use enact::clock::ManualClock;
use enact::prelude::*;
use enact::store::{Cursor, JobQuery};
use enact::testing::{Fault, Outcome, Point, RunningAttempt, TestRuntime, TestRuntimeBuilder};
use enact::{Attempt, Job, JobId, MemoryStore, Step};
use enact_sqlite::SqliteStore;
use tempfile::TempDir;
use tokio::sync::Notify;

const PAUSE: Duration = Duration::from_secs(1);

/// What somebody has, in coins.
#[entity]
#[derive(Debug, PartialEq)]
struct Purse {
    id: u32,
    coins: i64,
}

/// What the tax office has heard of.
#[entity]
#[derive(Debug, PartialEq)]
struct Ledger {
    id: u32,
    coins: i64,
}

/// Take coins out of a purse; and tell of it, and have a receipt written.
#[command(target = purse, order_by = purse)]
#[derive(Clone)]
struct Spend {
    purse: u32,
    coins: i64,
}

/// Take coins out of a purse without a word, and only once.
#[command(target = purse)]
#[derive(Clone)]
struct Gamble {
    purse: u32,
    coins: i64,
}

/// Take coins out of a purse once the bell rings; and tell of it, and have the one receipt written.
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

/// The tax office has heard.
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

/// Where the record is kept.
#[derive(Clone, Copy, Debug)]
enum Disk {
    Memory,
    Sqlite,
}

impl Disk {
    fn builder(self, directory: &TempDir) -> TestRuntimeBuilder {
        let file = directory.path().join("purses.db");
        let builder = TestRuntime::builder().provide::<Notify>(Arc::default());
        match self {
            Self::Memory => builder.store(MemoryStore::new()),
            Self::Sqlite => builder.open(move || SqliteStore::open(&file).unwrap()),
        }
    }
}

/// What the fault meets.
#[derive(Clone, Copy, Debug)]
enum Scenario {
    /// A command that is executed; it stages an event and a command.
    Executed,
    /// The same, published.
    Published,
    /// The same, with another one behind it in its lane.
    InALane,
    /// The same, in its second attempt.
    Retried,
    /// The handling of an event, which writes an entity of its own and emits.
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
    disk: Disk,
    scenario: Scenario,
    point: Point,
    fault: Fault,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { disk, scenario, point, fault } = self;
        write!(f, "{fault:?} {point} ({scenario:?}, {disk:?})")
    }
}

const SPEND: Spend = Spend { purse: 1, coins: 30 };
const GAMBLE: Gamble = Gamble { purse: 1, coins: 30 };

impl Case {
    async fn start(self, directory: &TempDir) -> TestRuntime {
        let world = self.disk.builder(directory).start().await;
        world.given(Purse { id: 1, coins: 100 }).await;
        world
    }

    /// Whether what was asked for takes effect in the end: whatever is retried does, and whatever was committed before the
    /// fault.
    fn takes_effect(self) -> bool {
        self.scenario.is_retried() || self.point == Point::Committed
    }

    /// Does what the scenario says, with the fault on its way. Answers with the job that the fault meets.
    async fn meet(self, world: &TestRuntime) -> JobId {
        match self.scenario {
            Scenario::Executed => {
                self.plan(world);
                ended(world, world.begin(SPEND).await).await.job().id
            }
            Scenario::NeverRetriedExecuted => {
                self.plan(world);
                ended(world, world.begin(GAMBLE).await).await.job().id
            }
            Scenario::Published => {
                world.runtime().publish(SPEND).await.unwrap();
                self.plan(world);
                run_one(world).await
            }
            Scenario::NeverRetried => {
                world.runtime().publish(GAMBLE).await.unwrap();
                self.plan(world);
                run_one(world).await
            }
            Scenario::InALane => {
                world.runtime().publish(SPEND).await.unwrap();
                world.runtime().publish(Spend { coins: 50, ..SPEND }).await.unwrap();
                self.plan(world);
                run_one(world).await
            }
            Scenario::Retried => {
                world.runtime().publish(SPEND).await.unwrap();
                world.fault(Point::Before(Step::CheckAfter), Fault::Panic);
                run_one(world).await;
                world.advance(PAUSE).await;
                self.plan(world);
                run_one(world).await
            }
            Scenario::EventHandled => {
                world.given_event(Spent { purse: 1, coins: 30 }).await;
                self.plan(world);
                run_one(world).await
            }
        }
    }

    fn plan(self, world: &TestRuntime) {
        if matches!(self.point, Point::Failing | Point::Failed) {
            // Only what fails comes there.
            world.fault(Point::Before(Step::Handle), Fault::Error);
        }
        world.fault(self.point, self.fault);
    }

    /// How the attempt that met the fault must stand on record.
    fn expected_end(self) -> Option<FailureKind> {
        match (self.point, self.fault) {
            (Point::Committed, _) => None,
            // Its failure was on record by then, or came there when the store was asked again.
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
        let met = self.meet(&world).await;
        assert_eq!(world.faults_left(), [], "{self}: the fault has not occurred");
        // Nobody has done anything since: what is there is there as the fault has left it.
        Record::read(&world).await.assert_whole(self);

        if self.fault == Fault::Crash {
            world.restart().await;
            // What it left running is nobody's to run before its lease has ended.
            while let Some(begun) = world.begin_one().await {
                assert_ne!(begun.job_id(), met, "{self}: it runs twice at a time");
                let _ = ended(&world, begun).await;
            }
            world.advance_past_lease().await;
        }
        run_all(&world).await;

        let record = Record::read(&world).await;
        record.assert_whole(self);
        record.assert_ended(self, met);
    }
}

/// Waits for the end of an attempt. The clock moves meanwhile, for who waits until the store can be asked again.
async fn ended(world: &TestRuntime, begun: RunningAttempt) -> Outcome {
    let mut ended = pin!(begun.ended());
    loop {
        tokio::select! {
            biased;
            outcome = &mut ended => return outcome,
            () = tokio::time::sleep(Duration::from_millis(1)) => world.clock().advance(Duration::from_millis(1)),
        }
    }
}

async fn run_one(world: &TestRuntime) -> JobId {
    let begun = world.begin_one().await.expect("there is something to run");
    ended(world, begun).await.job().id
}

/// Until nothing is ready, and nothing waits for a time.
async fn run_all(world: &TestRuntime) {
    loop {
        while let Some(begun) = world.begin_one().await {
            let _ = ended(world, begun).await;
        }
        if world.advance_to_next().await.is_none() {
            return;
        }
    }
}

/// Everything that is on record.
struct Record {
    purse: i64,
    taxed: i64,
    versions: Vec<u64>,
    events: Vec<(String, i64)>,
    jobs: Vec<(Job, Vec<Attempt>)>,
}

impl Record {
    async fn read(world: &TestRuntime) -> Self {
        let runtime = world.runtime();
        let coins =
            |event: &enact::store::StoredEvent| event.payload.value().unwrap()["coins"].as_i64().unwrap();
        let events = runtime.events().list(Cursor::START, 100).await.unwrap();
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

    /// Whatever was committed was committed whole: each job that has succeeded has left its entity, its events and its jobs,
    /// once, and nothing else has left any.
    fn assert_whole(&self, case: Case) {
        let coins = |job: &Job| job.payload.value().unwrap()["coins"].as_i64().unwrap();
        let spent: i64 = self.succeeded("Spend").map(coins).sum();
        let gambled: i64 = self.succeeded("Gamble").map(coins).sum();
        assert_eq!(self.purse, 100 - spent - gambled, "{case}: the purse");
        let writes = self.succeeded("Spend").count() + self.succeeded("Gamble").count();
        assert_eq!(self.versions.len(), writes, "{case}: writes of the purse");

        let given = i64::from(matches!(case.scenario, Scenario::EventHandled)) * 30;
        assert_eq!(self.coins_of("Spent"), spent + given, "{case}: what was told of");
        assert_eq!(self.count("WriteReceipt"), self.succeeded("Spend").count(), "{case}: receipts asked for");
        assert_eq!(self.count("tax"), self.events_of("Spent"), "{case}: what is to be taxed");

        assert_eq!(self.taxed, self.coins_of("Taxed"), "{case}: the ledger");
        assert_eq!(self.events_of("Taxed"), self.succeeded("tax").count(), "{case}: what was taxed");
    }

    /// In the end every job has ended, and taken effect once if it was to.
    fn assert_ended(&self, case: Case, met: JobId) {
        for (job, attempts) in &self.jobs {
            let expected =
                if job.id == met && !case.takes_effect() { JobState::Failed } else { JobState::Succeeded };
            assert_eq!(job.state, expected, "{case}: {job:#?}");
            assert!(attempts.iter().all(|attempt| attempt.ended_at.is_some()), "{case}: {attempts:#?}");
            let successes = attempts.iter().filter(|attempt| attempt.failure.is_none()).count();
            assert_eq!(successes, usize::from(expected == JobState::Succeeded), "{case}: {attempts:#?}");
        }
        // The attempt that met the fault is on record as what became of it, and so is each one before and after.
        let (_, attempts) = self.jobs.iter().find(|(job, _)| job.id == met).unwrap();
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
            assert_eq!(self.purse, 20, "{case}: the next one in the lane");
            assert!(ends.is_sorted(), "{case}: {ends:?}");
        }
    }
}

async fn check_all(disk: Disk) {
    let mut checked = 0;
    for scenario in Scenario::ALL {
        for point in Point::ALL {
            for fault in Fault::ALL {
                Case { disk, scenario, point, fault }.check().await;
                checked += 1;
            }
        }
    }
    assert_eq!(checked, 7 * 11 * 3);
}

#[tokio::test]
async fn r62_no_fault_at_any_point_leaves_anything_half_written_or_done_twice_in_memory() {
    check_all(Disk::Memory).await;
}

#[tokio::test]
async fn r62_no_fault_at_any_point_leaves_anything_half_written_or_done_twice_on_sqlite() {
    check_all(Disk::Sqlite).await;
}

#[tokio::test]
async fn r62_a_crash_leaves_its_job_running_on_record_and_the_process_dead() {
    let mut world = Disk::Memory.builder(&tempfile::tempdir().unwrap()).start().await;
    world.given(Purse { id: 1, coins: 100 }).await;
    world.fault(Point::Claimed, Fault::Crash);
    world.when(SPEND).await.then_crashes().then_changes_nothing();
    let refused = world.runtime().publish(SPEND).await.unwrap_err();
    assert_eq!(refused.kind(), FailureKind::Unavailable);
    world.restart().await;
    world.runtime().publish(SPEND).await.unwrap();
}

#[tokio::test]
#[should_panic(expected = "the process died of an injected crash; `restart` it first")]
async fn r62_nothing_is_asked_of_a_process_that_died() {
    let world = Disk::Memory.builder(&tempfile::tempdir().unwrap()).start().await;
    world.given(Purse { id: 1, coins: 100 }).await;
    world.fault(Point::Claimed, Fault::Crash);
    world.when(SPEND).await.then_crashes();
    world.drain().await.then_succeeds();
}

/// Why a commit is refused when it has come to the store.
#[derive(Clone, Copy, Debug)]
enum Refusal {
    /// Somebody has called the job off.
    Cancelled,
    /// Another worker has taken this one for dead.
    Lost,
    /// The entity was changed by another.
    Conflict,
    /// What it would have done in another's name was asked for otherwise.
    Mismatch,
}

impl Refusal {
    const ALL: [Self; 4] = [Self::Cancelled, Self::Lost, Self::Conflict, Self::Mismatch];

    async fn check(self, disk: Disk) {
        let directory = tempfile::tempdir().unwrap();
        let (memory, bell) = (MemoryStore::new(), Arc::<Notify>::default());
        let start = async |clock: Option<&ManualClock>| {
            let builder = disk.builder(&directory).provide(bell.clone());
            let builder = if matches!(disk, Disk::Memory) { builder.store(memory.clone()) } else { builder };
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
        let failure = outcome.failure().expect("its commit is refused");
        assert_eq!(failure.kind(), kind, "{self:?}, {disk:?}: {failure:?}");
        outcome.then_emits_nothing().then_publishes_nothing().then_entity(&Purse { id: 1, coins });
        let record = Record::read(&world).await;
        assert_eq!(record.events, [], "{self:?}, {disk:?}");
        assert_eq!(record.count("tax"), 0, "{self:?}, {disk:?}");
        let receipts = usize::from(matches!(self, Self::Mismatch));
        assert_eq!(record.count("WriteReceipt"), receipts, "{self:?}, {disk:?}");
    }
}

#[tokio::test]
async fn r62_a_commit_that_the_store_refuses_leaves_nothing() {
    for disk in [Disk::Memory, Disk::Sqlite] {
        for refusal in Refusal::ALL {
            refusal.check(disk).await;
        }
    }
}
