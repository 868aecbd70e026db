//! Recurring commands (r38): each tick makes one job, however many processes share the store; missed ticks are handled by
//! the schedule's policy; and a step of the wall clock neither repeats nor loses a tick.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::sync::Mutex;

use async_trait::async_trait;
use enact::clock::{Clock, ManualClock};
use enact::prelude::*;
use enact::store::{NewTick, Store, Ticked};
use enact::{
    Command, CommandHandler, Handler, HasOneHandler, Job, JobKind, MemoryStore, Registration, Schedule,
    Untargeted, source,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use common::watched::{Watch, Watched};
use common::{World, jobs_of, on_every_store, until};

/// Declares recurring commands that store the tick they were made for.
macro_rules! recurring {
    ($(#[command($($of_handler:tt)*)] $name:ident, $handler:ident;)*) => { $(
        #[command]
        struct $name {
            at: String,
            schedule: String,
        }

        impl From<Tick> for $name {
            fn from(tick: Tick) -> Self {
                Self { at: tick.scheduled_at().to_string(), schedule: tick.schedule().to_owned() }
            }
        }

        #[command($($of_handler)*)]
        async fn $handler(_: $name) {}
    )* };
}

const MINUTE: Duration = Duration::from_mins(1);
const SECOND: Duration = Duration::from_secs(1);

/// No ticks.
const NONE: [&str; 0] = [];

recurring! {
    #[command(every = MINUTE, overlap = allow)] Sweep, sweep;
    #[command(every = MINUTE, missed = Missed::Skip, overlap = allow)] Chime, chime;
    #[command(every = MINUTE, missed = Missed::All)] Bill, bill;
    #[command(cron = "0 3 * * *")] CloseBooks, close_books;
}

/// A command that is invalid at odd minutes and panics at every fourth.
#[command(name = "moody")]
struct Moody {
    #[schemars(range(max = 0))]
    odd: i64,
    at: String,
}

impl From<Tick> for Moody {
    fn from(tick: Tick) -> Self {
        let minute = tick.scheduled_at().as_second() / 60;
        assert!(minute % 4 != 0, "fails at every fourth minute");
        Self { odd: minute % 2, at: tick.scheduled_at().to_string() }
    }
}

#[command(every = MINUTE, missed = Missed::All)]
async fn moody(_: Moody) {}

/// A command that was renamed twice.
#[command(alias = ["Formerly", "before_that"])]
struct Nowadays {
    at: String,
}

impl From<Tick> for Nowadays {
    fn from(tick: Tick) -> Self {
        Self { at: tick.scheduled_at().to_string() }
    }
}

#[command(every = MINUTE, missed = Missed::All)]
async fn nowadays(_: Nowadays) {}

/// A recurring command whose handler is written by hand.
#[derive(Serialize, Deserialize, schemars::JsonSchema)]
struct ByHand {
    at: String,
}

impl Command for ByHand {
    const NAME: &'static str = "ByHand";
}

impl Untargeted for ByHand {}

impl HasOneHandler for ByHand {
    type Output = ();
    type Entity = ();
}

impl From<Tick> for ByHand {
    fn from(tick: Tick) -> Self {
        Self { at: tick.scheduled_at().to_string() }
    }
}

struct HandlesByHand;

impl Handler for HandlesByHand {}

impl CommandHandler for HandlesByHand {
    type Command = ByHand;

    fn schedule() -> Option<Schedule<ByHand>> {
        Some(Schedule::cron("*/5 * * * *").missed(Missed::All).overlap(Overlap::Allow))
    }

    async fn handle(_: ByHand, _: &ExecutionContext) -> Result<(), Failure> {
        Ok(())
    }
}

enact::register! { Registration::command::<ByHand>(source!()) }
enact::register! { Registration::command_handler::<HandlesByHand>(source!()) }

const SCHEDULES: [&str; 7] = ["Sweep", "Chime", "Bill", "CloseBooks", "moody", "Nowadays", "ByHand"];

/// The last stored tick. `tick` changes nothing here, since the `last` that it expects is never stored.
async fn last_tick(store: &dyn Store, schedule: &str) -> Option<Timestamp> {
    let never = Timestamp::MIN;
    let probe = NewTick {
        schedule: schedule.into(),
        last: Some(never),
        at: never,
        jobs: Vec::new(),
        aliases: &[],
        unless_running: false,
    };
    match store.tick(probe).await.unwrap() {
        Ticked::Stale(last) => last,
        Ticked::Done(_) | Ticked::Overlaps(_) => panic!("the last tick is the beginning of time"),
    }
}

/// Starts a runtime and waits until all schedules have begun.
async fn start(world: &World) -> Runtime {
    let runtime = world.builder().start().await.unwrap();
    let store = world.store();
    until("all schedules begin", async || {
        let mut all = true;
        for schedule in SCHEDULES {
            all &= last_tick(&*store, schedule).await.is_some();
        }
        all
    })
    .await;
    runtime
}

/// Advances the clock by a minute and waits until its ticks are stored.
async fn minute(world: &World) {
    world.advance(MINUTE);
    done(world).await;
}

/// Waits until the schedules of every minute have ticked.
async fn done(world: &World) {
    let store = world.store();
    let minute = Timestamp::from_second(world.now().as_second() / 60 * 60).unwrap();
    for schedule in ["Sweep", "Chime", "Bill", "moody", "Nowadays"] {
        until(&format!("{schedule} has ticked"), async || {
            last_tick(&*store, schedule).await.is_some_and(|last| last >= minute)
        })
        .await;
    }
}

async fn stop(runtime: Runtime) {
    runtime.shutdown(MINUTE).await.unwrap();
}

/// The ticks of a command's jobs, oldest first, such as `00:01`.
async fn ticks(runtime: &Runtime, name: &str) -> Vec<String> {
    let jobs = jobs_of(runtime, name).await;
    jobs.iter().map(|job| at(job).strftime("%H:%M").to_string()).collect()
}

fn at(job: &Job) -> Timestamp {
    job.payload.value().unwrap()["at"].as_str().unwrap().parse().unwrap()
}

/// `00:01` to `00:10`.
fn minutes(range: std::ops::RangeInclusive<i64>) -> Vec<String> {
    range.map(|minute| format!("{:02}:{:02}", minute / 60, minute % 60)).collect()
}

async fn r38_a_recurring_command_makes_a_job_at_each_tick_and_none_before_the_first(world: World) {
    world.advance(Duration::from_secs(30));
    let runtime = start(&world).await;
    assert_eq!(ticks(&runtime, "Sweep").await, NONE);

    world.advance(Duration::from_secs(29));
    common::settle().await;
    assert_eq!(ticks(&runtime, "Sweep").await, NONE);

    world.advance(SECOND);
    done(&world).await;
    minute(&world).await;
    minute(&world).await;
    assert_eq!(ticks(&runtime, "Sweep").await, minutes(1..=3));
}

async fn r38_a_new_schedule_begins_when_the_runtime_starts(world: World) {
    let runtime = world.builder().start().await.unwrap();
    // No task of the runtime has run yet.
    minute(&world).await;
    assert_eq!(ticks(&runtime, "Bill").await, minutes(1..=1));
}

async fn r38_the_job_of_a_tick_is_a_job_like_any_other(world: World) {
    let runtime = start(&world).await;
    minute(&world).await;
    minute(&world).await;

    let jobs = jobs_of(&runtime, "Sweep").await;
    let done = common::reaches(&runtime, jobs[0].id, JobState::Succeeded).await;
    assert_eq!((done.kind, done.attempts, done.cause.clone()), (JobKind::Command, 1, None));
    assert_eq!(done.payload.value().unwrap()["schedule"], "Sweep");
    assert_eq!(done.created_at, at(&done));
    // Each tick has a correlation of its own.
    let correlations: Vec<_> = jobs.iter().map(|job| job.correlation.to_string()).collect();
    assert_eq!(correlations, [jobs[0].id.to_string(), jobs[1].id.to_string()]);
}

async fn r38_a_tick_is_one_job_however_many_runtimes_share_the_store(world: World) {
    let runtimes = [start(&world).await, start(&world).await, start(&world).await];
    for _ in 0..30 {
        minute(&world).await;
    }
    for name in ["Sweep", "Chime", "Bill", "Nowadays"] {
        assert_eq!(ticks(&runtimes[0], name).await, minutes(1..=30), "{name}");
    }
    // Any runtime that is left continues.
    let [first, second, third] = runtimes;
    stop(first).await;
    stop(second).await;
    minute(&world).await;
    assert_eq!(ticks(&third, "Sweep").await, minutes(1..=31));
}

async fn r38_a_schedule_continues_where_another_process_left_it(world: World) {
    let first = start(&world).await;
    minute(&world).await;
    stop(first).await;
    let second = start(&world).await;
    assert_eq!(ticks(&second, "Bill").await, minutes(1..=1));
    minute(&world).await;
    assert_eq!(ticks(&second, "Bill").await, minutes(1..=2));
}

async fn r38_each_schedule_handles_missed_ticks_by_its_policy(world: World) {
    let before = start(&world).await;
    minute(&world).await;
    stop(before).await;
    world.advance(9 * MINUTE + Duration::from_secs(30));

    let after = start(&world).await;
    done(&world).await;
    assert_eq!(ticks(&after, "Chime").await, minutes(1..=1));
    assert_eq!(ticks(&after, "Sweep").await, [minutes(1..=1), minutes(10..=10)].concat());
    assert_eq!(ticks(&after, "Bill").await, minutes(1..=10));
    until("ByHand has ticked", async || ticks(&after, "ByHand").await.len() == 2).await;
    assert_eq!(ticks(&after, "ByHand").await, ["00:05", "00:10"]);

    // The next tick is in time.
    world.advance(Duration::from_secs(30));
    done(&world).await;
    assert_eq!(ticks(&after, "Chime").await, [minutes(1..=1), minutes(11..=11)].concat());
    assert_eq!(ticks(&after, "Sweep").await, [minutes(1..=1), minutes(10..=11)].concat());
    assert_eq!(ticks(&after, "Bill").await, minutes(1..=11));
}

async fn r38_a_tick_that_is_a_few_seconds_late_is_not_missed(world: World) {
    let before = start(&world).await;
    stop(before).await;
    world.advance(MINUTE + Missed::TOO_LATE.saturating_sub(SECOND));
    let after = start(&world).await;
    done(&world).await;
    assert_eq!(ticks(&after, "Chime").await, minutes(1..=1));
    stop(after).await;

    world.advance(MINUTE + SECOND);
    let too_late = start(&world).await;
    done(&world).await;
    assert_eq!(ticks(&too_late, "Chime").await, minutes(1..=1));
}

async fn r38_a_backward_step_of_the_clock_repeats_no_tick(world: World) {
    let runtime = start(&world).await;
    for _ in 0..5 {
        minute(&world).await;
    }
    world.clock.set("2030-01-01T00:02:00Z".parse().unwrap());
    for _ in 0..3 {
        world.advance(MINUTE);
        common::settle().await;
    }
    for name in ["Sweep", "Chime", "Bill"] {
        assert_eq!(ticks(&runtime, name).await, minutes(1..=5), "{name}");
    }
    minute(&world).await;
    for name in ["Sweep", "Chime", "Bill"] {
        assert_eq!(ticks(&runtime, name).await, minutes(1..=6), "{name}");
    }
}

async fn r38_ticks_skipped_by_a_forward_step_of_the_clock_are_missed(world: World) {
    let runtime = start(&world).await;
    minute(&world).await;
    world.clock.set("2030-01-01T02:00:30Z".parse().unwrap());
    // Schedules read the clock once a second.
    world.advance(SECOND);
    done(&world).await;
    assert_eq!(ticks(&runtime, "Chime").await, minutes(1..=1));
    assert_eq!(ticks(&runtime, "Sweep").await, [minutes(1..=1), minutes(120..=120)].concat());
    assert_eq!(ticks(&runtime, "Bill").await, minutes(1..=120));
}

async fn r38_a_cron_pattern_is_in_utc(world: World) {
    let runtime = start(&world).await;
    for hour in 1..=4 {
        world.advance(Duration::from_hours(1));
        done(&world).await;
        let expected: &[&str] = if hour < 3 { &[] } else { &["03:00"] };
        until("the books are closed", async || ticks(&runtime, "CloseBooks").await == expected).await;
    }
}

async fn r38_a_tick_whose_command_is_refused_or_panics_is_skipped(world: World) {
    let runtime = start(&world).await;
    for _ in 0..8 {
        minute(&world).await;
    }
    assert_eq!(ticks(&runtime, "moody").await, ["00:02", "00:06"]);
}

async fn r52_a_schedule_continues_under_the_new_name_of_its_command(world: World) {
    let begun = world.now();
    let formerly = NewTick {
        schedule: "Formerly".into(),
        last: None,
        at: begun,
        jobs: Vec::new(),
        aliases: &[],
        unless_running: false,
    };
    world.store().tick(formerly).await.unwrap();
    world.advance(3 * MINUTE);

    let runtime = start(&world).await;
    done(&world).await;
    assert_eq!(ticks(&runtime, "Nowadays").await, minutes(1..=3));
    // A new schedule begins now.
    assert_eq!(ticks(&runtime, "Bill").await, NONE);
}

on_every_store! {
    r38_a_recurring_command_makes_a_job_at_each_tick_and_none_before_the_first,
    r38_a_new_schedule_begins_when_the_runtime_starts,
    r38_the_job_of_a_tick_is_a_job_like_any_other,
    r38_a_tick_is_one_job_however_many_runtimes_share_the_store,
    r38_a_schedule_continues_where_another_process_left_it,
    r38_each_schedule_handles_missed_ticks_by_its_policy,
    r38_a_tick_that_is_a_few_seconds_late_is_not_missed,
    r38_a_backward_step_of_the_clock_repeats_no_tick,
    r38_ticks_skipped_by_a_forward_step_of_the_clock_are_missed,
    r38_a_cron_pattern_is_in_utc,
    r38_a_tick_whose_command_is_refused_or_panics_is_skipped,
    r52_a_schedule_continues_under_the_new_name_of_its_command,
}

/// The number of jobs of each tick, with the schedule; 0 for a read of the last tick.
#[derive(Clone, Default)]
struct Ticks(Arc<Mutex<Vec<(String, usize)>>>);

impl Ticks {
    fn of(&self, schedule: &str) -> Vec<usize> {
        let ticks = self.0.lock().unwrap();
        ticks.iter().filter(|(name, _)| name == schedule).map(|(_, jobs)| *jobs).collect()
    }

    fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

#[async_trait]
impl Watch for Ticks {
    async fn ticking(&self, tick: &NewTick) {
        self.0.lock().unwrap().push((tick.schedule.to_string(), tick.jobs.len()));
    }

    async fn reading_last_tick(&self, schedule: &str) {
        self.0.lock().unwrap().push((schedule.to_owned(), 0));
    }
}

#[tokio::test]
async fn r38_missed_ticks_are_stored_in_batches() {
    let clock = ManualClock::at("2030-01-01T00:00:00Z".parse().unwrap());
    let store = MemoryStore::new();
    let begun = NewTick {
        schedule: "Bill".into(),
        last: None,
        at: clock.now(),
        jobs: Vec::new(),
        aliases: &[],
        unless_running: false,
    };
    store.tick(begun).await.unwrap();
    clock.advance(250 * MINUTE);

    let seen = Ticks::default();
    let watched = Watched { store: store.clone(), watch: seen.clone() };
    let runtime = Runtime::builder(watched).clock(clock.clone()).start().await.unwrap();
    until("all missed ticks have their jobs", async || ticks(&runtime, "Bill").await == minutes(1..=250))
        .await;
    assert_eq!(seen.of("Bill"), [0, 100, 100, 50]);
}

#[tokio::test]
async fn r38_between_two_ticks_a_schedule_makes_no_store_calls() {
    let clock = ManualClock::at("2030-01-01T00:00:00Z".parse().unwrap());
    let seen = Ticks::default();
    let watched = Watched { store: MemoryStore::new(), watch: seen.clone() };
    let _runtime = Runtime::builder(watched).clock(clock.clone()).start().await.unwrap();
    // A read and a write for each schedule, and two reads for the former names of `Nowadays`.
    let beginning = 2 * SCHEDULES.len() + 2;
    until("all schedules begin", async || seen.count() == beginning).await;
    for _ in 0..59 {
        clock.advance(SECOND);
        tokio::task::yield_now().await;
    }
    common::settle().await;
    assert_eq!(seen.count(), beginning);
    clock.advance(SECOND);
    until("the schedules of every minute have ticked", async || seen.count() == beginning + 5).await;
}
