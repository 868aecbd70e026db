//! Claims jobs as long as there are permits to run them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::select_all;
use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::attempt;
use super::engine::{Engine, POLL_INTERVAL};
use crate::store::{Claim, Claimed, StoreError};

/// The places among the executions of each queue.
pub(crate) struct QueuePermits {
    queues: Arc<HashMap<Arc<str>, usize>>,
    permits: Vec<Arc<Semaphore>>,
}

/// The places that were free, by queue: as many as the permit has; `None` if there is none.
type FreePermits = Vec<Option<OwnedSemaphorePermit>>;

/// How many places there are in some of a queue's.
fn places(free: Option<&OwnedSemaphorePermit>) -> usize {
    free.map_or(0, OwnedSemaphorePermit::num_permits)
}

impl QueuePermits {
    /// Which queue the jobs of each name are in, and how many jobs of each queue may run at a time.
    pub(crate) fn new(queues: Arc<HashMap<Arc<str>, usize>>, limits: &[usize]) -> Self {
        let room = |limit: &usize| Arc::new(Semaphore::new((*limit).min(Semaphore::MAX_PERMITS)));
        let permits = limits.iter().map(room).collect();
        Self { queues, permits }
    }

    /// Waits until there is a place in one of these queues, and keeps it for the one who asks.
    async fn first_free(&self, queues: &[usize]) -> (usize, OwnedSemaphorePermit) {
        let acquire = |queue: &usize| {
            let (queue, room) = (*queue, self.permits[*queue].clone());
            async move { (queue, room.acquire_owned().await) }.boxed()
        };
        match select_all(queues.iter().map(acquire)).await {
            ((queue, Ok(permit)), ..) => (queue, permit),
            // Nobody closes a room.
            ((_, Err(_)), ..) => std::future::pending().await,
        }
    }

    /// Everything that is free now.
    fn free(&self) -> FreePermits {
        let free = |room: &Arc<Semaphore>| {
            let all = u32::try_from(room.available_permits()).unwrap_or(u32::MAX);
            // Attempts only give places back, so what was free a moment ago still is.
            if all == 0 { None } else { room.clone().try_acquire_many_owned(all).ok() }
        };
        self.permits.iter().map(free).collect()
    }

    fn claim(&self, engine: &Engine, free: &FreePermits) -> Claim {
        Claim {
            worker: engine.worker.clone(),
            queues: self.queues.clone(),
            room: free.iter().map(|free| places(free.as_ref())).collect(),
            now: engine.clock.now(),
        }
    }

    fn all(&self) -> Vec<usize> {
        (0..self.permits.len()).collect()
    }
}

/// Claims jobs and runs them, as many of each queue at a time as it has room for, until the runtime stops.
pub(crate) async fn dispatch(engine: Arc<Engine>, permits: QueuePermits) {
    // The queues that may hold something that was not claimed.
    let mut unclaimed = permits.all();
    let mut next_due = None;
    loop {
        let first = tokio::select! {
            () = engine.stop.cancelled() => return,
            first = permits.first_free(&unclaimed), if !unclaimed.is_empty() => Some(first),
            () = wait_for_work(&engine, next_due) => None,
        };
        // Attempts whose commits were grouped end together: let them all make room, and claim once for all.
        tokio::task::yield_now().await;
        let mut free = permits.free();
        match first {
            None => unclaimed = permits.all(),
            Some((queue, permit)) => match &mut free[queue] {
                Some(others) => others.merge(permit),
                none => *none = Some(permit),
            },
        }
        if engine.stop.is_cancelled() {
            return;
        }
        if free.iter().all(Option::is_none) {
            // Until there is a place, it does not matter what is due.
            next_due = None;
            continue;
        }
        let claim = permits.claim(&engine, &free);
        let room = claim.room.clone();
        match begin(&engine, claim).await {
            Ok(claimed) => {
                next_due = claimed.next_due;
                for job in claimed.jobs {
                    let queue = permits.queues.get(&job.name).and_then(|queue| free[*queue].as_mut());
                    let permit = queue.and_then(|free| free.split(1));
                    engine.spawn(attempt::run(engine.clone(), job, permit));
                }
                // Where all the room was taken, or there was none, there may be more.
                let is_full = |queue: &usize| room[*queue] == 0 || places(free[*queue].as_ref()) == 0;
                unclaimed = permits.all().into_iter().filter(is_full).collect();
            }
            Err(error) => {
                tracing::error!("cannot claim jobs, and tries again: {error}");
                unclaimed.clear();
                next_due = None;
            }
        }
    }
}

async fn begin(engine: &Engine, claim: Claim) -> Result<Claimed, StoreError> {
    engine.ensure_lease().await?;
    engine.store.claim(claim).await
}

/// Claims the first ready job of one queue, given by its place in [`Plans::queues`](crate::wiring::Plans::queues), without
/// running it: for who runs it in a way of their own. Of no queue, it claims nothing, and learns what is due next.
pub(crate) async fn claim_one(engine: &Engine, queue: Option<usize>) -> Result<Claimed, StoreError> {
    let (queues, names) = engine.plans.queues();
    let room = (0..names.len()).map(|index| usize::from(queue == Some(index))).collect();
    let claim = Claim { worker: engine.worker.clone(), queues, room, now: engine.clock.now() };
    begin(engine, claim).await
}

/// Returns when there may be something to claim.
async fn wait_for_work(engine: &Engine, next_due: Option<Timestamp>) {
    // Read before the time of day: what passes in between is then not slept away.
    let begun = engine.clock.elapsed();
    // It may have come by now.
    let until =
        |due: Timestamp| Duration::try_from(due.duration_since(engine.clock.now())).unwrap_or_default();
    // Not longer, so that a step of the clock that brings a job's time nearer is noticed.
    let pause = next_due.map_or(POLL_INTERVAL, |due| until(due).min(POLL_INTERVAL));
    tokio::select! {
        () = engine.work.notified() => {}
        () = engine.clock.sleep_until(begun.saturating_add(pause)) => {}
    }
}
