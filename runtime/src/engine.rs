use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::context::{Capabilities, ExecutionContext};
use crate::ids::Ids;
use crate::locks::EntityLocks;
use crate::plans::Plans;
use crate::store::{self, Store, StoreError};
use crate::testing::{Faults, Point};
use crate::wiring::Wiring;
use crate::{Failure, FailureKind, Job, JobId, JobState, Json, WorkerId};

/// What the parts of a running runtime share.
pub(crate) struct Engine {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) plans: Plans,
    pub(crate) wiring: Wiring,
    pub(crate) capabilities: Capabilities,
    pub(crate) locks: EntityLocks,
    pub(crate) endings: Endings,
    pub(crate) overrides: Overrides,
    pub(crate) ids: Ids,
    pub(crate) worker: WorkerId,
    pub(crate) lease: Lease,
    pub(crate) sightings: Sightings,
    pub(crate) under_way: UnderWay,
    /// How many jobs of one name may be queued before the boundary is told to wait.
    pub(crate) max_queued: u64,
    /// What tests have asked to go wrong.
    pub(crate) faults: Option<Arc<Faults>>,
    /// Told when there may be something to claim.
    pub(crate) work: Notify,
    /// The attempts that are under way.
    pub(crate) attempts: TaskTracker,
    /// Nothing new begins.
    pub(crate) stop: CancellationToken,
    /// What is under way is dropped, and given back.
    pub(crate) abort: CancellationToken,
    /// Nothing is done any more, as if the process had died: for tests.
    pub(crate) dead: CancellationToken,
}

impl Engine {
    /// Refuses what would begin after a shutdown.
    pub(crate) fn check_running(&self) -> Result<(), Failure> {
        if self.stop.is_cancelled() {
            let message = "the runtime has shut down and takes nothing more";
            return Err(Failure::new(FailureKind::Unavailable, "shut_down", message));
        }
        Ok(())
    }

    /// Runs an attempt in a task of its own. What tasks are made of is moved several times, and an attempt is some
    /// kilobytes: it is boxed.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        attempt: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.attempts.spawn(attempt.boxed())
    }

    /// Returns when everything has ended that was begun before the runtime stopped.
    pub(crate) async fn all_ended(&self, dispatcher: &TaskTracker) {
        self.stop.cancelled().await;
        // What the dispatcher has claimed already still runs.
        dispatcher.wait().await;
        self.attempts.close();
        self.attempts.wait().await;
    }

    /// Sees to it that what begins now is covered by this worker's lease (r23).
    pub(crate) async fn ensure_lease(&self) -> Result<(), StoreError> {
        self.lease.ensure(&*self.store, &self.worker, self.clock.elapsed()).await
    }

    /// Stops as if the process had died: nothing is begun, ended, or given back any more.
    pub(crate) fn die(&self) {
        self.dead.cancel();
        self.stop.cancel();
        self.abort.cancel();
    }

    /// A point at which a test may have asked for a fault.
    pub(crate) fn pass(&self, point: Point, job: &Job) -> Result<(), Failure> {
        self.faults.as_ref().map_or(Ok(()), |faults| faults.strike(point, self, job))
    }

    /// Tells the attempt of a job that is under way here, and those who wait for the job, that it was called off (r24).
    pub(crate) fn announce_cancelled(&self, job: JobId) {
        self.under_way.signal_all(job);
        self.endings.announce(job, &Err(cancelled()));
    }
}

/// Names an attempt of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AttemptId {
    pub(crate) job: JobId,
    pub(crate) number: u32,
}

/// The attempts that are under way here, to tell them that they are no longer wanted. Of a job there may be several: one
/// that was given up does not know yet.
#[derive(Default)]
pub(crate) struct UnderWay(Mutex<HashMap<AttemptId, ExecutionContext>>);

impl UnderWay {
    /// Notes an attempt until the answer is dropped.
    pub(crate) fn enter<'a>(&'a self, attempt: AttemptId, context: &ExecutionContext) -> Entered<'a> {
        self.lock().insert(attempt, context.clone());
        Entered { under_way: self, attempt }
    }

    /// Tells an attempt that it is no longer wanted.
    pub(crate) fn signal(&self, attempt: AttemptId) {
        if let Some(context) = self.lock().get(&attempt) {
            context.cancel();
        }
    }

    /// Tells every attempt of a job.
    pub(crate) fn signal_all(&self, job: JobId) {
        for (_, context) in self.lock().iter().filter(|(attempt, _)| attempt.job == job) {
            context.cancel();
        }
    }

    pub(crate) fn all(&self) -> HashSet<AttemptId> {
        self.lock().keys().copied().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AttemptId, ExecutionContext>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes that an attempt is under way, until it is dropped.
pub(crate) struct Entered<'a> {
    under_way: &'a UnderWay,
    attempt: AttemptId,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.under_way.lock().remove(&self.attempt);
    }
}

/// The capabilities that callers bring along for what they execute, while they wait for it. They are in no record: what
/// another process runs, it runs with its own (r31).
#[derive(Default)]
pub(crate) struct Overrides(Mutex<HashMap<JobId, Arc<Capabilities>>>);

