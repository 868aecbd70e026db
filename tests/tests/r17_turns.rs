//! Waiting for an entity is not running (r17): it takes no permit, no time limit and no attempt, and is lost by no shutdown and no death.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use async_trait::async_trait;
use common::watched::{Watch, Watched};
use common::{Gate, Process, World, begin, kind_and_code, on_every_store, reaches, settle, until};
use enact::clock::ManualClock;
use enact::prelude::*;
use enact::store::Commit;
use enact::{FailureKind, JobId, MemoryStore};
use std::sync::Mutex;

/// A till.
#[entity]
struct Till {
    id: String,
    count: u64,
}

/// Count at a till. At the hot one, wait at the gate.
#[command(target = till)]
struct Count {
    till: String,
}

/// The same, with a retry policy.
#[command(target = till)]
struct CountAgain {
    till: String,
}

impl From<&Count> for Till {
    fn from(count: &Count) -> Self {
        Self { id: count.till.clone(), count: 0 }
    }
}

impl From<&CountAgain> for Till {
    fn from(count: &CountAgain) -> Self {
        Self { id: count.till.clone(), count: 0 }
    }
}

const LIMIT: Duration = Duration::from_secs(5);
const NEARLY: Duration = Duration::from_secs(4);

#[command(create = if_missing, timeout = LIMIT)]
async fn count(_: Count, till: &mut Till, gate: Arc<Gate>) {
    pass(till, &gate).await;
}

#[command(create = if_missing, timeout = LIMIT, retry = Retry::fixed(2, Duration::ZERO))]
async fn count_again(_: CountAgain, till: &mut Till, gate: Arc<Gate>) {
    pass(till, &gate).await;
}

async fn pass(till: &mut Till, gate: &Gate) {
    if till.id == "hot" {
        gate.pass().await;
    }
    till.count += 1;
}

fn hot() -> Count {
    Count { till: "hot".into() }
}

fn cold() -> Count {
    Count { till: "cold".into() }
}

async fn start(world: &World, concurrency: usize) -> (Runtime, Arc<Gate>) {
    let gate = Gate::new();
    let builder = world.builder().concurrency(concurrency).provide(gate.clone());
    (builder.start().await.unwrap(), gate)
}

async fn publish_hot(runtime: &Runtime, jobs: usize) -> Vec<JobId> {
    let published = runtime.publish_all((0..jobs).map(|_| runtime.publish(hot()))).await;
    published.into_iter().map(|job| job.unwrap().id()).collect()
}

async fn counted(runtime: &Runtime) -> u64 {
    runtime.entities::<Till>().get(&"hot".into()).await.unwrap().map_or(0, |till| till.count)
}

async fn attempts(runtime: &Runtime, job: JobId) -> usize {
    runtime.jobs().attempts(job).await.unwrap().len()
}

async fn r17_a_job_on_a_cold_entity_passes_many_on_a_hot_one(world: World) {
    let (runtime, gate) = start(&world, 2).await;
    let jobs = publish_hot(&runtime, 3_000).await;
    gate.arrival().await;
    runtime.publish(cold()).await.unwrap().outcome().await.unwrap();
    // None of the others has begun.
    assert_eq!((gate.arrivals(), attempts(&runtime, jobs[1]).await), (0, 0));
    assert_eq!(runtime.jobs().get(jobs[1]).await.unwrap().unwrap().state, JobState::Ready);
}

async fn r17_jobs_on_one_entity_run_in_their_order(world: World) {
    let (runtime, gate) = start(&world, 8).await;
    let jobs = publish_hot(&runtime, 20).await;
    gate.open_wide();
    for job in &jobs {
        reaches(&runtime, *job, JobState::Succeeded).await;
    }
    let mut ends = Vec::new();
    for job in &jobs {
        ends.push(runtime.jobs().attempts(*job).await.unwrap()[0].version_written);
    }
    assert_eq!(ends, (1..=20).map(Some).collect::<Vec<_>>());
}

async fn r17_a_shutdown_loses_no_job_in_line(world: World) {
    let (runtime, gate) = start(&world, 8).await;
    let published = publish_hot(&runtime, 10).await;
    gate.arrival().await;
    let mut executed = Box::pin(runtime.execute(hot()).into_future());
    begin(&mut executed).await;
    let stored = async || runtime.jobs().list(&JobQuery::new()).await.unwrap().jobs.len();
    until("the execution is in line", async || stored().await == 11).await;
    runtime.shutdown(Duration::ZERO).await.unwrap_err();
    let told = executed.await.unwrap_err();
    assert_eq!(kind_and_code(&told), (FailureKind::Unavailable, "shut_down"));
    drop(runtime);

    let (runtime, gate) = start(&world, 8).await;
    gate.open_wide();
    let all = runtime.jobs().list(&JobQuery::new()).await.unwrap().jobs;
    assert_eq!(all.len(), 11);
    for job in &all {
        if job.id == published[0] {
            assert_eq!(job.state, JobState::Failed);
            continue;
        }
        reaches(&runtime, job.id, JobState::Succeeded).await;
        assert_eq!(attempts(&runtime, job.id).await, 1);
    }
    assert_eq!(counted(&runtime).await, 10);
}

