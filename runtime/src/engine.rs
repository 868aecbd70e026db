use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use jiff::Timestamp;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::{Clock, after};
use crate::context::Capabilities;
use crate::locks::EntityLocks;
use crate::plans::Plans;
use crate::store::{Store, StoreError};
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
    pub(crate) worker: WorkerId,
    pub(crate) lease: Lease,
    /// Told when there may be something to claim.
    pub(crate) work: Notify,
    /// The attempts that are under way.
    pub(crate) attempts: TaskTracker,
    /// Nothing new begins.
    pub(crate) stop: CancellationToken,
    /// What is under way is dropped.
    pub(crate) abort: CancellationToken,
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
    pub(crate) fn spawn(&self, attempt: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        self.attempts.spawn(attempt.boxed())
    }

    /// Sees to it that what begins now is covered by this worker's lease (r23).
    pub(crate) async fn ensure_lease(&self) -> Result<(), StoreError> {
        self.lease.ensure(&*self.store, &self.worker, self.clock.now()).await
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
    until: tokio::sync::Mutex<Timestamp>,
}

impl Lease {
    pub(crate) fn of(length: Duration) -> Self {
        Self { length, until: tokio::sync::Mutex::new(Timestamp::MIN) }
    }

    /// Renews the lease if less than half of it is left.
    async fn ensure(&self, store: &dyn Store, worker: &WorkerId, now: Timestamp) -> Result<(), StoreError> {
        let mut until = self.until.lock().await;
        if *until < after(now, self.length / 2) {
            let next = after(now, self.length);
            store.renew(worker, next).await?;
            *until = next;
        }
        Ok(())
    }
}

/// How a job has ended: with its output, or with the failure of its last attempt.
pub(crate) type Ended = Result<Json, Failure>;

/// How a job has ended; `None` if it has not.
pub(crate) fn ended(job: Job) -> Option<Ended> {
    let cancelled = || Failure::new(FailureKind::Cancelled, "cancelled", "the job was cancelled");
    let unexplained =
        || Failure::new(FailureKind::Error, "unexplained", "the job has failed; no attempt says why");
    match job.state {
        JobState::Waiting | JobState::Ready | JobState::Running => None,
        JobState::Succeeded => Some(Ok(job.output.unwrap_or_else(Json::null))),
        JobState::Failed => Some(Err(job.failure.unwrap_or_else(unexplained))),
        JobState::Cancelled => Some(Err(cancelled())),
    }
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
