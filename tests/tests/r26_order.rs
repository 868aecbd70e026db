//! The order of jobs (r26): predecessors, delays, priorities and separate queues. Lanes are also tested in `r25_requests`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use common::{Gate, Log, World, jobs, jobs_of, kind_and_code, on_every_store, reaches, settle, state, until};
use enact::JobId;
use enact::clock::{Clock, ManualClock, Timestamp};
use enact::prelude::*;

/// Note a line.
#[command]
struct Note {
    line: String,
}

#[command]
async fn note(note: Note, log: Arc<Log>) -> Result<(), String> {
    log.note(&*note.line);
    if note.line.starts_with("fail") && log.lines().len() < 2 { Err("as asked".to_owned()) } else { Ok(()) }
}

/// Note a line in a lane.
#[command(order_by = lane)]
struct NoteInLane {
    lane: u32,
    line: String,
}

#[command(retry = Retry::fixed(3, Duration::from_secs(10)))]
async fn note_in_lane(note: NoteInLane, log: Arc<Log>) -> Result<(), String> {
    log.note(&*note.line);
    let attempts = log.lines().iter().filter(|line| **line == note.line).count();
    if note.line.starts_with("fail") && attempts < 3 { Err("as asked".to_owned()) } else { Ok(()) }
}

/// Hold a permit of the queue `slow`.
#[command]
struct BeSlow {}

#[command(queue = "slow")]
async fn be_slow(_: BeSlow, gate: Arc<Gate>) {
    gate.pass().await;
}

/// Hold a permit of the default queue.
#[command]
struct Hold {}

#[command]
async fn hold(_: Hold, gate: Arc<Gate>) {
    gate.pass().await;
}

/// Publish three jobs, each after the one before.
#[command]
struct Chain {
    /// The predecessor of the first job.
    #[schemars(with = "Option<String>")]
    predecessor: Option<JobId>,
}

#[command]
async fn chain(chain: Chain) {
    let first = publish(line("first")).delay(Duration::from_secs(10)).priority(3);
    if let Some(predecessor) = chain.predecessor {
        first.clone().after(predecessor);
    }
    let second = publish(line("second")).after(&first);
    publish(line("third")).after(&first).after(second.id());
}

fn line(text: &str) -> Note {
    Note { line: text.to_owned() }
}

fn in_lane(lane: u32, text: &str) -> NoteInLane {
    NoteInLane { lane, line: text.to_owned() }
}

struct Running {
    runtime: Runtime,
    gate: Arc<Gate>,
    log: Arc<Log>,
}

async fn start(world: &World) -> Running {
    start_with(world, |builder| builder).await
}

async fn start_with(
    world: &World,
    options: impl FnOnce(enact::RuntimeBuilder) -> enact::RuntimeBuilder,
) -> Running {
    let (gate, log) = (Gate::new(), Log::new());
    let builder = world.builder().provide(gate.clone()).provide(log.clone());
    Running { runtime: options(builder).start().await.unwrap(), gate, log }
}

/// The delay of a job.
const LATER: Duration = Duration::from_mins(1);

async fn r26_a_job_runs_after_its_predecessor_has_succeeded(world: World) {
    let Running { runtime, log, .. } = start(&world).await;
    let first = runtime.publish(line("first")).delay(LATER).await.unwrap();
    let second = runtime.publish(line("second")).after(&first).await.unwrap();
    let waiting = second.job().await.unwrap();
    assert_eq!(
        (waiting.state, waiting.due_at, waiting.spec.after),
        (JobState::Waiting, None, vec![first.id()])
    );
    settle().await;
    assert!(log.lines().is_empty());
    world.advance(LATER);
    second.outcome().await.unwrap();
    assert_eq!(log.lines(), ["first", "second"]);
    let third = runtime.publish(line("third")).after(&second).await.unwrap();
    third.outcome().await.unwrap();
}

