//! The shared state of a running runtime.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::batches::BatchSize;
use super::company::Company;
use super::entity_locks::EntityLocks;
use super::faults::{Faults, Point};
use super::health::HealthMonitor;
use super::id_source::IdSource;
use super::late_calls::LateCalls;
use super::lease_observations::LeaseObservations;
use super::lease_renewal::LeaseRenewal;
use super::overrides::Overrides;
use super::pauses::Pauses;
use super::polls::LongPolls;
use super::running_attempts::RunningAttempts;
use super::schedule_positions::SchedulePositions;
use super::waiters::{Waiters, cancelled};
use crate::model::clock::Clock;
use crate::model::{
    Capabilities, Failure, FailureKind, HealthPart, Job, JobId, SizeLimits, WorkerId, drop_caught,
};
use crate::store::{NewEvent, NewJob, Store, StoreError, Submitted};
use crate::wiring::{Plans, Wiring};

/// How often a runtime polls the store for changes by other processes. Changes by this process wake it at once.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The shared state of a running runtime.
pub(crate) struct Engine {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) plans: Plans,
    pub(crate) wiring: Wiring,
    pub(crate) schedules: SchedulePositions,
    pub(crate) capabilities: Capabilities,
    pub(crate) locks: EntityLocks,
    pub(crate) batch_size: BatchSize,
    pub(crate) company: Company,
    pub(crate) waiters: Waiters,
    pub(crate) overrides: Arc<Overrides>,
    pub(crate) pauses: Pauses,
    pub(crate) ids: IdSource,
    pub(crate) worker: WorkerId,
    pub(crate) lease: LeaseRenewal,
    pub(crate) lease_observations: LeaseObservations,
    pub(crate) running: RunningAttempts,
    pub(crate) long_polls: LongPolls,
    pub(crate) late_calls: LateCalls,
    pub(crate) health: HealthMonitor,
    /// How many jobs of one name may be queued before the boundary refuses more.
    pub(crate) max_queued: u64,
    /// How large what is stored may be.
    pub(crate) size_limits: SizeLimits,
    /// The faults that a test has planned; `None` outside the test kit.
    pub(crate) faults: Option<Arc<Faults>>,
    /// Notified when there may be a job to claim.
    pub(crate) work: Notify,
    /// The tasks of the running attempts.
    pub(crate) attempts: TaskTracker,
    /// Cancelled at shutdown: nothing new starts.
    pub(crate) stop: CancellationToken,
    /// Cancelled at the deadline of a shutdown: running attempts are aborted and released.
    pub(crate) abort: CancellationToken,
    /// Cancelled by an injected crash: nothing more is done, as if the process had died.
    pub(crate) dead: CancellationToken,
}

/// How far an attempt has come in its caller's task.
pub(crate) enum Here<T> {
    /// To its end. `None` if it has panicked.
    Ended(Option<T>),
    /// To where it has to wait: it goes on in this task.
    Waits(JoinHandle<Option<T>>),
}

impl Engine {
    /// Fails after a shutdown.
    pub(crate) fn check_running(&self) -> Result<(), Failure> {
        if self.stop.is_cancelled() {
            let message = "the runtime has shut down and accepts nothing more";
            return Err(Failure::new(FailureKind::Unavailable, "shut_down", message));
        }
        Ok(())
    }

    /// Runs an attempt in a task of its own. The future is boxed: it has some kilobytes, and spawning moves it several
    /// times.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        attempt: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.attempts.spawn(attempt.boxed())
    }

    /// Runs an attempt in the caller's task until it has to wait, and from then on in a task of its own. Most attempts on a store in
    /// memory never wait, and need neither the task nor the switch to its thread.
    ///
    /// It is not left to the caller for longer: a caller may stop polling without dropping this, and the attempt has its entity
    /// and a place among the running ones, for which others wait.
    pub(crate) fn run_here<T: Send + 'static>(&self, attempt: BoxFuture<'static, T>) -> Here<T> {
        // Panics outside of a tokio runtime, before anything is stored: not only an attempt that waits needs one.
        let tokio = Handle::current();
        // Unwind safe: the attempt owns what it changes, or locks it.
        let mut attempt = self.attempts.track_future(AssertUnwindSafe(attempt).catch_unwind());
        match (&mut attempt).now_or_never() {
            Some(ended) => Here::Ended(ended.map_err(drop_caught).ok()),
            None => Here::Waits(tokio.spawn(async { attempt.await.map_err(drop_caught).ok() })),
        }
    }

    /// Returns when the runtime has stopped and no attempt runs.
    pub(crate) async fn all_ended(&self, dispatcher: &TaskTracker) {
        self.stop.cancelled().await;
        // Jobs that the dispatcher has claimed still run.
        dispatcher.wait().await;
        self.attempts.close();
        self.attempts.wait().await;
    }

    /// Ensures that an attempt that starts now is covered by this worker's lease.
    pub(crate) async fn ensure_lease(&self) -> Result<(), StoreError> {
        let ensured = self.lease.ensure(&self.store, &self.worker, self.clock.elapsed()).await;
        self.note(HealthPart::Lease, &ensured);
        ensured
    }

    /// Stores what a caller has published, emitted or executed.
    pub(crate) async fn submit(
        &self,
        events: Vec<NewEvent>,
        jobs: Vec<NewJob>,
    ) -> Result<Vec<Submitted>, StoreError> {
        let submitted = self.store.submit(events, jobs).await;
        if submitted.is_err() {
            self.note(HealthPart::Requests, &submitted);
        }
        submitted
    }

    /// Notes whether a part of this runtime works.
    pub(crate) fn note<T>(&self, part: HealthPart, outcome: &Result<T, StoreError>) {
        self.health.note(&*self.clock, part, outcome);
    }

    /// Stops as if the process had died: nothing starts, ends or is released any more.
    pub(crate) fn die(&self) {
        self.dead.cancel();
        self.stop.cancel();
        self.abort.cancel();
    }

    /// Injects the fault that a test has planned at this point, if any.
    pub(crate) fn pass(&self, point: Point, job: &Job) -> Result<(), Failure> {
        self.faults.as_ref().map_or(Ok(()), |faults| faults.inject(point, job, || self.die()))
    }

    /// Announces a cancellation to the job's attempts and its waiting callers in this process.
    pub(crate) fn announce_cancelled(&self, job: JobId) {
        self.running.cancel_job(job);
        self.waiters.announce(job, &Err(cancelled()));
    }
}
