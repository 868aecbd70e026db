//! Renews this worker's lease, and rescues the attempts of workers whose lease has expired.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::TaskTracker;

use super::attempt;
use super::engine::{Engine, POLL_INTERVAL};
use super::running_attempts::AttemptId;
use crate::store::StoreError;

/// How many lost attempts are given up at a time.
const LOST_AT_ONCE: usize = 1000;

/// Keeps this worker's lease, and an eye on the others', until the runtime has stopped and nothing runs any more.
pub(crate) async fn keep_leases(engine: Arc<Engine>, dispatcher: TaskTracker) {
    let interval = (engine.lease.length / 4).min(POLL_INTERVAL);
    tokio::select! {
        () = engine.all_ended(&dispatcher) => {}
        () = engine.dead.cancelled() => return,
        // Apart from each other: a look that takes long keeps no lease from being renewed.
        () = keep_renewing(&engine, interval) => {}
        () = keep_looking(&engine, interval) => {}
    }
    if let Err(error) = engine.store.retire(&engine.worker, engine.lease.renewals().await).await {
        tracing::warn!("this worker's lease stays on record: {error}");
    }
}

/// Renews the lease again and again.
async fn keep_renewing(engine: &Engine, interval: Duration) {
    loop {
        // Counted from before the store is asked: a slow answer does not put the next time off.
        let next = engine.clock.elapsed().saturating_add(interval);
        if let Err(error) = renew(engine).await {
            tracing::error!("cannot renew the lease, and tries again: {error}");
        }
        engine.clock.sleep_until(next).await;
    }
}

/// Has a look at the others again and again.
async fn keep_looking(engine: &Engine, interval: Duration) {
    let mut seen = HashSet::new();
    loop {
        let next = engine.clock.elapsed().saturating_add(interval);
        if let Err(error) = look(engine, &mut seen).await {
            tracing::error!("cannot look after leases, and tries again: {error}");
        }
        engine.clock.sleep_until(next).await;
    }
}

/// Renews the lease while attempts are under way.
pub(crate) async fn renew(engine: &Engine) -> Result<(), StoreError> {
    if engine.attempts.is_empty() { Ok(()) } else { engine.ensure_lease().await }
}

/// Ends the attempts of workers that are no longer heard of (r23), and tells those here that are no longer wanted. `seen`
/// are the attempts that were under way at the last look.
pub(crate) async fn look(engine: &Engine, seen: &mut HashSet<AttemptId>) -> Result<(), StoreError> {
    give_up_lost(engine).await?;
    signal_unwanted(engine, seen).await
}

/// Ends the attempts of workers that are no longer heard of.
async fn give_up_lost(engine: &Engine) -> Result<(), StoreError> {
    let mut leases = engine.store.leases().await?;
    // What runs here is alive, however late its lease was renewed.
    leases.retain(|lease| lease.worker != engine.worker);
    for lapsed in engine.lease_observations.look(leases, engine.clock.elapsed()) {
        for lost in engine.store.running(&lapsed.worker, LOST_AT_ONCE).await? {
            attempt::give_up(engine, lost, lapsed.renewals).await?;
        }
        // Unless it has renewed its lease after all, or runs something that is for others to judge.
        engine.store.retire(&lapsed.worker, lapsed.renewals).await?;
    }
    Ok(())
}

/// Tells attempts that have been under way for a while, and are so no longer on record: another process has called their
/// jobs off (r24), or has given them up.
async fn signal_unwanted(engine: &Engine, seen: &mut HashSet<AttemptId>) -> Result<(), StoreError> {
    let under_way = engine.running.all();
    if !under_way.is_disjoint(seen) {
        let running = engine.store.running(&engine.worker, usize::MAX).await?;
        let on_record: HashSet<_> = running
            .iter()
            .map(|running| AttemptId { job: running.job.id, number: running.job.attempts })
            .collect();
        for attempt in under_way.intersection(seen).filter(|attempt| !on_record.contains(attempt)) {
            engine.running.signal(*attempt);
        }
    }
    *seen = under_way;
    Ok(())
}
