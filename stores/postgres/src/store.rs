//! The store: each call goes to the connection of its role.

use std::fmt;
use std::future::ready;

use async_trait::async_trait;
use enact::store::{
    Begin, Changed, Claim, Claimed, Commit, CommitError, Committed, Cursor, EntityKey, JobCount, JobPage,
    JobQuery, LateEffects, Lease, LiveCount, NewDue, NewEvent, NewJob, NewTick, Prune, Pruned, Release,
    RunningJob, Store, StoreError, StoreFuture, StoredEntity, StoredEvent, Submitted, Ticked,
};
use enact::{Attempt, Failure, Job, JobId, JobState, Key, WorkerId};
use jiff::Timestamp;

use crate::call::Session;
use crate::encode::EncodedJob;
use crate::operations::{
    AddLateEffects, BeginAttempt, CancelJobs, ChangeDue, CommitAttempt, PruneJobs, RecordTick,
    ReleaseAttempt, RetryJobs, SubmitJobs,
};
use crate::queries::{self, MAX_PRUNED};
use crate::roles::Roles;

/// A [`Store`] in a PostgreSQL database.
///
/// Dropping it finishes queued writes. It blocks meanwhile, at most for five seconds.
pub struct PostgresStore {
    pub(crate) roles: Roles,
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("database", &self.roles.target.label).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn submit(&self, events: Vec<NewEvent>, jobs: Vec<NewJob>) -> Result<Vec<Submitted>, StoreError> {
        if events.is_empty() && jobs.is_empty() {
            return Ok(Vec::new());
        }
        self.roles.write(SubmitJobs::new(events, EncodedJob::all(jobs)?)).await
    }

    async fn claim(&self, claim: Claim) -> Result<Claimed, StoreError> {
        self.roles.claim(claim).await
    }

