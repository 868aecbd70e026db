//! Reading, cancelling, retrying and pruning jobs.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::boundary::check_boundary;
use super::job_handle::JobHandle;
use super::job_tree::{self, JobTreeNode};
use crate::context::ExecutionContext;
use crate::domain::HasOneHandler;
use crate::engine::{Engine, Retention, cancelled, no_such_job, orphans, pruning};
use crate::model::{Attempt, CorrelationId, Failure, FailureKind, Job, JobId, JobState, Unreadable};
use crate::store::{Changed, JobCount, JobPage, JobQuery, LiveCount, unreadable_job};

/// How many jobs are retried in one transaction.
const RETRY_PAGE: usize = 500;

/// Reads jobs ([r28](crate::rules#r28)), and cancels, retries and deletes them.
#[derive(Clone)]
pub struct Jobs(Arc<Engine>);

impl Jobs {
    pub(super) fn new(engine: Arc<Engine>) -> Self {
        Self(engine)
    }

    /// Reads the job with this id, if it exists.
    ///
    /// # Errors
    /// `Unavailable` if the store cannot be reached.
    pub async fn get(&self, id: JobId) -> Result<Option<Job>, Failure> {
        Ok(self.0.store.job(id).await?)
    }

    /// Lists jobs by state, name, correlation and time, in pages.
    ///
    /// # Errors
    /// `Unavailable` if the store cannot be reached.
    pub async fn list(&self, query: &JobQuery) -> Result<JobPage, Failure> {
        Ok(self.0.store.jobs(query).await?)
    }

    /// Lists the attempts of a job, oldest first. The list is empty if there is no such job.
    ///
    /// # Errors
    /// `Unavailable` if the store cannot be reached.
    pub async fn attempts(&self, id: JobId) -> Result<Vec<Attempt>, Failure> {
        Ok(self.0.store.attempts(id).await?)
    }

    /// Counts, by name, the jobs that have not ended and that this program cannot run: it declares no command and no event handler of that
    /// name or [alias](crate::guide::jobs). Unless another program runs them, they wait for ever, and hold their lanes. They can be
    /// [cancelled](Self::cancel) ([r07](crate::rules#r07)). [`start`](crate::RuntimeBuilder::start) logs them.
    ///
    /// # Errors
    /// `Unavailable` if the store cannot be reached.
    pub async fn orphans(&self) -> Result<Vec<LiveCount>, Failure> {
        Ok(orphans::find(&self.0).await?)
    }

    /// Counts the stored jobs by name and state. It reads every job: do not call it every second.
    ///
    /// # Errors
    /// `Unavailable` if the store cannot be reached.
    pub async fn count(&self) -> Result<Vec<JobCount>, Failure> {
        Ok(self.0.store.count_jobs().await?)
    }

    /// Reads the jobs of a correlation as a tree: each job is followed by those that it has caused, directly or by an event,
    /// in the order they were stored ([r32](crate::rules#r32)). A job has its correlation id in
    /// [`correlation`](crate::store::JobSpec::correlation).
    ///
    /// A tree has several roots if callers gave several jobs the same correlation id. It is empty if no job has it. All jobs
    /// of the correlation are read, with their attempts.
    ///
    /// # Errors
    /// `Unavailable` if the store cannot be reached.
    pub async fn tree(&self, correlation: &CorrelationId) -> Result<Vec<JobTreeNode>, Failure> {
        job_tree::of(&self.0, correlation).await
    }

    /// Cancels a job ([r24](crate::rules#r24)). A `Waiting` or `Ready` job never runs. A `Running` one commits nothing, and its
    /// handler is [signalled](crate::ExecutionContext::cancelled). Jobs that run [after](crate::Publish::after) it are
    /// cancelled too. Cancelling a cancelled job does nothing.
    ///
    /// The job is `Cancelled` at once, and callers that wait for it are notified. The next job of its lane, or on its entity, runs when
    /// the handler has returned; a time limit of the handler limits that, too. The idempotency keys of cancelled jobs can be used
    /// again.
    ///
    /// # Errors
    /// `NotFound` if there is no such job; `Refused` with the code `illegal_transition` if it has succeeded or failed, and
    /// with the code `inside_execution` inside an execution; `Unavailable` if the store cannot be reached.
    pub async fn cancel(&self, id: JobId) -> Result<(), Failure> {
        check_boundary(ExecutionContext::current().as_ref(), "jobs().cancel")?;
        let changed = self.0.store.cancel(vec![id], cancelled(), self.0.clock.now()).await?;
        match changed.into_iter().next() {
            Some(Changed::Done(cancelled)) => {
                for job in cancelled {
                    self.0.announce_cancelled(job);
                }
                // The next job of its lane may be ready now.
                self.0.work.notify_one();
                Ok(())
            }
            Some(Changed::Illegal(JobState::Cancelled)) => Ok(()),
            Some(Changed::Illegal(state)) => {
                Err(illegal_transition(id, state, "cancelled: it has ended already"))
            }
            Some(Changed::Unreadable(parts)) => Err(unreadable(&parts)),
            Some(Changed::Missing) | None => Err(no_such_job(id)),
        }
    }

