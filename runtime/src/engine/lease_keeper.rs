//! Renews this worker's lease, and rescues the attempts of workers whose lease has expired.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use std::{io, thread};

use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::attempt;
use super::engine::{Engine, POLL_INTERVAL};
use super::long_polls;
use super::running_attempts::AttemptId;
use crate::model::{Failure, FailureKind, HealthPart, JobState};
use crate::store::{RunningJob, StoreError};

/// How many attempts of one worker are rescued at once.
const RESCUE_PAGE: usize = 1000;

/// Starts the thread that keeps this worker's lease and watches the others', until the runtime has stopped and no attempt runs. It drops
/// `running` when it ends.
///
/// Handlers that block every thread of the program's tokio runtime do not block this one, so their worker keeps its lease.
pub(crate) fn start(
    engine: Arc<Engine>,
    dispatcher: TaskTracker,
    running: TaskTrackerToken,
) -> io::Result<()> {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let keep = move || {
        // Dropped in reverse order: who waits for the end of the thread finds the engine released.
        let _running = running;
        let engine = engine;
        tokio.block_on(keep_leases(&engine, &dispatcher));
    };
    thread::Builder::new().name("enact-lease".to_owned()).spawn(keep).map(drop)
}

async fn keep_leases(engine: &Engine, dispatcher: &TaskTracker) {
    // How often to look. `LeaseRenewal::ensure` renews only when less than half of the lease is left.
    let interval = (engine.lease.length / 4).min(POLL_INTERVAL);
    tokio::select! {
        () = engine.all_ended(dispatcher) => {}
        () = engine.dead.cancelled() => return,
        // Concurrent, so that a slow check of the others does not delay a renewal.
        () = renew_regularly(engine, interval) => {}
        () = check_regularly(engine, interval) => {}
        () = look_regularly(engine, interval) => {}
    }
    store_late_calls(engine).await;
    if let Err(error) = engine.store.retire(&engine.worker, engine.lease.renewals()).await {
        let failure = Failure::from(error);
        tracing::warn!(worker = %engine.worker, "cannot delete this worker's lease; it stays until it expires: {failure}");
    }
}

async fn renew_regularly(engine: &Engine, interval: Duration) {
    loop {
        // Taken before the renewal, so that a slow store does not put off the next one.
        let next = engine.clock.elapsed().saturating_add(interval);
        // What fails is noted by the engine.
        let _ = renew(engine).await;
        engine.clock.sleep_until(next).await;
    }
}

async fn check_regularly(engine: &Engine, interval: Duration) {
    let mut seen = HashSet::new();
    loop {
        let next = engine.clock.elapsed().saturating_add(interval);
        let checked = check(engine, &mut seen).await;
        engine.note(HealthPart::Rescues, &checked);
        store_late_calls(engine).await;
        engine.clock.sleep_until(next).await;
    }
}

/// Stores the numbers of late calls with their attempts.
async fn store_late_calls(engine: &Engine) {
    let late = engine.late_calls.take(&engine.running);
    if late.is_empty() {
        return;
    }
    if let Err(error) = engine.store.add_late_effects(late.clone()).await {
        engine.health.failed(&*engine.clock, HealthPart::Commits, error.into());
        engine.late_calls.put_back(late);
    }
}

/// Reports what stalls. It waits for nothing but time.
async fn look_regularly(engine: &Engine, interval: Duration) {
    loop {
        let now = engine.clock.elapsed();
        long_polls::report_current(engine, now);
        if !engine.attempts.is_empty() && engine.lease.has_expired(now) {
            let message = "the lease has expired, as the store has not renewed it; other processes rescue the attempts of this one";
            let failure = Failure::new(FailureKind::Unavailable, "lease_expired", message);
            engine.health.failed(&*engine.clock, HealthPart::Lease, failure);
        }
        engine.health.look(&*engine.clock, engine.stop.is_cancelled());
        engine.clock.sleep_until(now.saturating_add(interval)).await;
    }
}

/// Renews the lease if attempts are running, or if the last renewal has failed, to notice when the store works again.
pub(crate) async fn renew(engine: &Engine) -> Result<(), StoreError> {
    let must_hold = !engine.attempts.is_empty() || engine.health.has_failed(HealthPart::Lease);
    if must_hold { engine.ensure_lease().await } else { Ok(()) }
}

/// Follows a step of the wall clock, rescues the attempts of workers whose lease has expired, and signals the attempts here that another
/// process has ended. `seen` holds the attempts that ran at the previous check.
pub(crate) async fn check(engine: &Engine, seen: &mut HashSet<AttemptId>) -> Result<(), StoreError> {
    engine.pauses.follow(engine).await?;
    rescue_expired(engine).await?;
    cancel_ended_elsewhere(engine, seen).await
}

/// Rescues the attempts of workers whose lease has expired, and deletes the leases: also those of workers that died idle, so that
/// their number does not grow. A living worker that was idle stores its lease again before it begins an attempt.
async fn rescue_expired(engine: &Engine) -> Result<(), StoreError> {
    let mut leases = engine.store.leases().await?;
    // This worker is alive, however late its lease was renewed.
    leases.retain(|lease| lease.worker != engine.worker);
    for expired in engine.lease_observations.observe(leases, engine.clock.elapsed()) {
        for running in engine.store.running(&expired.worker, RESCUE_PAGE).await? {
            attempt::rescue(engine, running, expired.renewals).await?;
        }
        // This leaves the lease if it was renewed after all, or if the worker runs jobs that this program does not know.
        engine.store.retire(&expired.worker, expired.renewals).await?;
    }
    Ok(())
}

/// Signals attempts that run here and not in the store: another process has cancelled the job or rescued the attempt.
/// An attempt counts from its second check on, as its start may not have been stored at the first.
async fn cancel_ended_elsewhere(engine: &Engine, seen: &mut HashSet<AttemptId>) -> Result<(), StoreError> {
    let running = engine.running.ids();
    if !running.is_disjoint(seen) {
        let stored = engine.store.running(&engine.worker, usize::MAX).await?;
        let stored: HashSet<_> = stored
            .iter()
            .filter(|RunningJob { job, .. }| job.state != JobState::Cancelled)
            .map(|RunningJob { job, .. }| AttemptId {
                job: job.id,
                // A job in line for its entity is ready: its attempt has not begun.
                number: job.attempts + u32::from(job.state == JobState::Ready),
            })
            .collect();
        for attempt in running.intersection(seen).filter(|attempt| !stored.contains(attempt)) {
            engine.running.cancel(*attempt);
        }
    }
    *seen = running;
    Ok(())
}