impl Overrides {
    /// What the attempts of a job have in the place of the runtime's capabilities.
    pub(crate) fn of(&self, job: JobId) -> Option<Arc<Capabilities>> {
        self.lock().get(&job).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<JobId, Arc<Capabilities>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Holds the overrides of a job until it is dropped.
pub(crate) struct Overriding {
    engine: Arc<Engine>,
    job: JobId,
}

impl Overriding {
    pub(crate) fn begin(engine: &Arc<Engine>, job: JobId, overrides: Arc<Capabilities>) -> Self {
        engine.overrides.lock().insert(job, overrides);
        Self { engine: engine.clone(), job }
    }
}

impl Drop for Overriding {
    fn drop(&mut self) {
        self.engine.overrides.lock().remove(&self.job);
    }
}

/// How long this worker has promised to be alive.
pub(crate) struct Lease {
    pub(crate) length: Duration,
    held: tokio::sync::Mutex<Held>,
}

#[derive(Default)]
struct Held {
    renewals: u64,
    /// By the time that has passed, so that no step of the machine's clock ends it.
    until: Duration,
}

impl Lease {
    pub(crate) fn of(length: Duration) -> Self {
        Self { length, held: tokio::sync::Mutex::default() }
    }

    /// How often it was renewed.
    pub(crate) async fn renewals(&self) -> u64 {
        self.held.lock().await.renewals
    }

    /// Renews the lease if less than half of it is left.
    async fn ensure(
        &self,
        store: &dyn Store,
        worker: &WorkerId,
        elapsed: Duration,
    ) -> Result<(), StoreError> {
        let mut held = self.held.lock().await;
        if held.renewals == 0 || held.until < elapsed.saturating_add(self.length / 2) {
            let renewals = held.renewals + 1;
            store.renew(store::Lease { worker: worker.clone(), renewals, length: self.length }).await?;
            *held = Held { renewals, until: elapsed.saturating_add(self.length) };
        }
        Ok(())
    }
}

/// When other workers were seen to renew their leases (r23): by the time that has passed here, so that it does not matter
/// what anybody's clock says.
#[derive(Default)]
pub(crate) struct Sightings(Mutex<HashMap<WorkerId, Sighting>>);

#[derive(Clone, Copy)]
struct Sighting {
    renewals: u64,
    at: Duration,
}

impl Sightings {
    /// Takes a look at the leases there are. Answers with those that have ended: they have not been renewed for longer than
    /// they last, or were never taken.
    pub(crate) fn look(&self, leases: Vec<store::Lease>, elapsed: Duration) -> Vec<store::Lease> {
        let mut sightings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::take(&mut *sightings);
        let mut lapsed = Vec::new();
        for lease in leases {
            let last = before.get(&lease.worker).filter(|last| last.renewals == lease.renewals);
            let sighting = last.copied().unwrap_or(Sighting { renewals: lease.renewals, at: elapsed });
            sightings.insert(lease.worker.clone(), sighting);
            if lease.renewals == 0 || elapsed.saturating_sub(sighting.at) > lease.length {
                lapsed.push(lease);
            }
        }
        lapsed
    }
}

/// How a job has ended: with its output, or with the failure of its last attempt.
pub(crate) type Ended = Result<Json, Failure>;

/// How a job has ended; `None` if it has not.
pub(crate) fn ended(job: Job) -> Option<Ended> {
    let unexplained =
        || Failure::new(FailureKind::Error, "unexplained", "the job has failed; no attempt says why");
    match job.state {
        JobState::Waiting | JobState::Ready | JobState::Running => None,
        JobState::Succeeded => Some(Ok(job.output.unwrap_or_else(Json::null))),
        JobState::Failed => Some(Err(job.failure.unwrap_or_else(unexplained))),
        JobState::Cancelled => Some(Err(cancelled())),
    }
}

/// How a job has ended that was called off, and the attempt that was under way then.
pub(crate) fn cancelled() -> Failure {
    Failure::new(FailureKind::Cancelled, "cancelled", "the job was cancelled")
}

/// Tells those who wait for a job that it has ended here.
#[derive(Default)]
pub(crate) struct Endings(Mutex<Waiting>);

type Waiting = HashMap<JobId, Vec<oneshot::Sender<Ended>>>;

impl Endings {
    /// From now on, waits for a job to end in this process.
    pub(crate) fn watch(&self, job: JobId) -> Watch<'_> {
        let (sender, receiver) = oneshot::channel();
        self.lock().entry(job).or_default().push(sender);
        Watch { endings: self, job, receiver }
    }

    pub(crate) fn announce(&self, job: JobId, ended: &Ended) {
        let waiting = self.lock().remove(&job);
        for sender in waiting.into_iter().flatten() {
            // Who has stopped waiting needs no answer.
            let _ = sender.send(ended.clone());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for a job to end in this process.
pub(crate) struct Watch<'a> {
    endings: &'a Endings,
    job: JobId,
    receiver: oneshot::Receiver<Ended>,
}

impl Watch<'_> {
    /// How the job has ended, once it has. Cancel safe.
    pub(crate) async fn ended(&mut self) -> Ended {
        match (&mut self.receiver).await {
            Ok(ended) => ended,
            // Only an announcement takes the sender away, and it has sent.
            Err(_) => std::future::pending().await,
        }
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.receiver.close();
        if let Entry::Occupied(mut waiting) = self.endings.lock().entry(self.job) {
            waiting.get_mut().retain(|sender| !sender.is_closed());
            if waiting.get().is_empty() {
                waiting.remove();
            }
        }
    }
}
