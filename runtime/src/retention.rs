use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::store::{Prune, Pruned, StoreError};

/// How many jobs are looked at, and how many events deleted, in one transaction.
const AT_ONCE: usize = 1000;

/// How long things are kept that are over. By default, for ever.
///
/// ```
/// # use std::time::Duration;
/// # use enact::Retention;
/// let retention = Retention::new()
///     .succeeded(Duration::from_hours(24))
///     .failed(Duration::from_hours(24 * 90));
/// ```
///
/// A job goes with its attempts and its idempotency key: the same request is taken again after that (r25). What another job
/// waits for stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    succeeded: Option<Duration>,
    failed: Option<Duration>,
    cancelled: Option<Duration>,
    events: Option<Duration>,
}

impl Retention {
    /// Keeps everything.
    pub const fn new() -> Self {
        Self { succeeded: None, failed: None, cancelled: None, events: None }
    }

    /// Keeps jobs that have ended, in whatever state, this long after their end.
    #[must_use]
    pub const fn ended(self, age: Duration) -> Self {
        self.succeeded(age).failed(age).cancelled(age)
    }

    /// Keeps jobs that have succeeded this long after that.
    #[must_use]
    pub const fn succeeded(mut self, age: Duration) -> Self {
        self.succeeded = Some(age);
        self
    }

    /// Keeps jobs that have failed this long after that; until then they can be [retried](crate::Jobs::retry).
    #[must_use]
    pub const fn failed(mut self, age: Duration) -> Self {
        self.failed = Some(age);
        self
    }

    /// Keeps jobs that were cancelled this long after that.
    #[must_use]
    pub const fn cancelled(mut self, age: Duration) -> Self {
        self.cancelled = Some(age);
        self
    }

    /// Keeps events this long after they were emitted. A relay that has not passed them on by then never will.
    #[must_use]
    pub const fn events(mut self, age: Duration) -> Self {
        self.events = Some(age);
        self
    }

    /// How often to look for what is old enough; `None` if nothing ever is.
    pub(crate) fn interval(&self) -> Option<Duration> {
        let shortest =
            [self.succeeded, self.failed, self.cancelled, self.events].into_iter().flatten().min()?;
        Some((shortest / 10).clamp(Duration::from_secs(1), Duration::from_secs(60)))
    }
}

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
