use std::fmt;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use enact::store::{
    Changed, Claim, Claimed, Commit, CommitError, Committed, Cursor, EntityKey, JobCount, JobPage, JobQuery,
    Lease, NewEvent, NewJob, NewTick, Prune, Pruned, RunningJob, Store, StoreError, StoredEntity,
    StoredEvent, Submitted, Ticked,
};
use enact::{Attempt, Failure, Job, JobId, Key, WorkerId};
use jiff::Timestamp;

use crate::builder::SqliteStoreBuilder;
use crate::encode::EncodedJob;
use crate::operation::{
    Cancelling, Claiming, Committing, Pruning, PruningEvents, Renewing, Retiring, Retrying, Submitting,
    Ticking,
};
use crate::queries;
use crate::reader::Reader;
use crate::recent::Recent;
use crate::writer::Writer;

/// A [`Store`] in a SQLite file.
///
/// Dropping it finishes the writes that are queued and closes the file.
pub struct SqliteStore {
    // The readers are dropped first: the last connection to close tidies up the write-ahead log.
    pub(crate) load: Reader,
    pub(crate) look_up: Reader,
    pub(crate) writer: Writer,
    pub(crate) recent: Arc<Recent>,
    pub(crate) path: Arc<Path>,
}

impl SqliteStore {
    /// Opens a file with the default options, and makes it if it does not exist.
    ///
    /// # Errors
    /// As [`SqliteStoreBuilder::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::builder(path).open()
    }

    /// Options for opening a file.
    pub fn builder(path: impl AsRef<Path>) -> SqliteStoreBuilder {
        SqliteStoreBuilder::new(path.as_ref())
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn submit(&self, events: Vec<NewEvent>, jobs: Vec<NewJob>) -> Result<Vec<Submitted>, StoreError> {
        self.writer.write(Submitting { events, jobs: EncodedJob::all(jobs)? }).await
    }

    async fn claim(&self, claim: Claim) -> Result<Claimed, StoreError> {
        self.writer.write(Claiming(claim)).await
    }

    async fn load(&self, entity: &EntityKey) -> Result<Option<StoredEntity>, StoreError> {
        if let Some(entity) = self.recent.entity(entity) {
            return Ok(Some(entity));
        }
        let entity = entity.clone();
        self.load.read(move |connection| queries::load(connection, &entity)).await
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, CommitError> {
        self.writer.write(Committing::of(commit)?).await?
    }

    async fn renew(&self, lease: Lease) -> Result<(), StoreError> {
        self.writer.write(Renewing(lease)).await
    }

    async fn retire(&self, worker: &WorkerId, renewals: u64) -> Result<(), StoreError> {
        self.writer.write(Retiring { worker: worker.clone(), renewals }).await
    }

    async fn leases(&self) -> Result<Vec<Lease>, StoreError> {
        self.look_up.read(queries::leases).await
    }

    async fn running(&self, worker: &WorkerId, limit: usize) -> Result<Vec<RunningJob>, StoreError> {
        let worker = worker.clone();
        self.look_up.read(move |connection| queries::running(connection, &worker, limit)).await
    }

    async fn cancel(
        &self,
        jobs: Vec<JobId>,
        failure: Failure,
        now: Timestamp,
    ) -> Result<Vec<Changed>, StoreError> {
        self.writer.write(Cancelling::of(jobs, &failure, now)?).await
    }

    async fn retry(&self, jobs: Vec<JobId>) -> Result<Vec<Changed>, StoreError> {
        self.writer.write(Retrying(jobs)).await
    }

    async fn prune(&self, prune: Prune) -> Result<Pruned, StoreError> {
        let limits = prune.clone();
        let page = self.look_up.read(move |connection| queries::prunable(connection, &limits)).await?;
        let deleted = match page.doomed {
            doomed if doomed.is_empty() => 0,
            doomed => self.writer.write(Pruning { prune, doomed }).await?,
        };
        Ok(Pruned { deleted, next: page.next })
    }

    async fn prune_events(&self, before: Timestamp, now: Timestamp, limit: usize) -> Result<u64, StoreError> {
        let find = move |connection: &_| queries::prunable_events(connection, before, now, limit);
        match self.look_up.read(find).await? {
            runs if runs.is_empty() => Ok(0),
            runs => self.writer.write(PruningEvents(runs)).await,
        }
    }

    async fn tick(&self, tick: NewTick) -> Result<Ticked, StoreError> {
        self.writer.write(Ticking::of(tick)?).await
    }

    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        self.look_up.read(move |connection| queries::job(connection, id)).await
    }

    async fn jobs(&self, query: &JobQuery) -> Result<JobPage, StoreError> {
        let query = query.clone();
        self.look_up.read(move |connection| queries::jobs(connection, &query)).await
    }

    async fn count_jobs(&self) -> Result<Vec<JobCount>, StoreError> {
        self.look_up.read(queries::count_jobs).await
    }

    async fn attempts(&self, id: JobId) -> Result<Vec<Attempt>, StoreError> {
        self.look_up.read(move |connection| queries::attempts(connection, id)).await
    }

    async fn entity(&self, entity: &EntityKey) -> Result<Option<StoredEntity>, StoreError> {
        let entity = entity.clone();
        self.load.read(move |connection| queries::load(connection, &entity)).await
    }

    async fn entities(
        &self,
        entity: &str,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<(Key, StoredEntity)>, StoreError> {
        let (entity, after) = (entity.to_owned(), after.cloned());
        self.look_up
            .read(move |connection| queries::entities(connection, &entity, after.as_ref(), limit))
            .await
    }

    async fn events(&self, after: Cursor, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        self.look_up.read(move |connection| queries::events(connection, after, limit)).await
    }
}
