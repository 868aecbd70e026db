//! While handlers are quick, jobs in line for an entity are claimed in batches (r17).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{Gate, Log, Process, World, on_every_store, reaches, settle, until};
use enact::prelude::*;
use enact::store::RunningJob;
use enact::{Failure, FailureKind, JobId};

/// A counter.
#[entity]
struct Counter {
    id: String,
    count: u64,
}

/// Count, and wait at the gate if asked to.
#[command(target = counter)]
struct Count {
    counter: String,
    label: String,
    waits: bool,
}

impl From<&Count> for Counter {
    fn from(count: &Count) -> Self {
        Self { id: count.counter.clone(), count: 0 }
    }
}

#[command(create = if_missing, retry = Retry::fixed(2, Duration::ZERO))]
async fn count(count: Count, counter: &mut Counter, gate: Arc<Gate>, log: Arc<Log>) -> Result<(), Failure> {
    if count.waits {
        gate.pass().await;
    }
    if count.label == "fails" {
        return Err(Failure::new(FailureKind::Error, "fails", "it fails").permanent());
    }
    counter.count += 1;
    log.note(count.label);
    Ok(())
}

/// Count, without a retry.
#[command(target = counter)]
struct CountOnce {
    counter: String,
    label: String,
}

impl From<&CountOnce> for Counter {
    fn from(count: &CountOnce) -> Self {
        Self { id: count.counter.clone(), count: 0 }
    }
}

#[command(create = if_missing)]
async fn count_once(count: CountOnce, counter: &mut Counter, log: Arc<Log>) {
    counter.count += 1;
    log.note(count.label);
}

/// The most jobs behind the first of a batch.
const MOST: usize = 32;

struct Shop {
    world: World,
    runtime: Runtime,
    gate: Arc<Gate>,
    log: Arc<Log>,
}

impl Shop {
    async fn open(world: World, concurrency: usize) -> Self {
        let (gate, log) = (Gate::new(), Log::new());
        let builder = world.builder().concurrency(concurrency).provide(gate.clone()).provide(log.clone());
        Self { runtime: builder.start().await.unwrap(), world, gate, log }
    }

    /// One in which many quick executions have proved that handlers are quick.
    async fn quick(world: World, concurrency: usize) -> Self {
        let shop = Self::open(world, concurrency).await;
        shop.warm_up().await;
        shop
    }

    async fn warm_up(&self) {
        let mut last = None;
        for number in 0..100 {
            last = Some(self.publish("warm", &format!("warm {number}"), false).await);
        }
        reaches(&self.runtime, last.unwrap(), JobState::Succeeded).await;
        until("all have ended", async || self.log.lines().len() == 100).await;
    }

    fn command(counter: &str, label: &str, waits: bool) -> Count {
        Count { counter: counter.into(), label: label.into(), waits }
    }

    async fn publish(&self, counter: &str, label: &str, waits: bool) -> JobId {
        self.runtime.publish(Self::command(counter, label, waits)).await.unwrap().id()
    }

    async fn publish_urgent(&self, counter: &str, waits: bool) -> JobId {
        self.runtime.publish(Self::command(counter, "urgent", waits)).priority(9).await.unwrap().id()
    }

    /// Puts a job that waits and `quick` others in line behind one that waits, and lets this one end. Returns the jobs.
    async fn line(&self, quick: usize) -> Vec<JobId> {
        let first = self.publish("hot", "first", true).await;
        self.gate.arrival().await;
        let mut jobs = vec![self.publish("hot", "leader", true).await];
        for number in 0..quick {
            jobs.push(self.publish("hot", &number.to_string(), false).await);
        }
        // Until no claim runs, which has permits.
        settle().await;
        self.gate.open();
        reaches(&self.runtime, first, JobState::Succeeded).await;
        self.gate.arrival().await;
        jobs
    }

    /// The jobs that this runtime's worker holds.
    async fn held(&self) -> Vec<JobId> {
        let store = self.world.store();
        let mut held = Vec::new();
        for lease in store.leases().await.unwrap() {
            let running = store.running(&lease.worker, 1_000).await.unwrap();
            let is_held = |RunningJob { job, .. }: &RunningJob| job.state == JobState::Ready;
            held.extend(running.into_iter().filter(is_held).map(|running| running.job.id));
        }
        held
    }

    /// The labels that were noted after the leader's.
    fn after_the_leader(&self) -> Vec<String> {
        self.log.lines().into_iter().skip_while(|label| label != "leader").skip(1).collect()
    }

    async fn all_succeed_at_once(&self, jobs: &[JobId]) {
        for job in jobs {
            assert_eq!(reaches(&self.runtime, *job, JobState::Succeeded).await.attempts, 1);
        }
    }
}

fn labels(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| number.to_string()).collect()
}

