//! Runs of a recurring command that overlap, and schedules whose clock was wrong or whose command was renamed (r38).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{Gate, World, jobs_of, on_every_store, reaches, settle, until};
use enact::prelude::*;
use enact::store::{NewTick, Ticked};
use enact::{JobId, RuntimeBuilder};
use jiff::Timestamp;

/// Declares a recurring command whose runs wait at the gate.
macro_rules! recurring {
    ($(#[command($($of_handler:tt)*)] $(#[$of_command:meta])? $name:ident, $handler:ident;)*) => { $(
        $(#[$of_command])?
        struct $name {
            at: String,
        }

        impl From<Tick> for $name {
            fn from(tick: Tick) -> Self {
                Self { at: tick.scheduled_at().to_string() }
            }
        }

        #[command($($of_handler)*)]
        async fn $handler(_: $name, gate: Arc<Gate>) {
            gate.pass().await;
        }
    )* };
}

const MINUTE: Duration = Duration::from_mins(1);

recurring! {
    #[command(every = MINUTE)] #[command] Sweep, sweep;
    #[command(every = MINUTE, overlap = queue)] #[command] Bill, bill;
    #[command(every = MINUTE, missed = Missed::All)] #[command] Report, report;
    #[command(every = MINUTE, overlap = allow)] #[command] Ping, ping;
    #[command(every = MINUTE, overlap = allow, missed = Missed::All)] #[command(alias = "Formerly")] Nowadays, nowadays;
}

fn builder(world: &World, gate: &Arc<Gate>) -> RuntimeBuilder {
    // Hours pass at once, and no worker is to lose its lease meanwhile.
    world.builder().lease(Duration::from_hours(24)).provide(gate.clone())
}

/// Starts a runtime and waits until its schedules have begun.
async fn start(world: &World, gate: &Arc<Gate>) -> Runtime {
    let runtime = builder(world, gate).start().await.unwrap();
    ticked(world, world.now()).await;
    runtime
}

/// Waits until all schedules have ticked at a time or later.
async fn ticked(world: &World, at: Timestamp) {
    let store = world.store();
    for schedule in ["Sweep", "Bill", "Report", "Ping", "Nowadays"] {
        until(&format!("{schedule} has ticked"), async || {
            let own = store.last_tick(schedule).await.unwrap();
            let former = store.last_tick("Formerly").await.unwrap().filter(|_| schedule == "Nowadays");
            own.max(former).is_some_and(|last| last >= at)
        })
        .await;
    }
}

/// Lets a minute pass, and its ticks be recorded.
async fn minute(world: &World) {
    world.advance(MINUTE);
    ticked(world, Timestamp::from_second(world.now().as_second() / 60 * 60).unwrap()).await;
    settle().await;
}

/// The ticks that have jobs, such as `00:01`, with the states of the jobs.
async fn runs(runtime: &Runtime, name: &str) -> Vec<(String, JobState)> {
    let jobs = jobs_of(runtime, name).await;
    let time = |at: &str| at.parse::<Timestamp>().unwrap().strftime("%H:%M").to_string();
    jobs.iter().map(|job| (time(job.payload.value().unwrap()["at"].as_str().unwrap()), job.state)).collect()
}

async fn ids(runtime: &Runtime, name: &str) -> Vec<JobId> {
    jobs_of(runtime, name).await.iter().map(|job| job.id).collect()
}

fn run(time: &str, state: JobState) -> (String, JobState) {
    (time.to_owned(), state)
}

async fn r38_a_tick_is_skipped_while_the_run_of_an_earlier_one_has_not_ended(world: World) {
    let gate = Gate::new();
    let runtime = start(&world, &gate).await;
    let other = start(&world, &gate).await;
    for _ in 0..3 {
        minute(&world).await;
    }
    assert_eq!(runs(&runtime, "Sweep").await, [run("00:01", JobState::Running)]);
    gate.open_wide();
    reaches(&other, ids(&runtime, "Sweep").await[0], JobState::Succeeded).await;
    minute(&world).await;
    reaches(&runtime, ids(&runtime, "Sweep").await[1], JobState::Succeeded).await;
    let (first, second) = (run("00:01", JobState::Succeeded), run("00:04", JobState::Succeeded));
    assert_eq!(runs(&runtime, "Sweep").await, [first, second]);
}

async fn r38_queued_runs_take_turns(world: World) {
    let gate = Gate::new();
    let runtime = start(&world, &gate).await;
    for _ in 0..3 {
        minute(&world).await;
    }
    for name in ["Bill", "Report"] {
        let waiting = [
            run("00:01", JobState::Running),
            run("00:02", JobState::Waiting),
            run("00:03", JobState::Waiting),
        ];
        assert_eq!(runs(&runtime, name).await, waiting, "{name}");
    }
    gate.open_wide();
    for name in ["Bill", "Report"] {
        for id in ids(&runtime, name).await {
            reaches(&runtime, id, JobState::Succeeded).await;
        }
    }
}

async fn r38_runs_that_may_overlap_do(world: World) {
    let gate = Gate::new();
    let runtime = start(&world, &gate).await;
    minute(&world).await;
    minute(&world).await;
    let both = [run("00:01", JobState::Running), run("00:02", JobState::Running)];
    until("both run", async || runs(&runtime, "Ping").await == both).await;
    gate.open_wide();
}

async fn r38_a_schedule_continues_from_now_if_its_last_tick_is_far_ahead(world: World) {
    let gate = Gate::wide_open();
    let runtime = start(&world, &gate).await;
    minute(&world).await;
    // The clock is wrong for a while.
    let right = world.now();
    world.clock.set("2030-01-01T03:00:30Z".parse().unwrap());
    world.advance(Duration::from_secs(1));
    ticked(&world, "2030-01-01T03:00:00Z".parse().unwrap()).await;
    world.clock.set(right + MINUTE / 2);
    world.advance(Duration::from_secs(1));
    let store = world.store();
    until("the schedules are back", async || {
        store.last_tick("Ping").await.unwrap().is_some_and(|last| last < right + MINUTE)
    })
    .await;
    minute(&world).await;
    minute(&world).await;
    let times: Vec<_> = runs(&runtime, "Ping").await.into_iter().map(|(time, _)| time).collect();
    assert_eq!(times, ["00:01", "03:00", "00:02", "00:03"]);
    runtime.shutdown(MINUTE).await.unwrap();

    // So does a process that starts then.
    world.clock.set("2030-01-01T06:00:00Z".parse().unwrap());
    let ahead = start(&world, &gate).await;
    minute(&world).await;
    ahead.shutdown(MINUTE).await.unwrap();
    world.clock.set(right);
    let after = builder(&world, &gate).start().await.unwrap();
    until("the schedules are back", async || store.last_tick("Ping").await.unwrap() == Some(right)).await;
    let before = ids(&after, "Ping").await.len();
    minute(&world).await;
    until("it ticks", async || ids(&after, "Ping").await.len() == before + 1).await;
}

/// A program that knows the schedule by its former name ticks beside this one.
async fn r38_a_renamed_schedule_ticks_once_beside_the_old_program(world: World) {
    let gate = Gate::wide_open();
    let runtime = start(&world, &gate).await;
    let store = world.store();
    let old = async |last: Timestamp, at: Timestamp| {
        let tick = NewTick {
            schedule: "Formerly".into(),
            aliases: &[],
            last: Some(last),
            at,
            unless_running: false,
            jobs: Vec::new(),
        };
        store.tick(tick).await.unwrap()
    };
    let begin = world.now();
    minute(&world).await;
    assert_eq!(
        old(begin, begin + MINUTE).await,
        Ticked::Stale(Some(begin + MINUTE)),
        "this program was faster"
    );
    // The old one is faster.
    assert_eq!(old(begin + MINUTE, begin + 2 * MINUTE).await, Ticked::Done(Vec::new()));
    minute(&world).await;
    minute(&world).await;
    let times: Vec<_> = runs(&runtime, "Nowadays").await.into_iter().map(|(time, _)| time).collect();
    assert_eq!(times, ["00:01", "00:03"]);
    runtime.shutdown(MINUTE).await.unwrap();
    // After a rollback the old program finds every tick.
    assert_eq!(store.last_tick("Formerly").await.unwrap(), Some(begin + 3 * MINUTE));
}

on_every_store!(
    r38_a_tick_is_skipped_while_the_run_of_an_earlier_one_has_not_ended,
    r38_queued_runs_take_turns,
    r38_runs_that_may_overlap_do,
    r38_a_schedule_continues_from_now_if_its_last_tick_is_far_ahead,
    r38_a_renamed_schedule_ticks_once_beside_the_old_program,
);
