use std::fmt;
use std::future::ready;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use enact::store::{
    Begin, Changed, Claim, Claimed, Commit, CommitError, Committed, Cursor, EntityKey, JobCount, JobPage,
    JobQuery, LateEffects, Lease, LiveCount, NewDue, NewEvent, NewJob, NewTick, Prune, Pruned, Release,
    RunningJob, Store, StoreError, StoreFuture, StoredEntity, StoredEvent, Submitted, Ticked,
};
use enact::{Attempt, Failure, Job, JobId, JobState, Key, WorkerId};
use jiff::Timestamp;

use crate::encode::EncodedJob;
use crate::operations::{
    AddLateEffects, BeginAttempt, CancelJobs, ChangeDue, ClaimJobs, CommitAttempt, PruneEvents, PruneJobs,
    RecordTick, ReleaseAttempt, RenewLease, RetireWorker, RetryJobs, SubmitJobs,
};
use crate::queries::{self, EventPage, MAX_PRUNED};
use crate::reader::Readers;
use crate::wal_sync::WalSync;
use crate::write_cache::WriteCache;
use crate::writer::Writer;

/// A [`Store`] in a SQLite file.
///
/// Dropping it finishes queued writes and closes the file. It blocks meanwhile.
pub struct SqliteStore {
    // Dropped before the writer: the last connection to close removes the write-ahead log.
    pub(crate) readers: Readers,
    pub(crate) writer: Writer,
    /// `None`: nothing waits for the disk.
    pub(crate) sync: Option<Arc<WalSync>>,
    pub(crate) cache: Arc<WriteCache>,
    pub(crate) path: Arc<Path>,
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn submit(&self, events: Vec<NewEvent>, jobs: Vec<NewJob>) -> Result<Vec<Submitted>, StoreError> {
        self.writer.write(SubmitJobs { events, jobs: EncodedJob::all(jobs)? }).await
    }

    async fn claim(&self, claim: Claim) -> Result<Claimed, StoreError> {
        self.writer.write(ClaimJobs(claim)).await
    }

    async fn load(&self, entity: &EntityKey) -> Result<Option<StoredEntity>, StoreError> {
        self.readers.entities.check_process()?;
        if let Some(entity) = self.cache.entity(entity) {
            return Ok(Some(entity));
        }
        let entity = entity.clone();
        self.readers.entities.read(move |connection| queries::load(connection, &entity)).await
    }