async fn r17_jobs_in_line_are_claimed_in_batches_while_handlers_are_quick(world: World) {
    let shop = Shop::quick(world, 64).await;
    let jobs = shop.line(40).await;
    until("some are held", async || shop.held().await == jobs[1..=MOST]).await;
    // What comes meanwhile runs after them, and before those that are still in line.
    let urgent = shop.publish_urgent("hot", false).await;
    shop.gate.open();
    shop.all_succeed_at_once(&jobs).await;
    shop.all_succeed_at_once(&[urgent]).await;
    let expected = [labels(0..MOST), vec!["urgent".to_owned()], labels(MOST..40)].concat();
    assert_eq!(shop.after_the_leader(), expected);
}

async fn r17_there_are_no_batches_before_handlers_are_known_to_be_quick(world: World) {
    let shop = Shop::open(world, 64).await;
    let jobs = shop.line(40).await;
    settle().await;
    assert_eq!(shop.held().await, []);
    shop.gate.open();
    shop.all_succeed_at_once(&jobs).await;
}

async fn r17_a_job_in_a_batch_does_not_wait_long_for_its_entity(world: World) {
    let shop = Shop::quick(world, 64).await;
    let jobs = shop.line(40).await;
    until("some are held", async || shop.held().await.len() == MOST).await;
    shop.world.advance(Duration::from_millis(99));
    settle().await;
    assert_eq!(shop.held().await.len(), MOST);
    until("none is held", async || {
        shop.world.advance(Duration::from_millis(1));
        shop.held().await.is_empty()
    })
    .await;

    let urgent = shop.publish_urgent("hot", false).await;
    shop.gate.open();
    shop.all_succeed_at_once(&jobs).await;
    shop.all_succeed_at_once(&[urgent]).await;
    assert_eq!(shop.after_the_leader(), [vec!["urgent".to_owned()], labels(0..40)].concat());
}

async fn r17_a_job_in_a_batch_can_be_cancelled(world: World) {
    let shop = Shop::quick(world, 64).await;
    let mut jobs = shop.line(3).await;
    until("all are held", async || shop.held().await.len() == 3).await;
    let cancelled = jobs.remove(2);
    shop.runtime.jobs().cancel(cancelled).await.unwrap();
    shop.gate.open();
    shop.all_succeed_at_once(&jobs).await;
    assert_eq!(reaches(&shop.runtime, cancelled, JobState::Cancelled).await.attempts, 0);
    assert_eq!(shop.after_the_leader(), ["0", "2"]);
}

async fn r17_a_batch_has_one_permit(world: World) {
    let shop = Shop::quick(world, 2).await;
    let jobs = [shop.publish("hot", "first", true).await];
    shop.gate.arrival().await;
    let behind = [shop.publish("hot", "leader", true).await, shop.publish("hot", "waits too", true).await];
    settle().await;
    shop.gate.open();
    shop.gate.arrival().await;
    until("one is held", async || shop.held().await == behind[1..]).await;
    let cold = [shop.publish("cold", "cold", true).await, shop.publish("colder", "colder", true).await];
    shop.gate.arrival().await;
    // The next of the batch has the permit of the one before it, so the other job gets none.
    shop.gate.open();
    shop.gate.arrival().await;
    settle().await;
    assert_eq!((shop.gate.arrivals(), shop.after_the_leader()), (0, labels(0..0)));
    shop.gate.open_wide();
    shop.all_succeed_at_once(&[&jobs[..], &behind, &cold].concat()).await;
}

async fn r17_a_failure_in_a_batch_leaves_the_others_to_a_later_claim(world: World) {
    let shop = Shop::quick(world, 64).await;
    let first = shop.publish("hot", "first", true).await;
    shop.gate.arrival().await;
    let failing = shop.publish("hot", "fails", true).await;
    let mut jobs = Vec::new();
    for number in 0..5 {
        jobs.push(shop.publish("hot", &number.to_string(), false).await);
    }
    settle().await;
    shop.gate.open();
    reaches(&shop.runtime, first, JobState::Succeeded).await;
    shop.gate.arrival().await;
    until("the others are held", async || shop.held().await == jobs).await;
    shop.gate.open();
    reaches(&shop.runtime, failing, JobState::Failed).await;
    shop.all_succeed_at_once(&jobs).await;
    let after: Vec<_> = shop.log.lines().into_iter().skip(101).collect();
    assert_eq!(after, labels(0..5));
}

async fn r17_a_shutdown_leaves_no_job_of_a_batch_held(world: World) {
    let shop = Shop::quick(world, 64).await;
    let jobs = shop.line(5).await;
    until("the others are held", async || shop.held().await == jobs[1..]).await;
    shop.runtime.shutdown(Duration::ZERO).await.unwrap_err();
    let Shop { world, runtime, .. } = shop;
    drop(runtime);

    let shop = Shop::open(world, 64).await;
    assert_eq!(shop.held().await, []);
    shop.gate.open_wide();
    for job in &jobs[1..] {
        assert_eq!(reaches(&shop.runtime, *job, JobState::Succeeded).await.attempts, 1);
    }
}

