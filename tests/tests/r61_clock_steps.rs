//! Pauses are measured by elapsed time: a step of the wall clock neither lengthens nor shortens them (r22, r61).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{World, job, on_every_store, reaches, settle, state};
use enact::clock::{Clock, ManualClock};
use enact::prelude::*;
use enact::testing::TestRuntime;
use enact::{JobId, MemoryStore};
use jiff::{SignedDuration, Timestamp};

/// Fail once.
#[command]
struct Stumble {}

#[command(retry = Retry::fixed(2, PAUSE))]
async fn stumble(_: Stumble) -> Result<(), Failure> {
    match context().attempt() {
        Some(1) => Err(Failure::new(FailureKind::Error, "stumbled", "stumbled")),
        _ => Ok(()),
    }
}

/// Note something.
#[command]
struct Note {}

#[command]
async fn note(_: Note) {}

/// Publish notes: one after a pause, and one at a time of day.
#[command]
struct Remind {
    at: Timestamp,
}

#[command]
async fn remind(remind: Remind) {
    publish(Note {}).delay(PAUSE);
    publish(Note {}).at(remind.at);
}

const PAUSE: Duration = Duration::from_secs(10);
const SECOND: Duration = Duration::from_secs(1);
const HOURS: i64 = 3600;

/// Sets the wall clock by so many seconds, back if negative.
fn step(clock: &ManualClock, seconds: i64) {
    clock.set(clock.now() + SignedDuration::from_secs(seconds));
}

/// Lets the time pass second by second, as the clock of a machine does.
async fn pass(world: &World, time: Duration) {
    for _ in 0..time.as_secs() {
        world.advance(SECOND);
        settle().await;
    }
}

/// A runtime with a job that fails at once, and one that is delayed, each to be run in ten seconds.
async fn pausing(world: &World) -> (Runtime, [JobId; 2]) {
    let runtime = world.builder().start().await.unwrap();
    let stumble = runtime.publish(Stumble {}).await.unwrap().id();
    let delayed = runtime.publish(Note {}).delay(PAUSE).await.unwrap().id();
    reaches(&runtime, stumble, JobState::Waiting).await;
    (runtime, [stumble, delayed])
}

async fn assert_pause_takes_as_long(world: &World, seconds: i64) {
    let (runtime, jobs) = pausing(world).await;
    pass(world, Duration::from_secs(4)).await;
    step(&world.clock, seconds);
    pass(world, Duration::from_secs(5)).await;
    for id in jobs {
        assert_eq!(state(&runtime, id).await, JobState::Waiting, "nine seconds after {seconds}");
        assert_eq!(job(&runtime, id).await.due_at, Some(world.now() + SECOND));
    }
    pass(world, SECOND).await;
    for id in jobs {
        reaches(&runtime, id, JobState::Succeeded).await;
    }
}

async fn r22_a_pause_takes_as_long_when_the_clock_is_set_back(world: World) {
    assert_pause_takes_as_long(&world, -3 * HOURS).await;
}

async fn r22_a_pause_takes_as_long_when_the_clock_is_set_ahead(world: World) {
    assert_pause_takes_as_long(&world, 3 * HOURS).await;
}

async fn r22_a_pause_takes_as_long_when_the_clock_is_set_several_times(world: World) {
    let (runtime, jobs) = pausing(&world).await;
    for seconds in [-HOURS, 5 * HOURS, -1, -4 * HOURS, 2] {
        step(&world.clock, seconds);
        pass(&world, SECOND).await;
    }
    pass(&world, Duration::from_secs(4)).await;
    assert_eq!(state(&runtime, jobs[0]).await, JobState::Waiting);
    pass(&world, SECOND).await;
    for id in jobs {
        reaches(&runtime, id, JobState::Succeeded).await;
    }
}

/// What is given as a time follows the wall clock.
async fn r22_a_time_of_day_follows_the_clock(world: World) {
    let runtime = world.builder().start().await.unwrap();
    let at = world.now() + Duration::from_hours(1);
    let later = runtime.publish(Note {}).at(at).await.unwrap().id();
    step(&world.clock, HOURS);
    pass(&world, SECOND).await;
    reaches(&runtime, later, JobState::Succeeded).await;
}

/// The pause of a process that has ended is over at the stored time.
async fn r22_after_a_restart_a_pause_ends_at_its_stored_time(world: World) {
    let (runtime, jobs) = pausing(&world).await;
    runtime.shutdown(SECOND).await.unwrap();
    step(&world.clock, HOURS);
    let second = world.builder().start().await.unwrap();
    for id in jobs {
        reaches(&second, id, JobState::Succeeded).await;
    }
}

/// A process that only publishes moves its delays, too.
async fn r22_a_runtime_without_a_worker_keeps_its_delays(world: World) {
    let desk = world.builder().without_worker().start().await.unwrap();
    let worker = world.builder().start().await.unwrap();
    let id = desk.publish(Note {}).delay(PAUSE).await.unwrap().id();
    pass(&world, SECOND).await;
    step(&world.clock, -HOURS);
    pass(&world, SECOND).await;
    assert_eq!(job(&desk, id).await.due_at, Some(world.now() + Duration::from_secs(8)));
    pass(&world, Duration::from_secs(8)).await;
    reaches(&worker, id, JobState::Succeeded).await;
}

on_every_store!(
    r22_a_pause_takes_as_long_when_the_clock_is_set_back,
    r22_a_pause_takes_as_long_when_the_clock_is_set_ahead,
    r22_a_pause_takes_as_long_when_the_clock_is_set_several_times,
    r22_a_time_of_day_follows_the_clock,
    r22_after_a_restart_a_pause_ends_at_its_stored_time,
    r22_a_runtime_without_a_worker_keeps_its_delays,
);

#[tokio::test]
async fn r61_a_test_can_set_the_clock_while_jobs_pause() {
    for seconds in [-3 * HOURS, 3 * HOURS] {
        let kit = TestRuntime::builder().store(MemoryStore::new()).start().await;
        kit.when(Stumble {}).await.then_retries_in(PAUSE);
        let at = kit.clock().now() + Duration::from_secs(5);
        kit.when(Remind { at }).await.then_succeeds();
        step(kit.clock(), seconds);
        kit.advance(PAUSE.saturating_sub(SECOND)).await;
        // The time of day has come if the clock was set ahead.
        let drained = kit.drain().await;
        if seconds > 0 {
            drained.then_ran(["Note"])
        } else {
            drained.then_ran([])
        };
        assert_eq!(kit.advance_to_next().await, Some(SECOND));
        kit.drain().await.then_ran(["Stumble", "Note"]).then_succeeds();
    }
}
