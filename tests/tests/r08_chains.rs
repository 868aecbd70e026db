//! A chain of jobs, each of which causes the next, has a limit ([r08](enact::rules#r08)).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::sync::OnceLock;

use common::{Gate, World, job, jobs, jobs_of, kind_and_code, on_every_store, reaches, until};
use enact::prelude::*;
use enact::{Job, RuntimeBuilder};

/// A ball is hit: forth.
#[command]
struct Ping {}

#[command(retry = Retry::fixed(5, Duration::ZERO))]
async fn ping(_: Ping) {
    emit(Pinged {});
}

/// The ball is in the air.
#[event]
struct Pinged {}

/// And back.
#[event_handler(retry = Retry::fixed(5, Duration::ZERO))]
async fn pong(_: Pinged) {
    publish(Ping {});
}

/// Publish itself, so many times, or stage what has no handler.
#[command]
struct Count {
    left: u32,
}

#[command]
async fn count(count: Count) {
    emit(Counted {});
    if count.left > 0 {
        publish(Count { left: count.left - 1 });
    }
}

/// Nothing handles this.
#[event]
struct Counted {}

/// What every hour does.
#[command]
struct Strike {}

impl From<Tick> for Strike {
    fn from(_: Tick) -> Self {
        Self {}
    }
}

#[command(every = Duration::from_hours(1))]
async fn strike(_: Strike) {
    publish(Count { left: 0 });
}

/// Publish at the boundary, from a task that outlives the attempt.
#[command]
struct Linger {}

#[command]
async fn linger(_: Linger, gate: Arc<Gate>, runtime: Arc<OnceLock<Runtime>>) {
    tokio::spawn(context().scope(async move {
        gate.pass().await;
        let runtime = runtime.get().unwrap();
        let refused = runtime.publish(Linger {}).await.err();
        if let Some(failure) = refused {
            assert_eq!(failure.code(), "chain_too_long");
            runtime.publish_json("Count", serde_json::json!({"left": 0})).await.unwrap_err();
        }
        gate.pass().await;
    }));
}

async fn start(builder: RuntimeBuilder) -> (Runtime, Arc<Gate>) {
    let (gate, own) = (Gate::new(), Arc::new(OnceLock::new()));
    let runtime = builder.provide(gate.clone()).provide(own.clone()).start().await.unwrap();
    own.set(runtime.clone()).unwrap();
    (runtime, gate)
}

/// The jobs of a chain, once the last one has failed.
async fn ended_chain(runtime: &Runtime) -> Vec<Job> {
    let mut found = Vec::new();
    until("the chain has ended", async || {
        found = jobs(runtime).await;
        found.last().is_some_and(|last| last.state == JobState::Failed)
    })
    .await;
    found
}

fn names_and_depths(jobs: &[Job]) -> Vec<(&str, u32)> {
    jobs.iter().map(|job| (&*job.name, job.depth)).collect()
}

async fn r08_a_loop_of_an_event_handler_and_its_command_ends(world: World) {
    for (limit, names, message) in [
        (
            3,
            vec![("Ping", 0), ("pong", 1), ("Ping", 2), ("pong", 3)],
            "the chain `Ping` → `pong` → `Ping` → `pong` → `Ping` is too long: at most 3 jobs may lead to a job, each of which causes \
             the next; end the loop by a condition, or raise `max_chain` on the builder",
        ),
        (
            2,
            vec![("Ping", 0), ("pong", 1), ("Ping", 2)],
            "the chain `Ping` → `pong` → `Ping` → `pong` is too long: at most 2 jobs may lead to a job, each of which causes the \
             next; end the loop by a condition, or raise `max_chain` on the builder",
        ),
    ] {
        let world = world.another();
        let (runtime, _gate) = start(world.builder().max_chain(limit)).await;
        runtime.publish(Ping {}).await.unwrap();
        let chain = ended_chain(&runtime).await;
        assert_eq!(names_and_depths(&chain), names);
        let last = chain.last().unwrap();
        let failure = last.failure.clone().unwrap();
        assert_eq!(kind_and_code(&failure), (FailureKind::Error, "chain_too_long"));
        assert_eq!((failure.message(), failure.is_permanent(), last.attempts), (message, true, 1));
        assert!(chain[..chain.len() - 1].iter().all(|job| job.state == JobState::Succeeded));
    }
}

async fn r08_a_long_chain_names_its_last_jobs(world: World) {
    let (runtime, _gate) = start(world.builder().max_chain(20)).await;
    runtime.publish(Count { left: 100 }).await.unwrap();
    let chain = ended_chain(&runtime).await;
    assert_eq!(chain.len(), 21);
    let failure = chain[20].failure.clone().unwrap();
    let named = "the chain … → `Count` → `Count` → `Count` → `Count` → `Count` → `Count` → `Count` → `Count` → `Count` is";
    assert!(failure.message().contains(named), "{failure}");
}