async fn r23_the_jobs_of_a_batch_are_released_when_its_worker_has_died(world: World) {
    const LEASE: Duration = Duration::from_secs(3);
    let (gate, log) = (Gate::new(), Log::new());
    let builder = world.builder().concurrency(64).lease(LEASE).provide(gate.clone()).provide(log.clone());
    let process = Process::start(builder).await;
    let shop = Shop { world, runtime: process.runtime.clone(), gate, log };
    shop.warm_up().await;
    let jobs = shop.line(5).await;
    until("the others are held", async || shop.held().await == jobs[1..]).await;
    let Shop { world, runtime, .. } = shop;
    drop(runtime);
    process.kill().await;

    let shop = Shop::open(world, 64).await;
    shop.gate.open_wide();
    until("the last has ended", async || {
        shop.world.advance(Duration::from_millis(500));
        settle().await;
        common::job(&shop.runtime, *jobs.last().unwrap()).await.state.has_ended()
    })
    .await;
    assert_eq!(reaches(&shop.runtime, jobs[0], JobState::Succeeded).await.attempts, 2);
    shop.all_succeed_at_once(&jobs[1..]).await;
    // Those that were held may run before the leader, whose attempt was lost.
    let mut lines = shop.log.lines();
    lines.sort_unstable();
    assert_eq!(lines, ["0", "1", "2", "3", "4", "leader"]);
}

async fn r22_a_job_in_a_batch_that_must_not_be_repeated_runs_once(world: World) {
    let shop = Shop::quick(world, 64).await;
    let first = shop.publish("hot", "first", true).await;
    shop.gate.arrival().await;
    let mut jobs = vec![shop.publish("hot", "leader", true).await];
    for number in 0..6 {
        let label = number.to_string();
        let id = if number % 2 == 0 {
            shop.runtime.publish(CountOnce { counter: "hot".into(), label }).await.unwrap().id()
        } else {
            shop.publish("hot", &label, false).await
        };
        jobs.push(id);
    }
    settle().await;
    shop.gate.open();
    shop.gate.arrival().await;
    until("the others are held", async || shop.held().await == jobs[1..]).await;
    shop.gate.open();
    shop.all_succeed_at_once(&jobs).await;
    shop.all_succeed_at_once(&[first]).await;
    assert_eq!(shop.after_the_leader(), labels(0..6));
}

async fn r17_an_execution_comes_after_the_batch_that_is_in_line(world: World) {
    let shop = Shop::quick(world, 64).await;
    let jobs = shop.line(5).await;
    until("the others are held", async || shop.held().await == jobs[1..]).await;
    let executed = shop.runtime.execute(Shop::command("hot", "executed", false));
    let executed = tokio::spawn(executed.into_future());
    settle().await;
    shop.gate.open();
    executed.await.unwrap().unwrap();
    shop.all_succeed_at_once(&jobs).await;
    assert_eq!(shop.after_the_leader(), [labels(0..5), vec!["executed".to_owned()]].concat());
}

async fn r17_a_job_in_a_batch_fails_at_its_deadline(world: World) {
    let shop = Shop::quick(world, 64).await;
    let first = shop.publish("hot", "first", true).await;
    shop.gate.arrival().await;
    let leader = shop.publish("hot", "leader", true).await;
    let command = Shop::command("hot", "late", false);
    let late = shop.runtime.publish(command).deadline(shop.world.now() + Duration::from_millis(50));
    let late = late.await.unwrap().id();
    settle().await;
    shop.gate.open();
    shop.gate.arrival().await;
    until("one is held", async || shop.held().await == [late]).await;
    until("the deadline has passed", async || {
        shop.world.advance(Duration::from_millis(10));
        shop.held().await.is_empty()
    })
    .await;
    let failed = reaches(&shop.runtime, late, JobState::Failed).await;
    assert_eq!(failed.failure.unwrap().kind(), FailureKind::TimedOut);
    shop.gate.open_wide();
    shop.all_succeed_at_once(&[first, leader]).await;
    assert_eq!(shop.after_the_leader(), labels(0..0));
}

on_every_store! {
    r17_jobs_in_line_are_claimed_in_batches_while_handlers_are_quick,
    r17_there_are_no_batches_before_handlers_are_known_to_be_quick,
    r17_a_job_in_a_batch_does_not_wait_long_for_its_entity,
    r17_a_job_in_a_batch_can_be_cancelled,
    r17_a_batch_has_one_permit,
    r17_a_failure_in_a_batch_leaves_the_others_to_a_later_claim,
    r17_a_shutdown_leaves_no_job_of_a_batch_held,
    r23_the_jobs_of_a_batch_are_released_when_its_worker_has_died,
    r22_a_job_in_a_batch_that_must_not_be_repeated_runs_once,
    r17_an_execution_comes_after_the_batch_that_is_in_line,
    r17_a_job_in_a_batch_fails_at_its_deadline,
}
