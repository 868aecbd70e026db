//! What the parts of a running runtime share.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::entity_locks::EntityLocks;
use super::faults::{Faults, Point};
use super::id_source::IdSource;
use super::lease::{LeaseObservations, OwnLease};
use super::overrides::Overrides;
use super::running_attempts::RunningAttempts;
use super::schedule_positions::SchedulePositions;
use super::waiters::{Waiters, cancelled};
use crate::model::clock::Clock;
use crate::model::{Capabilities, Failure, FailureKind, Job, JobId, WorkerId};
use crate::store::{Store, StoreError};
use crate::wiring::{Plans, Wiring};

/// How often a runtime looks for what other processes have done in the same store. What happens in this process wakes it at
/// once.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// What the parts of a running runtime share.
pub(crate) struct Engine {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) plans: Plans,
    pub(crate) wiring: Wiring,
    pub(crate) schedules: SchedulePositions,
    pub(crate) capabilities: Capabilities,
    pub(crate) locks: EntityLocks,
    pub(crate) waiters: Waiters,
    pub(crate) overrides: Arc<Overrides>,
    pub(crate) ids: IdSource,
    pub(crate) worker: WorkerId,
    pub(crate) lease: OwnLease,
    pub(crate) lease_observations: LeaseObservations,
    pub(crate) running: RunningAttempts,
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
        self.faults.as_ref().map_or(Ok(()), |faults| faults.strike(point, job, || self.die()))
    }

    /// Tells the attempt of a job that is under way here, and those who wait for the job, that it was called off (r24).
    pub(crate) fn announce_cancelled(&self, job: JobId) {
        self.running.signal_all(job);
        self.waiters.announce(job, &Err(cancelled()));
    }
}