async fn r08_a_chain_that_ends_at_the_limit_is_allowed(world: World) {
    let (runtime, _gate) = start(world.builder().max_chain(4)).await;
    let first = runtime.publish(Count { left: 4 }).await.unwrap();
    until("the last one has succeeded", async || {
        let chain = jobs(&runtime).await;
        chain.len() == 5 && chain.iter().all(|job| job.state == JobState::Succeeded)
    })
    .await;
    // An event without a handler causes no job.
    assert_eq!(job(&runtime, first.id()).await.depth, 0);
    assert_eq!(jobs(&runtime).await[4].depth, 4);
}

async fn r08_a_retry_by_hand_keeps_the_depth(world: World) {
    let (runtime, _gate) = start(world.builder().max_chain(1)).await;
    runtime.publish(Count { left: 9 }).await.unwrap();
    let last = ended_chain(&runtime).await.pop().unwrap();
    runtime.jobs().retry(last.id).await.unwrap();
    until("it has failed again", async || job(&runtime, last.id).await.attempts == 2).await;
    let again = reaches(&runtime, last.id, JobState::Failed).await;
    assert_eq!((again.depth, again.failure.unwrap().code()), (1, "chain_too_long"));

    // Another program may allow it.
    runtime.shutdown(Duration::from_secs(10)).await.unwrap();
    let (runtime, _gate) = start(world.builder().max_chain(2)).await;
    runtime.jobs().retry(last.id).await.unwrap();
    reaches(&runtime, last.id, JobState::Succeeded).await;
    assert_eq!(ended_chain(&runtime).await.last().unwrap().depth, 2);
}

async fn r08_what_begins_at_the_boundary_or_by_a_schedule_begins_a_chain(world: World) {
    let (runtime, _gate) = start(world.builder().max_chain(1)).await;
    runtime.execute(Count { left: 0 }).await.unwrap();
    runtime.emit(Pinged {}).await.unwrap();
    until("the schedule has ticked", async || {
        world.advance(Duration::from_mins(20));
        jobs_of(&runtime, "Strike").await.len() >= 2
    })
    .await;
    for name in ["Strike", "pong"] {
        assert!(jobs_of(&runtime, name).await.iter().all(|job| job.depth == 0), "{name}");
    }
    until("what they publish is stored", async || jobs_of(&runtime, "Count").await.len() >= 3).await;
    let depths: Vec<_> = jobs_of(&runtime, "Count").await.iter().map(|job| job.depth).collect();
    assert!(depths[0] == 0 && depths[1..].iter().all(|depth| *depth == 1), "{depths:?}");
    until("the ping is stored", async || {
        jobs_of(&runtime, "Ping").await.first().is_some_and(|job| job.depth == 1)
    })
    .await;
}

async fn r08_a_task_that_outlives_its_attempt_continues_the_chain(world: World) {
    let (runtime, gate) = start(world.builder().max_chain(1)).await;
    runtime.execute(Linger {}).await.unwrap();
    for _ in 0..2 {
        gate.arrival().await;
        gate.open();
    }
    let second = jobs_of(&runtime, "Linger").await.remove(1);
    assert_eq!(second.depth, 1);
    reaches(&runtime, second.id, JobState::Succeeded).await;
    for _ in 0..2 {
        gate.arrival().await;
        gate.open();
    }
    assert_eq!(jobs(&runtime).await.len(), 2, "a third one is refused, and so is any other command");
}

async fn r08_with_a_limit_of_zero_an_execution_causes_no_job(world: World) {
    let (runtime, _gate) = start(world.builder().max_chain(0)).await;
    runtime.execute(Count { left: 0 }).await.unwrap();
    let failure = runtime.execute(Ping {}).await.unwrap_err();
    assert_eq!(failure.code(), "chain_too_long");
}

on_every_store!(
    r08_a_loop_of_an_event_handler_and_its_command_ends,
    r08_a_long_chain_names_its_last_jobs,
    r08_a_chain_that_ends_at_the_limit_is_allowed,
    r08_a_retry_by_hand_keeps_the_depth,
    r08_what_begins_at_the_boundary_or_by_a_schedule_begins_a_chain,
    r08_a_task_that_outlives_its_attempt_continues_the_chain,
    r08_with_a_limit_of_zero_an_execution_causes_no_job,
);

#[test]
fn r08_a_loop_ends_by_default() {
    common::run_test(World::memory(), async |world| {
        let (runtime, _gate) = start(world.builder()).await;
        runtime.publish(Ping {}).await.unwrap();
        let chain = ended_chain(&runtime).await;
        assert_eq!(chain.last().unwrap().depth, RuntimeBuilder::DEFAULT_MAX_CHAIN);
    });
}