    fn wait_for_work(&self) -> StoreFuture<'_, ()> {
        Box::pin(self.roles.woken.notified())
    }

    async fn load(&self, entity: &EntityKey) -> Result<Option<StoredEntity>, StoreError> {
        self.entity(entity).await
    }

    fn commit(&self, commit: Commit) -> StoreFuture<'_, Result<Committed, CommitError>> {
        let link = commit.link.clone();
        match CommitAttempt::new(commit) {
            Ok(operation) => {
                let written = self.roles.write(operation);
                Box::pin(async { written.await? })
            }
            Err(error) => {
                link.set_stored(false);
                Box::pin(ready(Err(error.into())))
            }
        }
    }

    fn begin(&self, begin: Begin) -> StoreFuture<'_, Result<bool, StoreError>> {
        Box::pin(self.roles.write(BeginAttempt::new(begin)))
    }

    async fn release(&self, release: Release) -> Result<bool, StoreError> {
        self.roles.write(ReleaseAttempt::new(release)).await
    }

    async fn add_late_effects(&self, late: Vec<LateEffects>) -> Result<(), StoreError> {
        self.roles.write(AddLateEffects(late)).await
    }

    async fn renew(&self, lease: Lease) -> Result<(), StoreError> {
        self.roles.leases.read(async move |session: &Session| queries::renew(session, &lease).await).await
    }

    async fn retire(&self, worker: &WorkerId, renewals: u64) -> Result<(), StoreError> {
        let worker = worker.clone();
        let retiring = async move |session: &Session| queries::retire(session, &worker, renewals).await;
        self.roles.leases.read(retiring).await
    }

    async fn leases(&self) -> Result<Vec<Lease>, StoreError> {
        self.roles.leases.read(async |session: &Session| queries::leases(session).await).await
    }

    async fn running(&self, worker: &WorkerId, limit: usize) -> Result<Vec<RunningJob>, StoreError> {
        let worker = worker.clone();
        let reading = async move |session: &Session| queries::running(session, &worker, limit).await;
        self.roles.reads.read(reading).await
    }

    async fn cancel(
        &self,
        jobs: Vec<JobId>,
        failure: Failure,
        now: Timestamp,
    ) -> Result<Vec<Changed>, StoreError> {
        self.roles.write(CancelJobs::new(jobs, &failure, now)?).await
    }

    async fn retry(&self, jobs: Vec<JobId>) -> Result<Vec<Changed>, StoreError> {
        self.roles.write(RetryJobs::new(jobs)).await
    }

    async fn change_due(&self, due: Vec<NewDue>) -> Result<(), StoreError> {
        self.roles.write(ChangeDue(due)).await
    }

    async fn prune(&self, prune: Prune) -> Result<Pruned, StoreError> {
        let criteria = prune.clone();
        let finding = async move |session: &Session| queries::prunable(session, &criteria).await;
        let found = self.roles.lists.read(finding).await?;
        let mut deleted = 0;
        for jobs in found.jobs.chunks(MAX_PRUNED) {
            deleted += self.roles.write(PruneJobs::new(prune.clone(), jobs.to_vec())).await?;
        }
        Ok(Pruned { deleted, next: found.next })
    }

    async fn prune_events(&self, before: Timestamp, now: Timestamp, limit: usize) -> Result<u64, StoreError> {
        let finding =
            async move |session: &Session| queries::prunable_events(session, before, now, limit).await;
        let mut deleted = 0;
        for positions in self.roles.lists.read(finding).await?.chunks(MAX_PRUNED) {
            let positions = positions.to_vec();
            let deleting = async move |session: &Session| queries::delete_events(session, &positions).await;
            deleted += self.roles.lists.read(deleting).await?;
        }
        Ok(deleted)
    }

    async fn tick(&self, tick: NewTick) -> Result<Ticked, StoreError> {
        self.roles.write(RecordTick::new(tick)?).await
    }

    async fn last_tick(&self, schedule: &str) -> Result<Option<Timestamp>, StoreError> {
        let schedule = schedule.to_owned();
        let reading = async move |session: &Session| queries::last_tick(session, &schedule).await;
        self.roles.reads.read(reading).await
    }

    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        self.roles.reads.read(async move |session: &Session| queries::job(session, id).await).await
    }

    async fn states(&self, jobs: Vec<JobId>) -> Result<Vec<Option<JobState>>, StoreError> {
        self.roles.reads.read(async move |session: &Session| queries::states(session, &jobs).await).await
    }

    async fn jobs(&self, query: &JobQuery) -> Result<JobPage, StoreError> {
        let query = query.clone();
        self.roles.lists.read(async move |session: &Session| queries::jobs(session, &query).await).await
    }

    async fn count_jobs(&self) -> Result<Vec<JobCount>, StoreError> {
        self.roles.lists.read(async |session: &Session| queries::count_jobs(session).await).await
    }

    async fn count_live(&self) -> Result<Vec<LiveCount>, StoreError> {
        self.roles.lists.read(async |session: &Session| queries::count_live(session).await).await
    }

    async fn attempts_of_jobs(&self, jobs: Vec<JobId>) -> Result<Vec<Vec<Attempt>>, StoreError> {
        // The runtime waits for those of one job.
        let role = if jobs.len() == 1 { &self.roles.reads } else { &self.roles.lists };
        role.read(async move |session: &Session| queries::attempts(session, &jobs).await).await
    }

    async fn entity(&self, entity: &EntityKey) -> Result<Option<StoredEntity>, StoreError> {
        self.roles.load(entity.clone()).await
    }

    async fn entities(
        &self,
        entity: &str,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<(Key, StoredEntity)>, StoreError> {
        let (entity, after) = (entity.to_owned(), after.cloned());
        let reading =
            async move |session: &Session| queries::entities(session, &entity, after.as_ref(), limit).await;
        self.roles.lists.read(reading).await
    }

    async fn events(&self, after: &Cursor, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        let after = after.number();
        self.roles
            .reads
            .read(async move |session: &Session| queries::events(session, after, limit).await)
            .await
    }
}