async fn r26_a_job_waits_for_all_of_its_predecessors(world: World) {
    let Running { runtime, log, .. } = start(&world).await;
    let [a, b] = [
        runtime.publish(line("a")).delay(LATER).await.unwrap(),
        runtime.publish(line("b")).delay(2 * LATER).await.unwrap(),
    ];
    let last = runtime.publish(line("last")).after(&a).after(&b).await.unwrap();
    world.advance(LATER);
    a.outcome().await.unwrap();
    settle().await;
    assert_eq!(last.state().await.unwrap(), JobState::Waiting);
    world.advance(LATER);
    last.outcome().await.unwrap();
    assert_eq!(log.lines(), ["a", "b", "last"]);
}

async fn r26_a_job_waits_until_its_failed_predecessor_is_retried(world: World) {
    let Running { runtime, log, .. } = start(&world).await;
    let first = runtime.publish(line("fail")).await.unwrap();
    let second = runtime.publish(line("second")).after(&first).await.unwrap();
    first.outcome().await.unwrap_err();
    settle().await;
    assert_eq!(second.state().await.unwrap(), JobState::Waiting);
    runtime.jobs().retry(first.id()).await.unwrap();
    second.outcome().await.unwrap();
    assert_eq!(log.lines(), ["fail", "fail", "second"]);
}

async fn r26_an_unknown_predecessor_is_refused(world: World) {
    let Running { runtime, .. } = start(&world).await;
    let unknown: JobId = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
    let refused = (FailureKind::NotFound, "no_such_job");
    let published = runtime.publish(line("never")).after(unknown).await;
    assert_eq!(kind_and_code(&published.unwrap_err()), refused);
    assert!(jobs(&runtime).await.is_empty());
    let staged = runtime.execute(Chain { predecessor: Some(unknown) }).await;
    assert_eq!(kind_and_code(&staged.unwrap_err()), refused);
    assert!(jobs_of(&runtime, "Note").await.is_empty(), "no job of the chain is stored");
}

async fn r26_staged_jobs_can_name_each_other_as_predecessors(world: World) {
    let Running { runtime, log, .. } = start(&world).await;
    let gate = runtime.publish(line("gate")).delay(LATER).await.unwrap();
    runtime.execute(Chain { predecessor: Some(gate.id()) }).await.unwrap();
    let staged = jobs_of(&runtime, "Note").await;
    assert_eq!(staged[1].priority, 3);
    world.advance(LATER);
    reaches(&runtime, staged[3].id, JobState::Succeeded).await;
    assert_eq!(log.lines(), ["gate", "first", "second", "third"]);
}

async fn r26_a_delayed_job_runs_when_it_is_due(world: World) {
    let Running { runtime, log, .. } = start(&world).await;
    let delayed = runtime.publish(line("delayed")).delay(LATER).await.unwrap();
    let at = runtime.publish(line("at")).at(world.now() + 2 * LATER).await.unwrap();
    assert_eq!(delayed.job().await.unwrap().due_at, Some(world.now() + LATER));
    assert_eq!(at.job().await.unwrap().due_at, Some(world.now() + 2 * LATER));
    let past = runtime.publish(line("past")).at(world.now() - LATER).await.unwrap();
    past.outcome().await.unwrap();
    let last_moment = Duration::from_millis(1);
    world.advance(LATER.saturating_sub(last_moment));
    settle().await;
    assert_eq!(log.lines(), ["past"]);
    world.advance(last_moment);
    delayed.outcome().await.unwrap();
    assert_eq!(at.state().await.unwrap(), JobState::Waiting);
    world.advance(LATER);
    at.outcome().await.unwrap();
    assert_eq!(log.lines(), ["past", "delayed", "at"]);
}

async fn r26_a_delay_survives_a_restart(world: World) {
    let first = start(&world).await;
    let id = first.runtime.publish(line("delayed")).delay(LATER).await.unwrap().id();
    first.runtime.shutdown(Duration::from_secs(1)).await.unwrap();
    drop(first);
    let second = start(&world).await;
    settle().await;
    assert_eq!(state(&second.runtime, id).await, JobState::Waiting);
    world.advance(LATER);
    reaches(&second.runtime, id, JobState::Succeeded).await;
}

