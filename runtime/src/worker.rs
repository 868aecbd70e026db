//! What a runtime does by itself: claims jobs as long as it has room, and looks after leases.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::select_all;
use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

use crate::attempt;
use crate::engine::{AttemptId, Engine};
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

/// The places that were free, by queue: as many as the permit has; `None` if there is none.
type Slots = Vec<Option<OwnedSemaphorePermit>>;

/// How many places there are in some of a queue's.
fn places(slots: Option<&OwnedSemaphorePermit>) -> usize {
    slots.map_or(0, OwnedSemaphorePermit::num_permits)
}

impl Rooms {
    /// Which queue the jobs of each name are in, and how many jobs of each queue may run at a time.
    pub(crate) fn new(queues: Arc<HashMap<Arc<str>, usize>>, limits: &[usize]) -> Self {
        let room = |limit: &usize| Arc::new(Semaphore::new((*limit).min(Semaphore::MAX_PERMITS)));
        let rooms = limits.iter().map(room).collect();
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
        let free = |room: &Arc<Semaphore>| {
            let all = u32::try_from(room.available_permits()).unwrap_or(u32::MAX);
            // Attempts only give places back, so what was free a moment ago still is.
            if all == 0 { None } else { room.clone().try_acquire_many_owned(all).ok() }
        };
        self.rooms.iter().map(free).collect()
    }

    fn claim(&self, engine: &Engine, slots: &Slots) -> Claim {
        Claim {
            worker: engine.worker.clone(),
            queues: self.queues.clone(),
            room: slots.iter().map(|slots| places(slots.as_ref())).collect(),
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
            None => unclaimed = rooms.all(),
            Some((queue, slot)) => match &mut slots[queue] {
                Some(others) => others.merge(slot),
                none => *none = Some(slot),
            },
        }
        if engine.stop.is_cancelled() {
            return;
        }
        if slots.iter().all(Option::is_none) {
            // Until there is a place, it does not matter what is due.
            next_due = None;
            continue;
        }
        let claim = rooms.claim(&engine, &slots);
        let room = claim.room.clone();
        match begin(&engine, claim).await {
            Ok(claimed) => {
                next_due = claimed.next_due;
                for job in claimed.jobs {
                    let queue = rooms.queues.get(&job.name).and_then(|queue| slots[*queue].as_mut());
                    let slot = queue.and_then(|slots| slots.split(1));
                    engine.spawn(attempt::run(engine.clone(), job, slot));
                }
                // Where all the room was taken, or there was none, there may be more.
                let is_full = |queue: &usize| room[*queue] == 0 || places(slots[*queue].as_ref()) == 0;
                unclaimed = rooms.all().into_iter().filter(is_full).collect();
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
    // Read before the time of day: what passes in between is then not slept away.
    let begun = engine.clock.elapsed();
    // It may have come by now.
    let until =
        |due: Timestamp| Duration::try_from(due.duration_since(engine.clock.now())).unwrap_or_default();
    // Not longer, so that a step of the clock that brings a job's time nearer is noticed.
    let pause = next_due.map_or(LOOK_ELSEWHERE, |due| until(due).min(LOOK_ELSEWHERE));
    tokio::select! {
        () = engine.work.notified() => {}
        () = engine.clock.sleep_until(begun.saturating_add(pause)) => {}
    }
}

/// Keeps this worker's lease, and an eye on the others', until the runtime has stopped and nothing runs any more.
pub(crate) async fn keep_leases(engine: Arc<Engine>, dispatcher: TaskTracker) {
    let interval = (engine.lease.length / 4).min(LOOK_ELSEWHERE);
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
    for lapsed in engine.sightings.look(leases, engine.clock.elapsed()) {
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
    let under_way = engine.under_way.all();
    if !under_way.is_disjoint(seen) {
        let running = engine.store.running(&engine.worker, usize::MAX).await?;
        let on_record: HashSet<_> = running
            .iter()
            .map(|running| AttemptId { job: running.job.id, number: running.job.attempts })
            .collect();
        for attempt in under_way.intersection(seen).filter(|attempt| !on_record.contains(attempt)) {
            engine.under_way.signal(*attempt);
        }
    }
    *seen = under_way;
    Ok(())
}