    fn commit(&self, commit: Commit) -> StoreFuture<'_, Result<Committed, CommitError>> {
        let link = commit.link.clone();
        match CommitAttempt::new(commit) {
            Ok(operation) => {
                let written = self.writer.write(operation);
                Box::pin(async { written.await? })
            }
            Err(error) => {
                link.set_stored(false);
                Box::pin(ready(Err(error.into())))
            }
        }
    }

    fn begin(&self, begin: Begin) -> StoreFuture<'_, Result<bool, StoreError>> {
        Box::pin(self.writer.write(BeginAttempt(begin)))
    }

    async fn release(&self, release: Release) -> Result<bool, StoreError> {
        self.writer.write(ReleaseAttempt(release)).await
    }

    async fn add_late_effects(&self, late: Vec<LateEffects>) -> Result<(), StoreError> {
        self.writer.write(AddLateEffects(late)).await
    }

    async fn renew(&self, lease: Lease) -> Result<(), StoreError> {
        self.writer.write(RenewLease(lease)).await
    }

    async fn retire(&self, worker: &WorkerId, renewals: u64) -> Result<(), StoreError> {
        self.writer.write(RetireWorker { worker: worker.clone(), renewals }).await
    }

    async fn leases(&self) -> Result<Vec<Lease>, StoreError> {
        self.readers.jobs.read(queries::leases).await
    }

    async fn running(&self, worker: &WorkerId, limit: usize) -> Result<Vec<RunningJob>, StoreError> {
        let worker = worker.clone();
        self.readers.jobs.read(move |connection| queries::running(connection, &worker, limit)).await
    }

    async fn cancel(
        &self,
        jobs: Vec<JobId>,
        failure: Failure,
        now: Timestamp,
    ) -> Result<Vec<Changed>, StoreError> {
        self.writer.write(CancelJobs::new(jobs, &failure, now)?).await
    }

    async fn retry(&self, jobs: Vec<JobId>) -> Result<Vec<Changed>, StoreError> {
        self.writer.write(RetryJobs(jobs)).await
    }

    async fn change_due(&self, due: Vec<NewDue>) -> Result<(), StoreError> {
        self.writer.write(ChangeDue(due)).await
    }

    async fn prune(&self, prune: Prune) -> Result<Pruned, StoreError> {
        let criteria = prune.clone();
        let found =
            self.readers.lists.read(move |connection| queries::prunable(connection, &criteria)).await?;
        let mut deleted = 0;
        for jobs in found.jobs.chunks(MAX_PRUNED) {
            deleted += self.writer.write(PruneJobs { prune: prune.clone(), jobs: jobs.to_vec() }).await?;
        }
        Ok(Pruned { deleted, next: found.next })
    }

    async fn prune_events(&self, before: Timestamp, now: Timestamp, limit: usize) -> Result<u64, StoreError> {
        let find = move |connection: &_| queries::prunable_events(connection, before, now, limit);
        let mut deleted = 0;
        for positions in self.readers.lists.read(find).await? {
            deleted += self.writer.write(PruneEvents(positions)).await?;
        }
        Ok(deleted)
    }

    async fn tick(&self, tick: NewTick) -> Result<Ticked, StoreError> {
        self.writer.write(RecordTick::new(tick)?).await
    }

    async fn last_tick(&self, schedule: &str) -> Result<Option<Timestamp>, StoreError> {
        let schedule = schedule.to_owned();
        self.readers.jobs.read(move |connection| queries::last_tick(connection, &schedule)).await
    }

    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        let job = self.readers.jobs.read(move |connection| queries::job(connection, id)).await?;
        if job.as_ref().is_some_and(|job| job.state.has_ended()) {
            self.confirm_reads().await?;
        }
        Ok(job)
    }

    async fn states(&self, jobs: Vec<JobId>) -> Result<Vec<Option<JobState>>, StoreError> {
        let states = self.readers.jobs.read(move |connection| queries::states(connection, &jobs)).await?;
        if states.iter().flatten().any(|state| state.has_ended()) {
            self.confirm_reads().await?;
        }
        Ok(states)
    }

    async fn jobs(&self, query: &JobQuery) -> Result<JobPage, StoreError> {
        let query = query.clone();
        self.readers.lists.read(move |connection| queries::jobs(connection, &query)).await
    }

    async fn count_jobs(&self) -> Result<Vec<JobCount>, StoreError> {
        self.readers.lists.read(queries::count_jobs).await
    }

    async fn count_live(&self) -> Result<Vec<LiveCount>, StoreError> {
        self.readers.jobs.read(queries::count_live).await
    }

    async fn attempts_of_jobs(&self, jobs: Vec<JobId>) -> Result<Vec<Vec<Attempt>>, StoreError> {
        // The runtime waits for those of one job.
        let reader = if jobs.len() == 1 { &self.readers.jobs } else { &self.readers.lists };
        reader
            .read(move |connection| jobs.iter().map(|id| queries::attempts(connection, *id)).collect())
            .await
    }

    async fn entity(&self, entity: &EntityKey) -> Result<Option<StoredEntity>, StoreError> {
        let entity = entity.clone();
        self.readers.entities.read(move |connection| queries::load(connection, &entity)).await
    }

    async fn entities(
        &self,
        entity: &str,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<(Key, StoredEntity)>, StoreError> {
        let (entity, after) = (entity.to_owned(), after.cloned());
        self.readers
            .lists
            .read(move |connection| queries::entities(connection, &entity, after.as_ref(), limit))
            .await
    }

    async fn events(&self, after: &Cursor, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        let after = after.number();
        let read = move |connection: &_| queries::events(connection, after, limit);
        let EventPage { mut events, last } = self.readers.events.read(read).await?;
        let Some(sync) = &self.sync else { return Ok(events) };
        let durable_event = sync.durable_event();
        let durable = events.partition_point(|event| event.cursor.number() <= durable_event);
        if durable == 0 && !events.is_empty() {
            sync.confirm_reads().await?;
            sync.note_durable_event(last);
        } else {
            // A later call waits for the rest.
            events.truncate(durable);
        }
        Ok(events)
    }
}

impl SqliteStore {
    /// Returns when all that was read before is durable.
    async fn confirm_reads(&self) -> Result<(), StoreError> {
        match &self.sync {
            Some(sync) => sync.confirm_reads().await,
            None => Ok(()),
        }
    }
}
