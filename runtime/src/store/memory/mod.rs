//! A store in memory.

mod cancel;
mod counts;
mod events;
mod insert;
mod jobs;
mod lanes;
mod leases;
mod prune;
mod query;
mod ready;
mod records;
mod retry;
mod seq;
mod turns;

use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;

use self::records::Records;
use crate::model::{Attempt, Failure, Job, JobId, JobState, Key, WorkerId};
use crate::store::{
    Begin, Changed, Claim, Claimed, Commit, CommitError, Committed, Cursor, EntityKey, JobCount, JobPage,
    JobQuery, LateEffects, Lease, LiveCount, NewDue, NewEvent, NewJob, NewTick, Prune, Pruned, Release,
    RunningJob, Store, StoreError, StoreFuture, StoredEntity, StoredEvent, Submitted, Ticked,
};

/// A store in memory, for tests and for programs whose jobs need not outlive them.
///
/// It keeps every promise of a [`Store`] except durability. Clones share their contents, so that a second runtime can start where a
/// first one stopped.
///
/// The cost of a call does not grow with the jobs that have ended, except that of [`Store::jobs`].
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<Mutex<Records>>);

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty store that claims ready jobs of equal priority in a pseudo-random order instead of by sequence number, always the same for
    /// the same seed and calls. A test that uses it finds code that relies on an order that is not promised
    /// ([r26](crate::rules#r26)). Lanes and predecessors keep their order.
    pub fn shuffled(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(Records::shuffled(seed))))
    }

    /// A call checks everything before it changes anything, so the records are consistent even after a panic.
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

    fn commit(&self, commit: Commit) -> StoreFuture<'_, Result<Committed, CommitError>> {
        Box::pin(ready(self.records().commit(commit)))
    }

    fn begin(&self, begin: Begin) -> StoreFuture<'_, Result<bool, StoreError>> {
        Box::pin(ready(Ok(self.records().jobs.begin(&begin))))
    }

    async fn release(&self, release: Release) -> Result<bool, StoreError> {
        Ok(self.records().release(&release))
    }

    async fn add_late_effects(&self, late: Vec<LateEffects>) -> Result<(), StoreError> {
        let mut records = self.records();
        for late in late {
            records.jobs.add_late_effects(late);
        }
        Ok(())
    }

    async fn renew(&self, lease: Lease) -> Result<(), StoreError> {
        self.records().leases.renew(lease);
        Ok(())
    }

    async fn retire(&self, worker: &WorkerId, renewals: u64) -> Result<(), StoreError> {
        self.records().retire(worker, renewals);
        Ok(())
    }

    async fn leases(&self) -> Result<Vec<Lease>, StoreError> {
        Ok(self.records().leases())
    }

    async fn running(&self, worker: &WorkerId, limit: usize) -> Result<Vec<RunningJob>, StoreError> {
        Ok(self.records().running(worker, limit))
    }

    async fn cancel(
        &self,
        jobs: Vec<JobId>,
        failure: Failure,
        now: Timestamp,
    ) -> Result<Vec<Changed>, StoreError> {
        let mut records = self.records();
        Ok(jobs.into_iter().map(|id| records.jobs.cancel(id, &failure, now)).collect())
    }

    async fn retry(&self, jobs: Vec<JobId>) -> Result<Vec<Changed>, StoreError> {
        let mut records = self.records();
        Ok(jobs.into_iter().map(|id| records.jobs.retry(id)).collect())
    }

    async fn change_due(&self, due: Vec<NewDue>) -> Result<(), StoreError> {
        let mut records = self.records();
        for due in due {
            records.jobs.change_due(&due);
        }
        Ok(())
    }

    async fn prune(&self, prune: Prune) -> Result<Pruned, StoreError> {
        Ok(self.records().jobs.prune(&prune))
    }

    async fn prune_events(&self, before: Timestamp, now: Timestamp, limit: usize) -> Result<u64, StoreError> {
        Ok(self.records().events.prune(before, now, limit))
    }

    async fn tick(&self, tick: NewTick) -> Result<Ticked, StoreError> {
        Ok(self.records().tick(tick))
    }

    async fn last_tick(&self, schedule: &str) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.records().last_tick(schedule))
    }

    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        Ok(self.records().jobs.find(id).map(|record| record.job.clone()))
    }

    async fn states(&self, jobs: Vec<JobId>) -> Result<Vec<Option<JobState>>, StoreError> {
        let records = self.records();
        Ok(jobs.into_iter().map(|id| records.jobs.find(id).map(|record| record.job.state)).collect())
    }

    async fn jobs(&self, query: &JobQuery) -> Result<JobPage, StoreError> {
        Ok(self.records().jobs.page(query))
    }

    async fn count_jobs(&self) -> Result<Vec<JobCount>, StoreError> {
        Ok(self.records().jobs.counts.all())
    }

    async fn count_live(&self) -> Result<Vec<LiveCount>, StoreError> {
        Ok(self.records().jobs.counts.live())
    }

    async fn attempts_of_jobs(&self, jobs: Vec<JobId>) -> Result<Vec<Vec<Attempt>>, StoreError> {
        let records = self.records();
        let attempts =
            |id: JobId| records.jobs.find(id).map(|record| record.attempts.clone()).unwrap_or_default();
        Ok(jobs.into_iter().map(attempts).collect())
    }

    async fn entities(
        &self,
        entity: &str,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<(Key, StoredEntity)>, StoreError> {
        Ok(self.records().entities(entity, after, limit))
    }

    async fn events(&self, after: &Cursor, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        self.records().events.list(after, limit)
    }
}
