//! What a runtime does by itself: claims jobs as long as it has room, and looks after leases.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::select_all;
use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

use crate::JobId;
use crate::attempt;
use crate::engine::Engine;
use crate::store::{Claim, Claimed, StoreError};

/// In this process, who publishes wakes the worker. What other processes have done in the same store is looked for this
/// often.
pub(crate) const LOOK_ELSEWHERE: Duration = Duration::from_secs(1);

/// How many lost attempts are given up at a time.
const LOST_AT_ONCE: usize = 1000;

/// The places among the executions of each queue.
pub(crate) struct Rooms {
    queues: Arc<HashMap<Arc<str>, usize>>,
    rooms: Vec<Arc<Semaphore>>,
}

/// The places that were free, by queue.
type Slots = Vec<Vec<OwnedSemaphorePermit>>;

impl Rooms {
    /// Which queue the jobs of each name are in, and how many jobs of each queue may run at a time.
    pub(crate) fn new(queues: Arc<HashMap<Arc<str>, usize>>, limits: &[usize]) -> Self {
        let rooms = limits.iter().map(|limit| Arc::new(Semaphore::new(*limit))).collect();
        Self { queues, rooms }
    }

    /// Waits until there is a place in one of these queues, and keeps it for the one who asks.
    async fn first_free(&self, queues: &[usize]) -> (usize, OwnedSemaphorePermit) {
        let acquire = |queue: &usize| {
            let (queue, room) = (*queue, self.rooms[*queue].clone());
            async move { (queue, room.acquire_owned().await) }.boxed()
        };
        match select_all(queues.iter().map(acquire)).await {
            ((queue, Ok(slot)), ..) => (queue, slot),
            // Nobody closes a room.
            ((_, Err(_)), ..) => std::future::pending().await,
        }
    }

    /// Everything that is free now.
    fn free(&self) -> Slots {
        let free =
            |room: &Arc<Semaphore>| std::iter::from_fn(|| room.clone().try_acquire_owned().ok()).collect();
        self.rooms.iter().map(free).collect()
    }

    fn claim(&self, engine: &Engine, slots: &Slots) -> Claim {
        Claim {
            worker: engine.worker.clone(),
            queues: self.queues.clone(),
            room: slots.iter().map(Vec::len).collect(),
            now: engine.clock.now(),
        }
    }

    fn all(&self) -> Vec<usize> {
        (0..self.rooms.len()).collect()
    }
}