async fn r17_a_death_loses_no_job_in_line(world: World) {
    let gate = Gate::new();
    let process = Process::start(world.builder().provide(gate.clone())).await;
    let published = publish_hot(&process.runtime, 5).await;
    gate.arrival().await;
    for _ in 0..5 {
        process.spawn(process.runtime.execute(hot()).into_future());
    }
    let reader = world.builder().provide(Gate::new()).without_worker().start().await.unwrap();
    until("all are stored", async || reader.jobs().list(&JobQuery::new()).await.unwrap().jobs.len() == 10)
        .await;
    process.kill().await;

    let gate = Gate::wide_open();
    let runtime = world.builder().provide(gate).start().await.unwrap();
    for _ in 0..20 {
        world.advance(Duration::from_secs(3));
        settle().await;
    }
    for job in reader.jobs().list(&JobQuery::new()).await.unwrap().jobs {
        let expected = if job.id == published[0] { JobState::Failed } else { JobState::Succeeded };
        reaches(&runtime, job.id, expected).await;
        assert_eq!(attempts(&runtime, job.id).await, 1);
    }
    assert_eq!(counted(&runtime).await, 9);
}

async fn r17_the_time_limit_begins_with_the_attempt(world: World) {
    let (runtime, gate) = start(&world, 8).await;
    let mut running: Vec<_> = Vec::new();
    for _ in 0..2 {
        let mut executed = Box::pin(runtime.execute(hot()).into_future());
        begin(&mut executed).await;
        running.push(executed);
    }
    gate.arrival().await;
    let published = publish_hot(&runtime, 2).await;
    for _ in 0..4 {
        world.advance(NEARLY);
        gate.open();
        settle().await;
        until("it is the next one's turn", async || gate.arrivals() > 0 || counted(&runtime).await == 4)
            .await;
    }
    for executed in running {
        executed.await.unwrap();
    }
    for job in published {
        reaches(&runtime, job, JobState::Succeeded).await;
    }
}

async fn r17_a_claimed_job_that_waits_for_an_execution_has_no_permit(world: World) {
    let (runtime, gate) = start(&world, 1).await;
    let mut executed = Box::pin(runtime.execute(hot()).into_future());
    begin(&mut executed).await;
    gate.arrival().await;
    let waiting = publish_hot(&runtime, 3).await;
    runtime.publish(cold()).await.unwrap().outcome().await.unwrap();
    for job in &waiting {
        assert_eq!(attempts(&runtime, *job).await, 0);
    }
    gate.open_wide();
    executed.await.unwrap();
    for job in waiting {
        reaches(&runtime, job, JobState::Succeeded).await;
        assert_eq!(attempts(&runtime, job).await, 1);
    }
}

async fn r17_a_deadline_that_passes_in_line_ends_the_wait(world: World) {
    let (runtime, gate) = start(&world, 1).await;
    let mut first = Box::pin(runtime.execute(hot()).into_future());
    begin(&mut first).await;
    gate.arrival().await;
    let mut second = Box::pin(runtime.execute(hot()).deadline(world.now() + LIMIT / 2).into_future());
    begin(&mut second).await;
    settle().await;
    world.advance(LIMIT / 2);
    let late = second.await.unwrap_err();
    assert_eq!(kind_and_code(&late), (FailureKind::TimedOut, "deadline_passed"));
    gate.open_wide();
    first.await.unwrap();
}

async fn r17_a_job_that_is_cancelled_in_line_never_begins(world: World) {
    let (runtime, gate) = start(&world, 1).await;
    let mut first = Box::pin(runtime.execute(hot()).into_future());
    begin(&mut first).await;
    gate.arrival().await;
    let mut second = Box::pin(runtime.execute(hot()).into_future());
    begin(&mut second).await;
    let held = JobQuery::new().state(JobState::Ready);
    until("it is in line", async || !runtime.jobs().list(&held).await.unwrap().jobs.is_empty()).await;
    let job = runtime.jobs().list(&held).await.unwrap().jobs.remove(0).id;
    runtime.jobs().cancel(job).await.unwrap();
    assert_eq!(second.await.unwrap_err().kind(), FailureKind::Cancelled);
    gate.open_wide();
    first.await.unwrap();
    runtime.execute(hot()).await.unwrap();
    assert_eq!((counted(&runtime).await, attempts(&runtime, job).await), (2, 0));
}

async fn r06_an_execution_that_is_not_polled_any_more_keeps_its_entity_from_no_other(world: World) {
    let (runtime, gate) = start(&world, 1).await;
    let mut first = Box::pin(runtime.execute(hot()).into_future());
    begin(&mut first).await;
    gate.arrival().await;
    let mut second = Box::pin(runtime.execute(hot()).into_future());
    begin(&mut second).await;
    gate.open_wide();
    runtime.execute(hot()).await.unwrap();
    assert_eq!(counted(&runtime).await, 3);
    first.await.unwrap();
    second.await.unwrap();
}

