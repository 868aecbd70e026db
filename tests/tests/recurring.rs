//! Commands that recur (r26): each tick is one job, whoever shares the store; what was missed is made up for as the
//! schedule says; and no step of the wall clock repeats a tick, or has one forgotten.
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

/// Makes a command that recurs, and notes for which tick it was made.
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

/// No tick.
const NONE: [&str; 0] = [];

recurring! {
    #[command(every = MINUTE)] Sweep, sweep;
    #[command(every = MINUTE, missed = Missed::Skip)] Chime, chime;
    #[command(every = MINUTE, missed = Missed::All)] Bill, bill;
    #[command(cron = "0 3 * * *")] CloseBooks, close_books;
}

/// Something that cannot be asked for in every minute.
#[command(name = "moody")]
struct Moody {
    #[schemars(range(max = 0))]
    odd: i64,
    at: String,
}

impl From<Tick> for Moody {
    fn from(tick: Tick) -> Self {
        let minute = tick.scheduled_at().as_second() / 60;
        assert!(minute % 4 != 0, "not in every fourth minute");
        Self { odd: minute % 2, at: tick.scheduled_at().to_string() }
    }
}

#[command(every = MINUTE, missed = Missed::All)]
async fn moody(_: Moody) {}

/// A command that was called otherwise.
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

/// A command that recurs, by hand.
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
        Some(Schedule::cron("*/5 * * * *").missed(Missed::All))
    }

    async fn handle(_: ByHand, _: &ExecutionContext) -> Result<(), Failure> {
        Ok(())
    }
}

enact::register! { Registration::command::<ByHand>(source!()) }
enact::register! { Registration::command_handler::<HandlesByHand>(source!()) }

const SCHEDULES: [&str; 7] = ["Sweep", "Chime", "Bill", "CloseBooks", "moody", "Nowadays", "ByHand"];

/// The last tick on record: a question that changes nothing, as it names a last tick that there is not.
async fn last_tick(store: &dyn Store, schedule: &str) -> Option<Timestamp> {
    let never = Timestamp::MIN;
    let question = NewTick { schedule: schedule.into(), last: Some(never), at: never, jobs: Vec::new() };
    match store.tick(question).await.unwrap() {
        Ticked::Stale(last) => last,
        Ticked::Done(_) => panic!("the last tick is the beginning of time"),
    }
}

/// A runtime whose schedules have all begun.
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

/// Lets a minute pass, and waits until it is on record what that brought about.
async fn minute(world: &World) {
    world.advance(MINUTE);
    done(world).await;
}

/// Waits until all that is due every minute is done with.
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

/// The ticks of a command's jobs, in the order of record: `00:01`.
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

