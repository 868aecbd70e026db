use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde_json::Value;

use crate::clock::Timestamp;
use crate::context::{ExecutionContext, entities, entity_key, unreadable};
use crate::engine::{Engine, cancelled};
use crate::publish::{check_boundary, no_such_job};
use crate::retention::{self, Retention};
use crate::store::{Changed, Cursor, JobCount, JobPage, JobQuery, StoredEvent};
use crate::tree::{self, Branch};
use crate::{Attempt, CorrelationId, Entity, Failure, FailureKind, Job, JobHandle, JobId, JobState};

/// How many jobs are changed in one transaction.
const CHANGED_AT_ONCE: usize = 500;

/// Reads jobs (r28), and changes them by hand (r22, r24).
#[derive(Clone)]
pub struct Jobs(pub(crate) Arc<Engine>);

impl Jobs {
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
    pub async fn tree(&self, matter: &CorrelationId) -> Result<Vec<Branch>, Failure> {
        tree::of(&self.0, matter).await
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
            page.after = Some(next);
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
        Ok(retention::prune_jobs(&self.0, retention).await?)
    }

    /// A handle on a job that somebody else has published, to wait for its outcome.
    pub fn handle(&self, id: JobId) -> JobHandle<Value> {
        JobHandle::new(self.0.clone(), id)
    }
}

/// Reads the committed entities of one type (r28).
pub struct Entities<E> {
    engine: Arc<Engine>,
    entity: PhantomData<fn() -> E>,
}

impl<E: Entity> Entities<E> {
    pub(crate) fn new(engine: Arc<Engine>) -> Self {
        Self { engine, entity: PhantomData }
    }

    /// The entity with this id, if there is one.
    ///
    /// # Errors
    /// If the store cannot be reached, or what it has is no `E`.
    pub async fn get(&self, id: &E::Id) -> Result<Option<E>, Failure> {
        let key = entity_key::<E>(id)?;
        let stored = self.engine.store.entity(&key).await?;
        stored.map(|stored| stored.body.parse().map_err(|error| unreadable(&key, &error))).transpose()
    }

    /// At most `limit` entities, in the order of their ids' text, behind the one with the id `after`.
    ///
    /// # Errors
    /// If the store cannot be reached, or one of them is no `E`.
    pub async fn list(&self, after: Option<&E::Id>, limit: usize) -> Result<Vec<E>, Failure> {
        entities(&self.engine, after, limit).await
    }
}

/// Reads committed events in commit order (r18): what a relay publishes elsewhere.
#[derive(Clone)]
pub struct Events(pub(crate) Arc<Engine>);

impl Events {
    /// At most `limit` events behind `cursor`. A relay keeps the cursor of the last one that it has passed on; after a
    /// crash it passes some on again, and who receives them deduplicates by their id.
    ///
    /// # Errors
    /// If the store cannot be reached.
    pub async fn after(&self, cursor: Cursor, limit: usize) -> Result<Vec<StoredEvent>, Failure> {
        Ok(self.0.store.events(cursor, limit).await?)
    }

    /// Deletes the events that were emitted before this time, first to last. A relay that has not passed them on by then
    /// never will; cursors stay true. Answers how many.
    ///
    /// # Errors
    /// `Refused` inside an execution; `Unavailable` if the store cannot be reached, and some may be deleted then.
    pub async fn prune(&self, before: Timestamp) -> Result<u64, Failure> {
        check_boundary(ExecutionContext::current().as_ref(), "events().prune")?;
        Ok(retention::prune_events(&self.0, before).await?)
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

impl<E: Entity> fmt::Debug for Entities<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entities<{}>", E::NAME)
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Events")
    }
}
