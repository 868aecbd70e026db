//! What a runtime does by itself: claims jobs as long as it has room, and looks after leases.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Semaphore;

use crate::attempt;
use crate::clock::after;
use crate::engine::Engine;
use crate::store::{Claim, Claimed, StoreError};

/// In this process, who publishes wakes the worker. What other processes have published in the same store is looked for
/// this often.
pub(crate) const LOOK_ELSEWHERE: Duration = Duration::from_secs(1);

/// How many lost attempts are given up at a time.
const LOST_AT_ONCE: usize = 1000;

/// Claims jobs and runs them, up to `concurrency` at a time, until the runtime stops.
pub(crate) async fn dispatch(engine: Arc<Engine>, concurrency: usize) {
    let room = Arc::new(Semaphore::new(concurrency));
    let names = engine.plans.job_names();
    loop {
        let first = tokio::select! {
            () = engine.stop.cancelled() => return,
            Ok(first) = room.clone().acquire_owned() => first,
        };
        // Attempts whose commits were grouped end together: let them all make room, and claim once for all.
        tokio::task::yield_now().await;
        let mut slots = vec![first];
        slots.extend(std::iter::from_fn(|| room.clone().try_acquire_owned().ok()));
        if engine.stop.is_cancelled() {
            return;
        }
        let limit = slots.len();
        let claim =
            Claim { worker: engine.worker.clone(), names: names.clone(), limit, now: engine.clock.now() };
        let (claimed, next_look) = match begin(&engine, claim).await {
            Ok(Claimed { jobs, next_due }) => (jobs, next_due),
            Err(error) => {
                tracing::error!("cannot claim jobs, and tries again: {error}");
                (Vec::new(), None)
            }
        };
        let is_drained = claimed.len() < limit;
        for (job, slot) in claimed.into_iter().zip(slots) {
            engine.spawn(attempt::run(engine.clone(), job, Some(slot)));
        }
        if is_drained {
            wait_for_work(&engine, next_look).await;
        }
    }
}

async fn begin(engine: &Engine, claim: Claim) -> Result<Claimed, StoreError> {
    engine.ensure_lease().await?;
    engine.store.claim(claim).await
}

/// Returns when there may be something to claim, and when the runtime stops.
async fn wait_for_work(engine: &Engine, next_due: Option<Timestamp>) {
    let look = after(engine.clock.now(), LOOK_ELSEWHERE);
    tokio::select! {
        () = engine.stop.cancelled() => {}
        () = engine.work.notified() => {}
        () = engine.clock.sleep_until(next_due.map_or(look, |due| due.min(look))) => {}
    }
}

/// Renews the lease while attempts are under way, and ends those of workers that are no longer heard of (r23), until
/// the runtime has stopped and nothing runs any more.
pub(crate) async fn keep_leases(engine: Arc<Engine>) {
    loop {
        // Counted from before the store is asked: a slow answer does not put the next renewal off.
        let next = after(engine.clock.now(), engine.lease.length / 4);
        if let Err(error) = keep_leases_once(&engine).await {
            tracing::error!("cannot look after leases, and tries again: {error}");
        }
        tokio::select! {
            () = engine.attempts.wait() => return,
            () = engine.abort.cancelled() => return,
            () = engine.clock.sleep_until(next) => {}
        }
    }
}

async fn keep_leases_once(engine: &Engine) -> Result<(), StoreError> {
    if !engine.attempts.is_empty() {
        engine.ensure_lease().await?;
    }
    for lost in engine.store.lapsed(engine.clock.now(), LOST_AT_ONCE).await? {
        // What runs here is alive, however late its lease was renewed.
        if lost.worker != engine.worker {
            attempt::give_up(engine, lost).await?;
        }
    }
    Ok(())
}