on_every_store!(
    r06_an_execution_that_is_not_polled_any_more_keeps_its_entity_from_no_other,
    r17_a_job_on_a_cold_entity_passes_many_on_a_hot_one,
    r17_jobs_on_one_entity_run_in_their_order,
    r17_a_shutdown_loses_no_job_in_line,
    r17_a_death_loses_no_job_in_line,
    r17_the_time_limit_begins_with_the_attempt,
    r17_a_claimed_job_that_waits_for_an_execution_has_no_permit,
    r17_a_deadline_that_passes_in_line_ends_the_wait,
    r17_a_job_that_is_cancelled_in_line_never_begins,
);

/// Holds the first commit that succeeds, and tells its job.
struct HoldsTheFirst {
    gate: Arc<Gate>,
    first: Mutex<Option<JobId>>,
}

#[async_trait]
impl Watch for HoldsTheFirst {
    async fn committing(&self, commit: &Commit) {
        let is_first = self.first.lock().unwrap().replace(commit.job).is_none();
        if is_first {
            self.gate.pass().await;
        }
    }
}

async fn with_a_held_commit() -> (Runtime, Arc<Gate>, Arc<Gate>) {
    let (commits, handlers) = (Gate::new(), Gate::wide_open());
    let watch = HoldsTheFirst { gate: commits.clone(), first: Mutex::new(None) };
    let store = Watched { store: MemoryStore::new(), watch };
    let runtime = Runtime::builder(store).provide(handlers.clone()).start().await.unwrap();
    (runtime, commits, handlers)
}

fn hot_again() -> CountAgain {
    CountAgain { till: "hot".into() }
}

#[tokio::test]
async fn r17_an_execution_begins_before_its_predecessor_is_confirmed_and_never_contradicts_it() {
    let (runtime, commits, handlers) = with_a_held_commit().await;
    let mut first = Box::pin(runtime.execute(hot_again()).into_future());
    begin(&mut first).await;
    commits.arrival().await;
    let second = tokio::spawn(runtime.execute(hot_again()).into_future());
    handlers.arrival().await;
    handlers.arrival().await;
    commits.open_wide();
    first.await.unwrap();
    second.await.unwrap().unwrap();
    assert_eq!(counted(&runtime).await, 2);
}

#[tokio::test]
async fn r17_an_execution_runs_again_if_the_one_before_it_was_refused() {
    let (runtime, commits, handlers) = with_a_held_commit().await;
    let mut first = Box::pin(runtime.execute(hot_again()).into_future());
    begin(&mut first).await;
    commits.arrival().await;
    handlers.arrival().await;
    let second = tokio::spawn(runtime.execute(hot_again()).into_future());
    handlers.arrival().await;
    let jobs = runtime.jobs().list(&JobQuery::new()).await.unwrap().jobs;
    runtime.jobs().cancel(jobs[0].id).await.unwrap();
    commits.open_wide();
    assert_eq!(first.await.unwrap_err().kind(), FailureKind::Cancelled);
    second.await.unwrap().unwrap();
    assert_eq!((counted(&runtime).await, attempts(&runtime, jobs[1].id).await), (1, 1));
}

/// Confirms no commit before the gate is opened.
struct HoldsConfirmations(Arc<Gate>);

#[async_trait]
impl Watch for HoldsConfirmations {
    async fn committed(&self) {
        self.0.pass().await;
    }
}

#[tokio::test]
async fn r17_a_job_in_line_begins_before_its_predecessor_is_confirmed() {
    let (confirmations, handlers) = (Gate::new(), Gate::wide_open());
    let store = Watched { store: MemoryStore::new(), watch: HoldsConfirmations(confirmations.clone()) };
    // Its clock stands still: the store is not polled.
    let clock = ManualClock::at("2030-01-01T00:00:00Z".parse().unwrap());
    let builder = Runtime::builder(store).clock(clock).provide(handlers.clone());
    let runtime = builder.start().await.unwrap();
    let jobs = runtime.publish_all((0..5).map(|_| runtime.publish(hot_again()))).await;
    for _ in &jobs {
        let begins = tokio::time::timeout(Duration::from_secs(20), handlers.arrival());
        begins.await.expect("the next job begins");
    }
    confirmations.open_wide();
    for job in jobs {
        job.unwrap().outcome().await.unwrap();
    }
    assert_eq!(counted(&runtime).await, 5);
}

#[tokio::test]
async fn r22_a_handler_without_a_retry_begins_after_its_predecessor_is_confirmed() {
    let (runtime, commits, handlers) = with_a_held_commit().await;
    let mut first = Box::pin(runtime.execute(hot()).into_future());
    begin(&mut first).await;
    commits.arrival().await;
    handlers.arrival().await;
    let mut second = Box::pin(runtime.execute(hot()).into_future());
    begin(&mut second).await;
    settle().await;
    assert_eq!(handlers.arrivals(), 0);
    commits.open_wide();
    first.await.unwrap();
    second.await.unwrap();
    assert_eq!(counted(&runtime).await, 2);
}
