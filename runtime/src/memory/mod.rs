//! The store that keeps everything in memory, and forgets it with the process.

mod jobs;
mod query;
mod records;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;

use self::records::Records;
use crate::store::{
    Claim, Claimed, Commit, CommitError, Cursor, EntityKey, JobCount, JobPage, JobQuery, NewEvent, NewJob,
    RunningJob, Store, StoreError, StoredEntity, StoredEvent, Submitted,
};
use crate::{Attempt, Job, JobId, Key, WorkerId};

/// A store in memory: for tests, and for programs whose jobs need not outlive them.
///
/// It keeps every promise of a [`Store`] but that of surviving the process. Clones are the same store, so that a second
/// runtime can be started on what a first one has left.
///
/// Submitting, claiming and committing cost the same however many jobs have ended; [`Store::jobs`] and
/// [`Store::count_jobs`] look at every job.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<Mutex<Records>>);

impl MemoryStore {
    /// A new store, with nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// The records. A call checks everything before it changes anything, so a caller's panic leaves nothing half-written
    /// and what it poisoned can be used.
    fn records(&self) -> MutexGuard<'_, Records> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn submit(&self, events: Vec<NewEvent>, jobs: Vec<NewJob>) -> Result<Vec<Submitted>, StoreError> {
        Ok(self.records().submit(events, jobs))
    }

    async fn claim(&self, claim: Claim) -> Result<Claimed, StoreError> {
        Ok(self.records().jobs.claim(&claim))
    }

    async fn load(&self, entity: &EntityKey) -> Result<Option<StoredEntity>, StoreError> {
        Ok(self.records().load(entity).cloned())
    }

    async fn entity(&self, entity: &EntityKey) -> Result<Option<StoredEntity>, StoreError> {
        self.load(entity).await
    }

    async fn commit(&self, commit: Commit) -> Result<(), CommitError> {
        self.records().commit(commit)
    }

    async fn renew(&self, worker: &WorkerId, until: Timestamp) -> Result<(), StoreError> {
        self.records().renew(worker, until);
        Ok(())
    }

    async fn lapsed(&self, now: Timestamp, limit: usize) -> Result<Vec<RunningJob>, StoreError> {
        Ok(self.records().lapsed(now, limit))
    }

    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        Ok(self.records().jobs.find(id).map(|record| record.job.clone()))
    }

    async fn jobs(&self, query: &JobQuery) -> Result<JobPage, StoreError> {
        Ok(self.records().jobs.page(query))
    }

    async fn count_jobs(&self) -> Result<Vec<JobCount>, StoreError> {
        Ok(self.records().jobs.count())
    }

    async fn attempts(&self, id: JobId) -> Result<Vec<Attempt>, StoreError> {
        Ok(self.records().jobs.find(id).map(|record| record.attempts.clone()).unwrap_or_default())
    }

    async fn entities(
        &self,
        entity: &str,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<(Key, StoredEntity)>, StoreError> {
        Ok(self.records().entities(entity, after, limit))
    }

    async fn events(&self, after: Cursor, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        Ok(self.records().events(after, limit))
    }
}