/// Claims jobs and runs them, as many of each queue at a time as it has room for, until the runtime stops.
pub(crate) async fn dispatch(engine: Arc<Engine>, rooms: Rooms) {
    // The queues that may hold something that was not claimed.
    let mut unclaimed = rooms.all();
    let mut next_due = None;
    loop {
        let first = tokio::select! {
            () = engine.stop.cancelled() => return,
            first = rooms.first_free(&unclaimed), if !unclaimed.is_empty() => Some(first),
            () = wait_for_work(&engine, next_due) => None,
        };
        // Attempts whose commits were grouped end together: let them all make room, and claim once for all.
        tokio::task::yield_now().await;
        let mut slots = rooms.free();
        match first {
            Some((queue, slot)) => slots[queue].push(slot),
            None => unclaimed = rooms.all(),
        }
        if engine.stop.is_cancelled() {
            return;
        }
        if slots.iter().all(Vec::is_empty) {
            continue;
        }
        let claim = rooms.claim(&engine, &slots);
        let room = claim.room.clone();
        match begin(&engine, claim).await {
            Ok(claimed) => {
                next_due = claimed.next_due;
                for job in claimed.jobs {
                    let slot = rooms.queues.get(&job.name).and_then(|queue| slots[*queue].pop());
                    engine.spawn(attempt::run(engine.clone(), job, slot));
                }
                // Where all the room was taken there may be more.
                unclaimed.retain(|queue| room[*queue] == 0 || slots[*queue].is_empty());
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

/// Claims the first ready job of one queue, given by its place in [`Plans::queues`](crate::plans::Plans::queues), without
/// running it: for who runs it in a way of their own. Of no queue, it claims nothing, and learns what is due next.
pub(crate) async fn claim_one(engine: &Engine, queue: Option<usize>) -> Result<Claimed, StoreError> {
    let (queues, names) = engine.plans.queues();
    let room = (0..names.len()).map(|index| usize::from(queue == Some(index))).collect();
    let claim = Claim { worker: engine.worker.clone(), queues, room, now: engine.clock.now() };
    begin(engine, claim).await
}

/// Returns when there may be something to claim.
async fn wait_for_work(engine: &Engine, next_due: Option<Timestamp>) {
    // It may have come by now.
    let until =
        |due: Timestamp| Duration::try_from(due.duration_since(engine.clock.now())).unwrap_or_default();
    // Not longer, so that a step of the clock that brings a job's time nearer is noticed.
    let pause = next_due.map_or(LOOK_ELSEWHERE, |due| until(due).min(LOOK_ELSEWHERE));
    tokio::select! {
        () = engine.work.notified() => {}
        () = engine.clock.sleep_until(engine.clock.elapsed() + pause) => {}
    }
}

/// Renews the lease while attempts are under way, ends those of workers that are no longer heard of (r23), and tells those
/// that are no longer wanted, until the runtime has stopped and nothing runs any more.
pub(crate) async fn keep_leases(engine: Arc<Engine>, dispatcher: TaskTracker) {
    let all_ended = engine.all_ended(&dispatcher);
    tokio::pin!(all_ended);
    let mut seen = Vec::new();
    loop {
        // Counted from before the store is asked: a slow answer does not put the next renewal off.
        let next = engine.clock.elapsed() + (engine.lease.length / 4).min(LOOK_ELSEWHERE);
        if let Err(error) = keep_leases_once(&engine, &mut seen).await {
            tracing::error!("cannot look after leases, and tries again: {error}");
        }
        tokio::select! {
            () = &mut all_ended => break,
            () = engine.dead.cancelled() => return,
            () = engine.clock.sleep_until(next) => {}
        }
    }
    if let Err(error) = engine.store.retire(&engine.worker).await {
        tracing::warn!("this worker's lease stays on record: {error}");
    }
}

/// `seen` are the attempts that were under way at the last look.
pub(crate) async fn keep_leases_once(engine: &Engine, seen: &mut Vec<JobId>) -> Result<(), StoreError> {
    if !engine.attempts.is_empty() {
        engine.ensure_lease().await?;
    }
    give_up_lost(engine).await?;
    signal_unwanted(engine, seen).await
}

/// Ends the attempts of workers that are no longer heard of.
async fn give_up_lost(engine: &Engine) -> Result<(), StoreError> {
    let mut leases = engine.store.leases().await?;
    // What runs here is alive, however late its lease was renewed.
    leases.retain(|lease| lease.worker != engine.worker);
    for lapsed in engine.sightings.look(leases, engine.clock.elapsed()) {
        let lost = engine.store.running(&lapsed.worker, LOST_AT_ONCE).await?;
        let are_all = lost.len() < LOST_AT_ONCE;
        for lost in lost {
            attempt::give_up(engine, lost, lapsed.renewals).await?;
        }
        if are_all {
            engine.store.retire(&lapsed.worker).await?;
        }
    }
    Ok(())
}

/// Tells attempts that have been under way for a while, and are so no longer on record: another process has called their
/// jobs off (r24), or has given them up.
async fn signal_unwanted(engine: &Engine, seen: &mut Vec<JobId>) -> Result<(), StoreError> {
    let under_way = engine.under_way.all();
    let mut lasting: Vec<_> = under_way.iter().filter(|job| seen.contains(job)).copied().collect();
    if !lasting.is_empty() {
        let on_record = engine.store.running(&engine.worker, usize::MAX).await?;
        lasting.retain(|job| !on_record.iter().any(|running| running.job.id == *job));
        for unwanted in lasting {
            engine.under_way.signal(unwanted);
        }
    }
    *seen = under_way;
    Ok(())
}