    /// Runs a failed job again, with a fresh budget of attempts and without a deadline ([r22](crate::rules#r22)). Its earlier
    /// attempts are kept, and numbering continues.
    ///
    /// # Errors
    /// `NotFound` if there is no such job; `Refused` with the code `illegal_transition` if it has not failed, and with the
    /// code `inside_execution` inside an execution; `Unavailable` if the store cannot be reached.
    pub async fn retry(&self, id: JobId) -> Result<(), Failure> {
        check_boundary(ExecutionContext::current().as_ref(), "jobs().retry")?;
        let changed = self.0.store.retry(vec![id]).await?;
        self.0.work.notify_one();
        match changed.into_iter().next() {
            Some(Changed::Done(_)) => Ok(()),
            Some(Changed::Illegal(state)) => {
                let reason = match state {
                    JobState::Cancelled => {
                        "retried: only a failed job can; publish the command again, under the same idempotency key if it has one"
                    }
                    JobState::Succeeded => {
                        "retried: only a failed job can; publish the command again, under another idempotency key if it has one"
                    }
                    _ => "retried: only a failed job can, and this one has not ended",
                };
                Err(illegal_transition(id, state, reason))
            }
            Some(Changed::Unreadable(parts)) => Err(unreadable(&parts)),
            Some(Changed::Missing) | None => Err(no_such_job(id)),
        }
    }

    /// Runs the failed jobs that match a query again, oldest first, each once, and returns how many. The query's states are
    /// ignored. Its limit is the number of jobs to retry: 100 by default, `usize::MAX` for all.
    ///
    /// # Errors
    /// `Refused` inside an execution; `Unavailable` if the store cannot be reached, in which case some may have been retried.
    pub async fn retry_all(&self, query: &JobQuery) -> Result<u64, Failure> {
        check_boundary(ExecutionContext::current().as_ref(), "jobs().retry_all")?;
        // Oldest first, so that a job that fails again meanwhile is not retried again.
        let mut page = JobQuery { states: vec![JobState::Failed], latest_first: false, ..query.clone() };
        let mut left = query.limit;
        let mut retried = 0;
        while left > 0 {
            page.limit = left.min(RETRY_PAGE);
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

    /// Deletes jobs that ended longer ago than `retention` allows, with their attempts and idempotency keys, and returns how
    /// many. A job that another one still waits for is kept.
    /// [`RuntimeBuilder::retention`](crate::RuntimeBuilder::retention) deletes them regularly.
    ///
    /// # Errors
    /// `Refused` inside an execution; `Unavailable` if the store cannot be reached, in which case some may be deleted.
    pub async fn prune(&self, retention: &Retention) -> Result<u64, Failure> {
        check_boundary(ExecutionContext::current().as_ref(), "jobs().prune")?;
        Ok(pruning::prune_jobs(&self.0, retention).await?)
    }

    /// A handle to an existing job, with its output as JSON. Nothing is read until the handle is used.
    pub fn handle(&self, id: JobId) -> JobHandle<Value> {
        JobHandle::new(self.0.clone(), id)
    }

    /// A handle to an existing job of the command `C`, with its typed output. Nothing is read until the handle is used.
    ///
    /// If the job is of another command, [`outcome`](JobHandle::outcome) fails at once with `Refused`, code `other_command`.
    /// A job that was stored under an alias of the command is the command's own.
    pub fn handle_of<C: HasOneHandler>(&self, id: JobId) -> JobHandle<C::Output> {
        JobHandle::of::<C>(self.0.clone(), id)
    }
}

/// A job that is not changed, because it cannot be read.
fn unreadable(parts: &[Unreadable]) -> Failure {
    unreadable_job(parts).with_kind(FailureKind::Refused)
}

/// A transition that the table of [`JobState::TRANSITIONS`] does not have.
fn illegal_transition(id: JobId, state: JobState, cannot_be: &str) -> Failure {
    let message = format!("job {id} is {state}, and cannot be {cannot_be}");
    Failure::new(FailureKind::Refused, "illegal_transition", message)
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Jobs")
    }
}