async fn r26_a_recurring_command_is_a_job_at_each_tick_and_none_before_the_first(world: World) {
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

async fn r26_the_job_of_a_tick_is_a_job_as_any_other(world: World) {
    let runtime = start(&world).await;
    minute(&world).await;
    minute(&world).await;

    let jobs = jobs_of(&runtime, "Sweep").await;
    let done = common::reaches(&runtime, jobs[0].id, JobState::Succeeded).await;
    assert_eq!((done.kind, done.attempts, done.cause), (JobKind::Command, 1, None));
    assert_eq!(done.payload.value().unwrap()["schedule"], "Sweep");
    assert_eq!(done.created_at, at(&done));
    // Each is a matter of its own.
    let correlations: Vec<_> = jobs.iter().map(|job| job.correlation.to_string()).collect();
    assert_eq!(correlations, [jobs[0].id.to_string(), jobs[1].id.to_string()]);
}

async fn r26_a_tick_is_one_job_however_many_runtimes_share_the_store(world: World) {
    let runtimes = [start(&world).await, start(&world).await, start(&world).await];
    for _ in 0..30 {
        minute(&world).await;
    }
    for name in ["Sweep", "Chime", "Bill", "Nowadays"] {
        assert_eq!(ticks(&runtimes[0], name).await, minutes(1..=30), "{name}");
    }
    // All of them live, and any of them would go on.
    let [first, second, third] = runtimes;
    stop(first).await;
    stop(second).await;
    minute(&world).await;
    assert_eq!(ticks(&third, "Sweep").await, minutes(1..=31));
}

async fn r26_a_schedule_goes_on_where_another_process_has_left_it(world: World) {
    let first = start(&world).await;
    minute(&world).await;
    stop(first).await;
    let second = start(&world).await;
    assert_eq!(ticks(&second, "Bill").await, minutes(1..=1));
    minute(&world).await;
    assert_eq!(ticks(&second, "Bill").await, minutes(1..=2));
}

async fn r26_of_ticks_that_were_missed_each_schedule_makes_up_for_as_many_as_it_says(world: World) {
    let before = start(&world).await;
    minute(&world).await;
    stop(before).await;
    world.advance(9 * MINUTE + Duration::from_secs(30));

    let after = start(&world).await;
    done(&world).await;
    assert_eq!(ticks(&after, "Chime").await, minutes(1..=1));
    assert_eq!(ticks(&after, "Sweep").await, [minutes(1..=1), minutes(10..=10)].concat());
    assert_eq!(ticks(&after, "Bill").await, minutes(1..=10));
    assert_eq!(ticks(&after, "ByHand").await, ["00:05", "00:10"]);

    // From here on all of them are in time.
    world.advance(Duration::from_secs(30));
    done(&world).await;
    assert_eq!(ticks(&after, "Chime").await, [minutes(1..=1), minutes(11..=11)].concat());
    assert_eq!(ticks(&after, "Sweep").await, [minutes(1..=1), minutes(10..=11)].concat());
    assert_eq!(ticks(&after, "Bill").await, minutes(1..=11));
}

async fn r26_a_tick_that_is_a_few_seconds_late_was_not_missed(world: World) {
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

async fn r26_a_step_of_the_clock_back_repeats_no_tick(world: World) {
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

async fn r26_what_a_step_of_the_clock_passes_over_was_missed(world: World) {
    let runtime = start(&world).await;
    minute(&world).await;
    world.clock.set("2030-01-01T02:00:30Z".parse().unwrap());
    // The schedules look at the clock once a second.
    world.advance(SECOND);
    done(&world).await;
    assert_eq!(ticks(&runtime, "Chime").await, minutes(1..=1));
    assert_eq!(ticks(&runtime, "Sweep").await, [minutes(1..=1), minutes(120..=120)].concat());
    assert_eq!(ticks(&runtime, "Bill").await, minutes(1..=120));
}

async fn r26_a_cron_pattern_is_in_utc(world: World) {
    let runtime = start(&world).await;
    for hour in 1..=4 {
        world.advance(Duration::from_hours(1));
        done(&world).await;
        let expected: &[&str] = if hour < 3 { &[] } else { &["03:00"] };
        until("the books are closed", async || ticks(&runtime, "CloseBooks").await == expected).await;
    }
}

async fn r26_a_tick_whose_command_is_refused_or_panics_is_left_out_and_the_schedule_goes_on(world: World) {
    let runtime = start(&world).await;
    for _ in 0..8 {
        minute(&world).await;
    }
    assert_eq!(ticks(&runtime, "moody").await, ["00:02", "00:06"]);
}

async fn r52_a_schedule_goes_on_under_the_new_name_of_its_command(world: World) {
    let begun = world.now();
    let formerly = NewTick { schedule: "Formerly".into(), last: None, at: begun, jobs: Vec::new() };
    world.store().tick(formerly).await.unwrap();
    world.advance(3 * MINUTE);

    let runtime = start(&world).await;
    done(&world).await;
    assert_eq!(ticks(&runtime, "Nowadays").await, minutes(1..=3));
    // A schedule that is new begins now.
    assert_eq!(ticks(&runtime, "Bill").await, NONE);
}

on_every_store! {
    r26_a_recurring_command_is_a_job_at_each_tick_and_none_before_the_first,
    r26_the_job_of_a_tick_is_a_job_as_any_other,
    r26_a_tick_is_one_job_however_many_runtimes_share_the_store,
    r26_a_schedule_goes_on_where_another_process_has_left_it,
    r26_of_ticks_that_were_missed_each_schedule_makes_up_for_as_many_as_it_says,
    r26_a_tick_that_is_a_few_seconds_late_was_not_missed,
    r26_a_step_of_the_clock_back_repeats_no_tick,
    r26_what_a_step_of_the_clock_passes_over_was_missed,
    r26_a_cron_pattern_is_in_utc,
    r26_a_tick_whose_command_is_refused_or_panics_is_left_out_and_the_schedule_goes_on,
    r52_a_schedule_goes_on_under_the_new_name_of_its_command,
}

/// How many jobs each tick came with, by schedule.
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
}

#[tokio::test]
async fn r26_missed_ticks_are_put_on_record_in_batches() {
    let clock = ManualClock::at("2030-01-01T00:00:00Z".parse().unwrap());
    let store = MemoryStore::new();
    let begun = NewTick { schedule: "Bill".into(), last: None, at: clock.now(), jobs: Vec::new() };
    store.tick(begun).await.unwrap();
    clock.advance(250 * MINUTE);

    let seen = Ticks::default();
    let watched = Watched { store: store.clone(), watch: seen.clone() };
    let runtime = Runtime::builder(watched).clock(clock.clone()).start().await.unwrap();
    until("all are made up for", async || ticks(&runtime, "Bill").await == minutes(1..=250)).await;
    assert_eq!(seen.of("Bill"), [0, 100, 100, 50]);
}

#[tokio::test]
async fn r26_between_two_ticks_the_store_is_left_alone() {
    let clock = ManualClock::at("2030-01-01T00:00:00Z".parse().unwrap());
    let seen = Ticks::default();
    let watched = Watched { store: MemoryStore::new(), watch: seen.clone() };
    let _runtime = Runtime::builder(watched).clock(clock.clone()).start().await.unwrap();
    // A beginning of each, and two questions for the names that one of them had before.
    until("all schedules begin", async || seen.count() == SCHEDULES.len() + 2).await;
    for _ in 0..59 {
        clock.advance(SECOND);
        tokio::task::yield_now().await;
    }
    common::settle().await;
    assert_eq!(seen.count(), SCHEDULES.len() + 2);
    clock.advance(SECOND);
    until("what recurs every minute does", async || seen.count() == SCHEDULES.len() + 2 + 5).await;
}
