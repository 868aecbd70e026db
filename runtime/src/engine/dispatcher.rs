//! Claims jobs as long as there are permits to run them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::select_all;
use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::arrival::Arrival;
use super::attempt;
use super::batches::{LONGEST_WAIT, SharedPermit};
use super::engine::{Engine, POLL_INTERVAL};
use crate::model::{HealthPart, Job, JobId};
use crate::store::{Batch, Claim, Claimable, Claimed, StoreError, unreadable_job};

/// The permits to run jobs, by queue.
pub(crate) struct QueuePermits {
    names: Arc<HashMap<Arc<str>, Claimable>>,
    semaphores: Vec<Arc<Semaphore>>,
}

/// The permits acquired from each queue, merged into one; `None` if there were none.
type AcquiredPermits = Vec<Option<OwnedSemaphorePermit>>;

fn count(permits: Option<&OwnedSemaphorePermit>) -> usize {
    permits.map_or(0, OwnedSemaphorePermit::num_permits)
}

impl QueuePermits {
    /// `names` says how jobs of each name are claimed, and `limits` how many jobs of each queue may run at a time.
    pub(crate) fn new(names: Arc<HashMap<Arc<str>, Claimable>>, limits: &[usize]) -> Self {
        let semaphore = |limit: &usize| Arc::new(Semaphore::new((*limit).min(Semaphore::MAX_PERMITS)));
        let semaphores = limits.iter().map(semaphore).collect();
        Self { names, semaphores }
    }

    /// Waits for a permit of any of these queues, and acquires it.
    async fn acquire_one(&self, queues: &[usize]) -> (usize, OwnedSemaphorePermit) {
        let acquire = |queue: &usize| {
            let (queue, semaphore) = (*queue, self.semaphores[*queue].clone());
            async move { (queue, semaphore.acquire_owned().await) }.boxed()
        };
        match select_all(queues.iter().map(acquire)).await {
            ((queue, Ok(permit)), ..) => (queue, permit),
            // The semaphores are never closed.
            ((_, Err(_)), ..) => std::future::pending().await,
        }
    }

    /// Acquires every permit that is available.
    fn acquire_available(&self) -> AcquiredPermits {
        let acquire = |semaphore: &Arc<Semaphore>| {
            let available = u32::try_from(semaphore.available_permits()).unwrap_or(u32::MAX);
            // Other tasks only release permits, so these are still available.
            if available == 0 { None } else { semaphore.clone().try_acquire_many_owned(available).ok() }
        };
        self.semaphores.iter().map(acquire).collect()
    }

    fn claim(&self, engine: &Engine, permits: &AcquiredPermits) -> Claim {
        Claim {
            worker: engine.worker.clone(),
            names: self.names.clone(),
            room: permits.iter().map(|permits| count(permits.as_ref())).collect(),
            batch: engine.batch_size.get(),
            now: engine.clock.now(),
        }
    }

    fn all_queues(&self) -> Vec<usize> {
        (0..self.semaphores.len()).collect()
    }
}

/// Claims jobs and runs them, within the permits of each queue, until the runtime stops.
pub(crate) async fn dispatch(engine: Arc<Engine>, permits: QueuePermits) {
    // The queues that may have ready jobs that were not claimed.
    let mut unclaimed = permits.all_queues();
    let mut next_due = None;
    loop {
        engine.health.dispatcher_runs();
        let first = tokio::select! {
            () = engine.stop.cancelled() => return,
            first = permits.acquire_one(&unclaimed), if !unclaimed.is_empty() => Some(first),
            () = wait_for_work(&engine, next_due) => None,
        };
        // Attempts whose commits were grouped end together: let all of them release their permits, and claim once.
        tokio::task::yield_now().await;
        let mut acquired = permits.acquire_available();
        match first {
            None => unclaimed = permits.all_queues(),
            Some((queue, permit)) => match &mut acquired[queue] {
                Some(others) => others.merge(permit),
                none => *none = Some(permit),
            },
        }
        if engine.stop.is_cancelled() {
            return;
        }
        if acquired.iter().all(Option::is_none) {
            // Due jobs cannot be claimed before a permit is released.
            next_due = None;
            continue;
        }
        let claim = permits.claim(&engine, &acquired);
        let room = claim.room.clone();
        match claim_jobs(&engine, claim).await {
            Ok(claimed) => {
                engine.health.works(&*engine.clock, HealthPart::Claims);
                next_due = claimed.next_due;
                spawn_attempts(&engine, &permits, &mut acquired, claimed.jobs, claimed.batches);
                // A queue without permits left may have more ready jobs.
                let is_full = |queue: &usize| room[*queue] == 0 || count(acquired[*queue].as_ref()) == 0;
                unclaimed = permits.all_queues().into_iter().filter(is_full).collect();
            }
            Err(error) => {
                engine.health.failed(&*engine.clock, HealthPart::Claims, error.into());
                unclaimed.clear();
                next_due = None;
            }
        }
    }
}

