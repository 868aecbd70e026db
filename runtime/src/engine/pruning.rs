//! Deletes ended jobs and old events, as a retention says.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::engine::Engine;
use super::retention::Retention;
use crate::store::{Prune, Pruned, StoreError};

/// How many jobs are looked at, and how many events deleted, in one transaction.
const AT_ONCE: usize = 1000;

/// Deletes what is old enough, again and again, until the runtime stops.
pub(crate) async fn prune_regularly(engine: Arc<Engine>, retention: Retention, interval: Duration) {
    let regularly = async {
        loop {
            let next = engine.clock.elapsed() + interval;
            if let Err(error) = prune(&engine, &retention).await {
                tracing::error!("cannot delete what is old enough, and tries again: {error}");
            }
            engine.clock.sleep_until(next).await;
        }
    };
    tokio::select! {
        () = engine.stop.cancelled() => {}
        () = regularly => {}
    }
}

/// Deletes what is old enough now.
pub(crate) async fn prune(engine: &Engine, retention: &Retention) -> Result<(), StoreError> {
    prune_jobs(engine, retention).await?;
    if let Some(age) = retention.events {
        prune_events(engine, before(engine, age)).await?;
    }
    Ok(())
}

/// Deletes the jobs that are old enough. Answers how many.
pub(crate) async fn prune_jobs(engine: &Engine, retention: &Retention) -> Result<u64, StoreError> {
    let Retention { succeeded, failed, cancelled, events: _ } = *retention;
    let before = |age: Option<Duration>| age.map(|age| before(engine, age));
    let mut prune = Prune {
        succeeded_before: before(succeeded),
        failed_before: before(failed),
        cancelled_before: before(cancelled),
        now: engine.clock.now(),
        after: None,
        limit: AT_ONCE,
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

/// Deletes events that were emitted before this time. Answers how many.
pub(crate) async fn prune_events(engine: &Engine, before: Timestamp) -> Result<u64, StoreError> {
    let mut deleted = 0;
    loop {
        let page = engine.store.prune_events(before, engine.clock.now(), AT_ONCE).await?;
        deleted += page;
        if page < AT_ONCE as u64 {
            return Ok(deleted);
        }
    }
}

/// The time before which something must have ended to be older than this.
fn before(engine: &Engine, age: Duration) -> Timestamp {
    engine.clock.now().checked_sub(age).unwrap_or(Timestamp::MIN)
}
