//! An in-memory store whose calls a test can observe and delay.

use async_trait::async_trait;
use enact::store::{
    Begin, Changed, Claim, Claimed, Commit, CommitError, Committed, EntityKey, LateEffects, Lease, LiveCount,
    NewDue, NewEvent, NewJob, NewTick, Prune, Pruned, Release, RunningJob, Store, StoreError, StoreFuture,
    StoredEntity, Submitted, Ticked,
};
use enact::{Attempt, Failure, Job, JobId, JobState, Key, MemoryStore, WorkerId};
use enact::{Cursor, JobCount, JobPage, JobQuery, StoredEvent};
use jiff::Timestamp;

/// Hooks that run before a call reaches the store. The call waits until its hook returns.
#[async_trait]
pub(crate) trait Watch: Send + Sync + 'static {
    /// Before [`Store::submit`].
    async fn submitting(&self, _jobs: &[NewJob]) {}

    /// Before [`Store::tick`].
    async fn ticking(&self, _tick: &NewTick) {}

    /// Before [`Store::last_tick`].
    async fn reading_last_tick(&self, _schedule: &str) {}

    /// Before [`Store::renew`].
    async fn renewing(&self) {}

    /// Before [`Store::leases`].
    async fn reading_leases(&self) {}

    /// Before [`Store::job`].
    async fn reading_job(&self) {}

    /// Before [`Store::states`].
    async fn reading_states(&self, _jobs: &[JobId]) {}

    /// Before [`Store::add_late_effects`].
    async fn adding_late_effects(&self, _late: &[LateEffects]) {}

    /// Before [`Store::release`], which fails with the error.
    async fn releasing(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Before [`Store::commit`].
    async fn committing(&self, _commit: &Commit) {}

    /// After [`Store::commit`], before it returns.
    async fn committed(&self) {}
}

pub(crate) struct Watched<W> {
    pub(crate) store: MemoryStore,
    pub(crate) watch: W,
}

#[async_trait]
impl<W: Watch> Store for Watched<W> {
    async fn submit(&self, events: Vec<NewEvent>, jobs: Vec<NewJob>) -> Result<Vec<Submitted>, StoreError> {
        self.watch.submitting(&jobs).await;
        self.store.submit(events, jobs).await
    }

    async fn claim(&self, claim: Claim) -> Result<Claimed, StoreError> {
        self.store.claim(claim).await
    }

    async fn load(&self, entity: &EntityKey) -> Result<Option<StoredEntity>, StoreError> {
        self.store.load(entity).await
    }

    /// A commit that is delayed takes its place late. Those that follow it are refused, and execute again.
    fn commit(&self, commit: Commit) -> StoreFuture<'_, Result<Committed, CommitError>> {
        Box::pin(async move {
            self.watch.committing(&commit).await;
            let committed = self.store.commit(commit).await;
            self.watch.committed().await;
            committed
        })
    }

    fn begin(&self, begin: Begin) -> StoreFuture<'_, Result<bool, StoreError>> {
        self.store.begin(begin)
    }

    async fn release(&self, release: Release) -> Result<bool, StoreError> {
        self.watch.releasing().await?;
        self.store.release(release).await
    }

    async fn add_late_effects(&self, late: Vec<LateEffects>) -> Result<(), StoreError> {
        self.watch.adding_late_effects(&late).await;
        self.store.add_late_effects(late).await
    }

    async fn renew(&self, lease: Lease) -> Result<(), StoreError> {
        self.watch.renewing().await;
        self.store.renew(lease).await
    }

    async fn retire(&self, worker: &WorkerId, renewals: u64) -> Result<(), StoreError> {
        self.store.retire(worker, renewals).await
    }

    async fn leases(&self) -> Result<Vec<Lease>, StoreError> {
        self.watch.reading_leases().await;
        self.store.leases().await
    }

    async fn running(&self, worker: &WorkerId, limit: usize) -> Result<Vec<RunningJob>, StoreError> {
        self.store.running(worker, limit).await
    }

    async fn cancel(
        &self,
        jobs: Vec<JobId>,
        failure: Failure,
        now: Timestamp,
    ) -> Result<Vec<Changed>, StoreError> {
        self.store.cancel(jobs, failure, now).await
    }

    async fn retry(&self, jobs: Vec<JobId>) -> Result<Vec<Changed>, StoreError> {
        self.store.retry(jobs).await
    }

    async fn change_due(&self, due: Vec<NewDue>) -> Result<(), StoreError> {
        self.store.change_due(due).await
    }

    async fn prune(&self, prune: Prune) -> Result<Pruned, StoreError> {
        self.store.prune(prune).await
    }

    async fn prune_events(&self, before: Timestamp, now: Timestamp, limit: usize) -> Result<u64, StoreError> {
        self.store.prune_events(before, now, limit).await
    }

    async fn tick(&self, tick: NewTick) -> Result<Ticked, StoreError> {
        self.watch.ticking(&tick).await;
        self.store.tick(tick).await
    }

    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        self.watch.reading_job().await;
        self.store.job(id).await
    }

    async fn states(&self, jobs: Vec<JobId>) -> Result<Vec<Option<JobState>>, StoreError> {
        self.watch.reading_states(&jobs).await;
        self.store.states(jobs).await
    }

    async fn jobs(&self, query: &JobQuery) -> Result<JobPage, StoreError> {
        self.store.jobs(query).await
    }

    async fn count_jobs(&self) -> Result<Vec<JobCount>, StoreError> {
        self.store.count_jobs().await
    }

    async fn count_live(&self) -> Result<Vec<LiveCount>, StoreError> {
        self.store.count_live().await
    }

    async fn last_tick(&self, schedule: &str) -> Result<Option<Timestamp>, StoreError> {
        self.watch.reading_last_tick(schedule).await;
        self.store.last_tick(schedule).await
    }

    async fn attempts_of_jobs(&self, jobs: Vec<JobId>) -> Result<Vec<Vec<Attempt>>, StoreError> {
        self.store.attempts_of_jobs(jobs).await
    }

    async fn entity(&self, entity: &EntityKey) -> Result<Option<StoredEntity>, StoreError> {
        self.store.entity(entity).await
    }

    async fn entities(
        &self,
        entity: &str,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<(Key, StoredEntity)>, StoreError> {
        self.store.entities(entity, after, limit).await
    }

    async fn events(&self, after: &Cursor, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        self.store.events(after, limit).await
    }
}
