//! Deletes the ended jobs and the events that are older than the retention.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::engine::Engine;
use super::retention::Retention;
use crate::model::HealthPart;
use crate::store::{Prune, Pruned, StoreError};

/// How many jobs are examined, and how many events deleted, in one transaction.
const PAGE: usize = 1000;

/// Prunes regularly until the runtime stops.
pub(crate) async fn prune_regularly(engine: Arc<Engine>, retention: Retention, interval: Duration) {
    let regularly = async {
        loop {
            let next = engine.clock.elapsed().saturating_add(interval);
            engine.note(HealthPart::Retention, &prune(&engine, &retention).await);
            engine.clock.sleep_until(next).await;
        }
    };
    tokio::select! {
        () = engine.stop.cancelled() => {}
        () = regularly => {}
    }
}

/// Deletes the jobs and events that are older than the retention.
pub(crate) async fn prune(engine: &Engine, retention: &Retention) -> Result<(), StoreError> {
    prune_jobs(engine, retention).await?;
    if let Some(age) = retention.events {
        prune_events(engine, cutoff(engine, age)).await?;
    }
    Ok(())
}

/// Deletes the jobs that are older than the retention, and returns how many.
pub(crate) async fn prune_jobs(engine: &Engine, retention: &Retention) -> Result<u64, StoreError> {
    let Retention { succeeded, failed, cancelled, events: _ } = *retention;
    let cutoff = |age: Option<Duration>| age.map(|age| cutoff(engine, age));
    let mut prune = Prune {
        succeeded_before: cutoff(succeeded),
        failed_before: cutoff(failed),
        cancelled_before: cutoff(cancelled),
        now: engine.clock.now(),
        after: None,
        limit: PAGE,
    };
    let mut deleted = 0;
    if prune.horizon().is_none() {
        return Ok(deleted);
    }
    loop {
        let pruned: Pruned = engine.store.prune(prune.clone()).await?;
        deleted += pruned.deleted;
        if pruned.next.is_none() {
            return Ok(deleted);
        }
        prune.after = pruned.next;
    }
}

/// Deletes the events that were emitted before this time, and returns how many.
pub(crate) async fn prune_events(engine: &Engine, before: Timestamp) -> Result<u64, StoreError> {
    let mut deleted = 0;
    loop {
        let page = engine.store.prune_events(before, engine.clock.now(), PAGE).await?;
        deleted += page;
        if page < PAGE as u64 {
            return Ok(deleted);
        }
    }
}

/// What ended before this time is older than `age`.
fn cutoff(engine: &Engine, age: Duration) -> Timestamp {
    engine.clock.now().checked_sub(age).unwrap_or(Timestamp::MIN)
}