async fn r26_a_backward_step_of_the_clock_runs_no_job_before_its_time(world: World) {
    let Running { runtime, .. } = start(&world).await;
    let delayed = runtime.publish(line("delayed")).at(world.now() + LATER).await.unwrap();
    world.clock.set(world.now() - LATER);
    world.advance(LATER);
    settle().await;
    assert_eq!(delayed.state().await.unwrap(), JobState::Waiting, "it is not due by the wall clock");
    world.clock.set(world.now() + LATER);
    // The worker notices a forward step at its next poll, at most a second later.
    world.advance(Duration::from_secs(1));
    delayed.outcome().await.unwrap();
}

async fn r26_a_job_of_higher_priority_is_claimed_first(world: World) {
    let Running { runtime, gate, log } = start_with(&world, |builder| builder.concurrency(1)).await;
    runtime.shutdown(Duration::from_secs(1)).await.unwrap();
    drop((runtime, gate));
    // All jobs wait for `hold`, so that they become ready together.
    let idle =
        world.builder().provide(Gate::new()).provide(log.clone()).concurrency(1).start().await.unwrap();
    let hold = idle.publish(line("hold")).delay(LATER).await.unwrap();
    let mut handles = Vec::new();
    for (name, priority) in
        [("plain", 0), ("low", -5), ("high", 5), ("plain too", 0), ("highest", 2_000_000_000)]
    {
        handles.push(idle.publish(line(name)).priority(priority).after(&hold).await.unwrap());
    }
    assert_eq!(handles[2].job().await.unwrap().priority, 5);
    world.advance(LATER);
    for handle in handles {
        handle.outcome().await.unwrap();
    }
    assert_eq!(log.lines(), ["hold", "highest", "high", "plain", "plain too", "low"]);
}

async fn r26_a_full_queue_does_not_hold_up_another(world: World) {
    let Running { runtime, gate, log } =
        start_with(&world, |builder| builder.concurrency(1).queue("slow", 2)).await;
    let mut slow = Vec::new();
    for _ in 0..5 {
        slow.push(runtime.publish(BeSlow {}).await.unwrap());
    }
    gate.arrival().await;
    gate.arrival().await;
    runtime.publish(line("quick")).await.unwrap().outcome().await.unwrap();
    settle().await;
    assert_eq!(gate.arrivals(), 0, "the queue runs two at a time");
    assert_eq!(log.lines(), ["quick"]);
    gate.open();
    gate.arrival().await;
    settle().await;
    assert_eq!(gate.arrivals(), 0, "the queue runs two at a time");
    gate.open_wide();
    for job in slow {
        job.outcome().await.unwrap();
    }
}

async fn r26_a_queue_without_a_limit_of_its_own_has_the_runtimes_concurrency(world: World) {
    let Running { runtime, gate, .. } = start_with(&world, |builder| builder.concurrency(3)).await;
    for _ in 0..5 {
        runtime.publish(BeSlow {}).await.unwrap();
    }
    for _ in 0..3 {
        gate.arrival().await;
    }
    settle().await;
    assert_eq!(gate.arrivals(), 0);
    gate.open_wide();
}

async fn r26_a_queue_filled_by_the_claim_of_another_continues(world: World) {
    let Running { runtime, gate, log } =
        start_with(&world, |builder| builder.concurrency(1).queue("slow", 1)).await;
    let held = runtime.publish(Hold {}).await.unwrap();
    gate.arrival().await;
    // The worker is not woken for these. It finds them with the claim that follows the end of `held`.
    let builder = world.builder().provide(gate.clone()).provide(log).without_worker();
    let publisher = builder.start().await.unwrap();
    let mut slow = Vec::new();
    for _ in 0..3 {
        slow.push(publisher.publish(BeSlow {}).await.unwrap().id());
    }
    gate.open();
    held.outcome().await.unwrap();
    gate.arrival().await;
    gate.open_wide();
    for job in slow {
        reaches(&runtime, job, JobState::Succeeded).await;
    }
}