/// Spawns an attempt for each claimed job, under a permit, and for those that were claimed with one of them.
fn spawn_attempts(
    engine: &Arc<Engine>,
    permits: &QueuePermits,
    acquired: &mut AcquiredPermits,
    jobs: Vec<Job>,
    batches: Vec<Batch>,
) {
    let mut batches: HashMap<JobId, Vec<Job>> =
        batches.into_iter().map(|Batch { first, jobs }| (first, jobs)).collect();
    let spawn = |job, arrival| drop(engine.spawn(attempt::run(engine.clone(), job, arrival, None)));
    for job in jobs {
        let queue = permits.names.get(&job.name).map(|claimable| claimable.queue);
        let permit = queue.and_then(|queue| acquired[queue].as_mut()?.split(1));
        let Some(others) = batches.remove(&job.id) else {
            spawn(job, Arrival::Claimed(permit));
            continue;
        };
        let Some(entity) = engine.plans.job(&job.name).and_then(|plan| plan.entity_of(&job)) else {
            let (job_id, held) = (job.id, others.len());
            tracing::error!(job = %job_id, held, "the store has claimed jobs behind one that has no entity; they wait until this process has ended");
            spawn(job, Arrival::Claimed(permit));
            continue;
        };
        let batch = Arc::new(SharedPermit::new(engine.clock.elapsed().saturating_add(LONGEST_WAIT)));
        let line = || engine.locks.place_in_line(&entity);
        spawn(job, Arrival::FirstOfBatch { permit, line: line(), batch: Arc::downgrade(&batch) });
        for job in others {
            spawn(job, Arrival::InBatch { line: line(), batch: batch.clone() });
        }
    }
}

async fn claim_jobs(engine: &Engine, mut claim: Claim) -> Result<Claimed, StoreError> {
    engine.ensure_lease().await?;
    // Kept until the claim has returned: no due time is moved between this reading of the clock and the claim.
    let followed = engine.pauses.follow(engine).await?;
    claim.now = followed.now;
    let claimed = engine.store.claim(claim).await?;
    for job in &claimed.unreadable {
        let failure = unreadable_job(&job.unreadable);
        tracing::error!(job = %job.id, command = &*job.name, "a job has failed: {failure}");
        engine.waiters.announce(job.id, &Err(failure));
        // Their places are free, and the next jobs of their lanes may be ready.
        engine.work.notify_one();
    }
    Ok(claimed)
}

/// Claims the first ready job of one queue, an index into [`Plans::queues`](crate::wiring::Plans::queues), without running
/// it: for the test kit. With no queue it claims nothing, and returns when the next job is due.
pub(crate) async fn claim_one(engine: &Engine, queue: Option<usize>) -> Result<Claimed, StoreError> {
    let (names, queues) = engine.plans.claimable();
    let room = (0..queues.len()).map(|index| usize::from(queue == Some(index))).collect();
    let claim = Claim { worker: engine.worker.clone(), names, room, batch: 0, now: engine.clock.now() };
    claim_jobs(engine, claim).await
}

/// Returns when there may be a job to claim.
async fn wait_for_work(engine: &Engine, next_due: Option<Timestamp>) {
    // Read before the time of day, so that the time between the two reads is not slept twice.
    let start = engine.clock.elapsed();
    let until =
        |due: Timestamp| Duration::try_from(due.duration_since(engine.clock.now())).unwrap_or_default();
    // A step of the clock may bring a due time nearer, so sleeps are short.
    let pause = next_due.map_or(POLL_INTERVAL, |due| until(due).min(POLL_INTERVAL));
    let end = start.saturating_add(pause);
    // The end of a pause comes whatever the wall clock is.
    let end = engine.pauses.next_end(start).map_or(end, |next| next.min(end));
    tokio::select! {
        () = engine.work.notified() => {}
        () = engine.store.wait_for_work() => {}
        () = engine.clock.sleep_until(end) => {}
    }
}
