//! Jobs of a command that a program does not declare ([r07](enact::rules#r07)).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::collections::HashMap;

use common::{World, job, on_every_store, reaches, settle, until};
use enact::prelude::*;
use enact::store::{Claim, Claimable, Lease, NewJob};
use enact::{FailureKind, JobId, JobKind, Json, Key, WorkerId};

const LEASE: Duration = Duration::from_secs(2);

/// Pack a parcel. This program knows the command as `pack`; `wrap` was declared by an earlier one.
#[command(name = "pack")]
struct Pack {}

#[command]
async fn pack(_: Pack) {}

/// Send a parcel, and try again.
#[command(name = "send")]
struct Send {}

#[command(retry = Retry::fixed(3, Duration::ZERO))]
async fn send(_: Send) {}

fn id() -> JobId {
    uuid::Uuid::now_v7().to_string().parse().unwrap()
}

/// Publishes a job, and begins it on a worker that dies.
async fn begun_elsewhere(world: &World, name: &'static str, lane: Option<&str>) -> JobId {
    let store = world.store();
    let mut new = NewJob::new(id(), JobKind::Command, name, Json::from_text("{}"), world.now());
    new.order_key = lane.map(Key::from_text);
    let id = new.id;
    store.submit(Vec::new(), vec![new]).await.unwrap();
    let worker = WorkerId::from_text("dead");
    store.renew(Lease { worker: worker.clone(), renewals: 1, length: LEASE }).await.unwrap();
    let names = HashMap::from([(name.into(), Claimable { queue: 0, entity: None })]);
    let claim = Claim { worker, names: Arc::new(names), room: vec![1], batch: 0, now: world.now() };
    assert_eq!(store.claim(claim).await.unwrap().jobs.len(), 1);
    id
}

async fn pass_until(world: &World, what: &str, mut holds: impl AsyncFnMut() -> bool) {
    until(what, async || {
        world.advance(Duration::from_millis(500));
        settle().await;
        holds().await
    })
    .await;
}

async fn r07_a_running_orphan_of_a_dead_worker_is_released_and_its_lane_is_freed_by_cancelling(world: World) {
    let orphan = begun_elsewhere(&world, "wrap", Some("parcel-7")).await;
    let mut next = NewJob::new(id(), JobKind::Command, "pack", Json::from_text("{}"), world.now());
    next.order_key = Some(Key::from_text("parcel-7"));
    let next_id = next.id;
    world.store().submit(Vec::new(), vec![next]).await.unwrap();

    let runtime = world.builder().start().await.unwrap();
    pass_until(&world, "it is released", async || job(&runtime, orphan).await.state == JobState::Ready).await;
    let attempts = runtime.jobs().attempts(orphan).await.unwrap();
    assert_eq!(attempts[0].failure.as_ref().unwrap().kind(), FailureKind::Lost);
    assert_eq!(job(&runtime, next_id).await.state, JobState::Waiting);
    let orphans = runtime.jobs().orphans().await.unwrap();
    assert_eq!(orphans.iter().map(|live| (&*live.name, live.count)).collect::<Vec<_>>(), [("wrap", 1)]);

    runtime.jobs().cancel(orphan).await.unwrap();
    reaches(&runtime, next_id, JobState::Succeeded).await;
    assert_eq!(runtime.jobs().orphans().await.unwrap(), []);
}

async fn r07_a_running_orphan_can_be_cancelled(world: World) {
    let orphan = begun_elsewhere(&world, "wrap", None).await;
    let runtime = world.builder().start().await.unwrap();
    runtime.jobs().cancel(orphan).await.unwrap();
    assert_eq!(job(&runtime, orphan).await.state, JobState::Cancelled);
}

/// The store as a program leaves it that does not know `pack` and `send`.
async fn released_by_a_stranger(world: &World, name: &'static str) -> JobId {
    let orphan = begun_elsewhere(world, name, None).await;
    let store = world.store();
    let commit = {
        let running = store.running(&WorkerId::from_text("dead"), 10).await.unwrap().remove(0);
        let failure = Failure::new(FailureKind::Lost, "lost", "the lease expired");
        let mut attempt = enact::Attempt::begun(running.job.attempts, running.worker, running.started_at);
        (attempt.ended_at, attempt.failure) = (Some(world.now()), Some(failure));
        enact::store::Commit::ending(orphan, attempt, enact::store::Next::Retry(world.now()))
    };
    store.commit(commit).await.unwrap();
    orphan
}

async fn r07_a_released_job_without_a_retry_policy_is_not_run_again(world: World) {
    let orphan = released_by_a_stranger(&world, "pack").await;
    let runtime = world.builder().start().await.unwrap();
    let ended = reaches(&runtime, orphan, JobState::Failed).await;
    assert_eq!(ended.failure.unwrap().kind(), FailureKind::Lost);
}

async fn r07_a_released_job_with_a_retry_policy_runs_again(world: World) {
    let orphan = released_by_a_stranger(&world, "send").await;
    let runtime = world.builder().start().await.unwrap();
    reaches(&runtime, orphan, JobState::Succeeded).await;
    assert_eq!(runtime.jobs().attempts(orphan).await.unwrap().len(), 2);
}

on_every_store!(
    r07_a_running_orphan_of_a_dead_worker_is_released_and_its_lane_is_freed_by_cancelling,
    r07_a_running_orphan_can_be_cancelled,
    r07_a_released_job_without_a_retry_policy_is_not_run_again,
    r07_a_released_job_with_a_retry_policy_runs_again,
);
