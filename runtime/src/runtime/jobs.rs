//! Jobs: reading, cancelling, retrying, pruning.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::boundary::{check_boundary, no_such_job};
use super::job_handle::JobHandle;
use super::job_tree::{self, JobTreeNode};
use crate::context::ExecutionContext;
use crate::engine::{Engine, Retention, cancelled, pruning};
use crate::model::{Attempt, CorrelationId, Failure, FailureKind, Job, JobId, JobState};
use crate::store::{Changed, JobCount, JobPage, JobQuery};

/// How many jobs are changed in one transaction.
const CHANGED_AT_ONCE: usize = 500;

/// Reads jobs (r28), and changes them by hand (r22, r24).
#[derive(Clone)]
pub struct Jobs(Arc<Engine>);

impl Jobs {
    pub(super) fn new(engine: Arc<Engine>) -> Self {
        Self(engine)
    }

    /// The job with this id, if there is one.
    ///
    /// # Errors
    /// If the store cannot be reached; as for every call here.
    pub async fn get(&self, id: JobId) -> Result<Option<Job>, Failure> {
        Ok(self.0.store.job(id).await?)
    }

    /// Jobs by state, name, correlation and time, in pages.
    ///
    /// # Errors
    /// If the store cannot be reached.
    pub async fn list(&self, query: &JobQuery) -> Result<JobPage, Failure> {
        Ok(self.0.store.jobs(query).await?)
    }

    /// The attempts of a job, first to last. Empty if there is no such job.
    ///
    /// # Errors
    /// If the store cannot be reached.
    pub async fn attempts(&self, id: JobId) -> Result<Vec<Attempt>, Failure> {
        Ok(self.0.store.attempts(id).await?)
    }

    /// How many jobs there are, by name and state. Counts all that are on record: not for every second.
    ///
    /// # Errors
    /// If the store cannot be reached.
    pub async fn count(&self) -> Result<Vec<JobCount>, Failure> {
        Ok(self.0.store.count_jobs().await?)
    }

    /// A whole matter as a tree: each job is followed by those that it has caused, itself or by an event, in the order of
    /// record (r32). It has several roots if callers gave several jobs the same correlation id, and none if there is no such
    /// matter. [`Job::correlation`] names that of a job. All of the matter is read: for people, and not for every second.
    ///
    /// # Errors
    /// If the store cannot be reached.
    pub async fn tree(&self, matter: &CorrelationId) -> Result<Vec<JobTreeNode>, Failure> {
        job_tree::of(&self.0, matter).await
    }

    /// Calls a job off (r24): one that is `Waiting` or `Ready` never runs, and nothing of a running one's attempt is committed any more; it
    /// is [told](crate::ExecutionContext::cancelled). Jobs that come [after](crate::Publish::after) it are cancelled with it. One that is cancelled
    /// already stays so.
    ///
    /// # Errors
    /// `NotFound` if there is no such job; `Refused` with the code `illegal_transition` if it has succeeded or failed (r20); `Refused` inside an
    /// execution, where it would take effect even if that fails; `Unavailable` if the store cannot be reached.
    pub async fn cancel(&self, id: JobId) -> Result<(), Failure> {
        check_boundary(ExecutionContext::current().as_ref(), "jobs().cancel")?;
        let changed = self.0.store.cancel(vec![id], cancelled(), self.0.clock.now()).await?;
        match changed.into_iter().next() {
            Some(Changed::Done(cancelled)) => {
                for job in cancelled {
                    self.0.announce_cancelled(job);
                }
                // Those behind it in its lane have their turn.
                self.0.work.notify_one();
                Ok(())
            }
            Some(Changed::Illegal(JobState::Cancelled)) => Ok(()),
            Some(Changed::Illegal(state)) => {
                Err(illegal(id, state, "be cancelled: only a job that has not ended can"))
            }
            Some(Changed::Missing) | None => Err(no_such_job(id)),
        }
    }

    /// Lets a failed job run again, with a fresh budget of attempts and without a deadline (r22). Its earlier attempts stay on record, and their numbers go on.
    ///
    /// # Errors
    /// `NotFound` if there is no such job; `Refused` with the code `illegal_transition` if it has not failed (r20); `Refused` inside an execution;
    /// `Unavailable` if the store cannot be reached.
    pub async fn retry(&self, id: JobId) -> Result<(), Failure> {
        check_boundary(ExecutionContext::current().as_ref(), "jobs().retry")?;
        let changed = self.0.store.retry(vec![id]).await?;
        self.0.work.notify_one();
        match changed.into_iter().next() {
            Some(Changed::Done(_)) => Ok(()),
            Some(Changed::Illegal(state)) => Err(illegal(
                id,
                state,
                "be retried: only a job that has failed can; publish the command again",
            )),
            Some(Changed::Missing) | None => Err(no_such_job(id)),
        }
    }

    /// Lets the failed jobs that match a query run again (redrive), first to last, each once. The query's states are of no
    /// account; its limit is that of how many it takes, by default a hundred, and `usize::MAX` is all. Answers how many.
    ///
    /// # Errors
    /// `Refused` inside an execution; `Unavailable` if the store cannot be reached, and some of them may run again then.
    pub async fn retry_all(&self, query: &JobQuery) -> Result<u64, Failure> {
        check_boundary(ExecutionContext::current().as_ref(), "jobs().retry_all")?;
        let mut page = JobQuery { states: vec![JobState::Failed], latest_first: false, ..query.clone() };
        // What fails again is not taken again: it comes behind.
        let mut left = query.limit;
        let mut retried = 0;
        while left > 0 {
            page.limit = left.min(CHANGED_AT_ONCE);
            let JobPage { jobs, next } = self.0.store.jobs(&page).await?;
            left -= jobs.len();
            let changed = self.0.store.retry(jobs.into_iter().map(|job| job.id).collect()).await?;
            self.0.work.notify_one();
            retried += changed.iter().filter(|changed| matches!(changed, Changed::Done(_))).count() as u64;
            let Some(next) = next else { break };
            page.page = Some(next);
        }
        Ok(retried)
    }

    /// Deletes jobs that ended longer ago than `retention` says, with their attempts and idempotency keys; what another job
    /// waits for is kept. Answers how many. [`RuntimeBuilder::retention`](crate::RuntimeBuilder::retention) does it by itself.
    ///
    /// # Errors
    /// `Refused` inside an execution; `Unavailable` if the store cannot be reached, and some may be deleted then.
    pub async fn prune(&self, retention: &Retention) -> Result<u64, Failure> {
        check_boundary(ExecutionContext::current().as_ref(), "jobs().prune")?;
        Ok(pruning::prune_jobs(&self.0, retention).await?)
    }

    /// A handle on a job that somebody else has published, to wait for its outcome.
    pub fn handle(&self, id: JobId) -> JobHandle<Value> {
        JobHandle::new(self.0.clone(), id)
    }
}

/// A job does not take that way (r20).
fn illegal(id: JobId, state: JobState, way: &str) -> Failure {
    Failure::new(FailureKind::Refused, "illegal_transition", format!("job {id} is {state}, and cannot {way}"))
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Jobs")
    }
}