async fn r26_a_due_job_without_a_free_permit_does_not_make_the_worker_spin(world: World) {
    let clock = Arc::new(CountingClock { clock: world.clock.clone(), reads: AtomicUsize::new(0) });
    let Running { runtime, gate, .. } =
        start_with(&world, |builder| builder.clock(Shared(clock.clone())).concurrency(1).queue("slow", 1))
            .await;
    let due = runtime.publish(BeSlow {}).delay(LATER).await.unwrap();
    let held = [runtime.publish(BeSlow {}).await.unwrap().id(), runtime.publish(Hold {}).await.unwrap().id()];
    gate.arrival().await;
    gate.arrival().await;
    world.advance(LATER);
    settle().await;
    let before = clock.reads.load(Ordering::SeqCst);
    settle().await;
    let reads = clock.reads.load(Ordering::SeqCst) - before;
    assert!(reads < 20, "the clock was read {reads} times while no permit was free");
    gate.open_wide();
    due.outcome().await.unwrap();
    for job in held {
        reaches(&runtime, job, JobState::Succeeded).await;
    }
}

/// A clock that counts its reads.
#[derive(Debug)]
struct CountingClock {
    clock: ManualClock,
    reads: AtomicUsize,
}

#[derive(Debug)]
struct Shared(Arc<CountingClock>);

#[async_trait]
impl Clock for Shared {
    fn now(&self) -> Timestamp {
        self.0.reads.fetch_add(1, Ordering::SeqCst);
        self.0.clock.now()
    }

    fn elapsed(&self) -> Duration {
        self.0.reads.fetch_add(1, Ordering::SeqCst);
        self.0.clock.elapsed()
    }

    async fn sleep_until(&self, deadline: Duration) {
        self.0.clock.sleep_until(deadline).await;
    }
}

async fn r26_a_retrying_head_holds_up_its_own_lane_only(world: World) {
    let Running { runtime, log, .. } = start(&world).await;
    let head = runtime.publish(in_lane(1, "fail")).await.unwrap();
    let next = runtime.publish(in_lane(1, "next")).await.unwrap();
    let other = runtime.publish(in_lane(2, "other")).await.unwrap();
    other.outcome().await.unwrap();
    reaches(&runtime, head.id(), JobState::Waiting).await;
    settle().await;
    assert_eq!(next.state().await.unwrap(), JobState::Waiting);
    until("the lane is empty", async || {
        world.advance(Duration::from_secs(10));
        next.state().await.unwrap() == JobState::Succeeded
    })
    .await;
    let lane: Vec<_> = log.lines().into_iter().filter(|line| line != "other").collect();
    assert_eq!(lane, ["fail", "fail", "fail", "next"]);
}

async fn r26_a_delayed_job_stays_at_the_head_of_its_lane(world: World) {
    let Running { runtime, log, .. } = start(&world).await;
    let delayed = runtime.publish(in_lane(1, "delayed")).delay(LATER).await.unwrap();
    let next = runtime.publish(in_lane(1, "next")).await.unwrap();
    settle().await;
    assert!(log.lines().is_empty());
    world.advance(LATER);
    next.outcome().await.unwrap();
    delayed.outcome().await.unwrap();
    assert_eq!(log.lines(), ["delayed", "next"]);
}

on_every_store!(
    r26_a_job_runs_after_its_predecessor_has_succeeded,
    r26_a_job_waits_for_all_of_its_predecessors,
    r26_a_job_waits_until_its_failed_predecessor_is_retried,
    r26_an_unknown_predecessor_is_refused,
    r26_staged_jobs_can_name_each_other_as_predecessors,
    r26_a_delayed_job_runs_when_it_is_due,
    r26_a_delay_survives_a_restart,
    r26_a_backward_step_of_the_clock_runs_no_job_before_its_time,
    r26_a_job_of_higher_priority_is_claimed_first,
    r26_a_full_queue_does_not_hold_up_another,
    r26_a_queue_without_a_limit_of_its_own_has_the_runtimes_concurrency,
    r26_a_queue_filled_by_the_claim_of_another_continues,
    r26_a_due_job_without_a_free_permit_does_not_make_the_worker_spin,
    r26_a_retrying_head_holds_up_its_own_lane_only,
    r26_a_delayed_job_stays_at_the_head_of_its_lane,
);
