use std::ops::Deref;
use std::sync::Arc;

use enact::store::{
    Changed, Claim, Claimable, Claimed, Commit, CommitError, Committed, Cursor, EntityKey, JobCount, JobPage,
    JobQuery, Lease, NewJob, Prune, Release, Start, Store, StoredEntity, StoredEvent, Submitted,
};
use enact::{Attempt, Job, JobId, JobState, Key, WorkerId};
use jiff::Timestamp;

use crate::attempt::RunningAttempt;
use crate::sample::{ENTITIES, With, at, cancellation, lease, worker};

/// A store under test: empty at first, and able to be reopened with the same records.
///
/// It dereferences to a [`Store`]. Its own methods are shorthands that panic where the store returns an error.
pub struct TestStore {
    open: Arc<dyn Fn() -> Arc<dyn Store>>,
    store: Arc<dyn Store>,
}

impl TestStore {
    /// Opens a store by `open`. Every call must open the same records; the first must find none.
    pub fn new<S: Store>(open: impl Fn() -> S + 'static) -> Self {
        Self::opened(Arc::new(move || Arc::new(open())))
    }

    fn opened(open: Arc<dyn Fn() -> Arc<dyn Store>>) -> Self {
        let store = open();
        Self { open, store }
    }

    /// Closes the store and opens it again, like a program that restarts.
    pub(crate) fn reopened(self) -> Self {
        drop(self.store);
        Self::opened(self.open)
    }

    /// The store, for another task.
    pub(crate) fn handle(&self) -> Arc<dyn Store> {
        self.store.clone()
    }

    /// A second handle on the same records, like that of another process.
    pub(crate) fn other_handle(&self) -> Arc<dyn Store> {
        (self.open)()
    }

    /// A second handle on the same records, with the methods of this type.
    pub(crate) fn sharing(other: &Self) -> Self {
        Self::opened(other.open.clone())
    }

    /// Submits a new job.
    pub(crate) async fn publish(&self, job: NewJob) -> JobId {
        let id = job.id;
        assert_eq!(self.publish_all(vec![job]).await, [Submitted::New]);
        id
    }

    pub(crate) async fn publish_all(&self, jobs: Vec<NewJob>) -> Vec<Submitted> {
        self.submit(Vec::new(), jobs).await.expect("submit")
    }

    /// Submits a job that `worker` starts at once.
    pub(crate) async fn execute(&self, job: NewJob, worker: &WorkerId) -> RunningAttempt {
        let started_at = job.created_at;
        let id = self.publish(NewJob { start: Some(Start::Running(worker.clone())), ..job }).await;
        RunningAttempt { job: self.find(id).await, worker: worker.clone(), started_at }
    }

    pub(crate) async fn claim_by(
        &self,
        worker: &WorkerId,
        names: &[&str],
        limit: usize,
        now: Timestamp,
    ) -> Claimed {
        let claimable = Claimable { queue: 0, entity: None };
        let names = names.iter().map(|name| ((*name).into(), claimable)).collect();
        let claim =
            Claim { worker: worker.clone(), names: Arc::new(names), room: vec![limit], batch: 0, now };
        self.claim(claim).await.expect("claim")
    }

    /// The ids of the jobs that worker `w` claims.
    pub(crate) async fn claim_ids(&self, names: &[&str], limit: usize, now: Timestamp) -> Vec<JobId> {
        let claimed = self.claim_by(&worker("w"), names, limit, now).await;
        claimed.jobs.into_iter().map(|job| job.id).collect()
    }

    /// Claims the first ready job of a name. The claim must return it as stored.
    pub(crate) async fn claim_one(&self, worker: &WorkerId, name: &str, now: Timestamp) -> RunningAttempt {
        let job = self.claim_by(worker, &[name], 1, now).await.jobs.pop().expect("a job is ready");
        let found = self.find(job.id).await;
        // The stored job also has the failure of its last attempt.
        assert_eq!(found.with(|job| job.failure = None), job);
        RunningAttempt { job, worker: worker.clone(), started_at: now }
    }

    /// Publishes a job and claims it as worker `w`, at second 0.
    pub(crate) async fn run(&self, job: NewJob) -> RunningAttempt {
        let id = self.publish(job.clone()).await;
        let active = self.claim_one(&worker("w"), &job.name, at(0)).await;
        assert_eq!(active.job.id, id, "another job is ready as well");
        active
    }

    /// Makes a commit that must be accepted.
    pub(crate) async fn accept(&self, commit: Commit) -> Committed {
        let key = commit.write.as_ref().map(|write| write.key.clone());
        let committed = self.commit(commit).await.expect("the commit is accepted");
        self.check_load(key).await;
        committed
    }

    /// After a commit, `load` returns the stored entity, whether it was written or not.
    async fn check_load(&self, key: Option<EntityKey>) {
        if let Some(key) = key {
            assert_eq!(self.load(&key).await.expect("load"), self.entity(&key).await);
        }
    }

    /// Makes a commit that must be refused and must store nothing.
    pub(crate) async fn refuse(&self, commit: Commit) -> CommitError {
        let before = self.snapshot().await;
        let key = commit.write.as_ref().map(|write| write.key.clone());
        let refusal = self.commit(commit).await.expect_err("the commit is refused");
        assert_eq!(self.snapshot().await, before, "a refused commit stores nothing");
        self.check_load(key).await;
        refusal
    }

    /// Makes a commit that must be fenced and must store nothing.
    pub(crate) async fn fence(&self, commit: Commit) {
        let refusal = self.refuse(commit).await;
        assert!(matches!(refusal, CommitError::Fenced), "{refusal:?}");
    }

    /// A job that must exist.
    pub(crate) async fn find(&self, id: JobId) -> Job {
        self.job(id).await.expect("job").expect("the job is stored")
    }

    pub(crate) async fn state(&self, id: JobId) -> JobState {
        self.find(id).await.state
    }

    pub(crate) async fn attempts_of(&self, id: JobId) -> Vec<Attempt> {
        self.attempts(id).await.expect("attempts")
    }

    pub(crate) async fn page(&self, query: &JobQuery) -> JobPage {
        self.jobs(query).await.expect("jobs")
    }

    pub(crate) async fn all_jobs(&self) -> Vec<Job> {
        self.page(&JobQuery::new().limit(usize::from(u16::MAX))).await.jobs
    }

    pub(crate) async fn all_ids(&self) -> Vec<JobId> {
        self.all_jobs().await.into_iter().map(|job| job.id).collect()
    }

    pub(crate) async fn entity(&self, key: &EntityKey) -> Option<StoredEntity> {
        self.store.entity(key).await.expect("entity")
    }

    pub(crate) async fn all_entities(&self, entity: &str) -> Vec<(Key, StoredEntity)> {
        self.entities(entity, None, usize::from(u16::MAX)).await.expect("entities")
    }

    pub(crate) async fn all_events(&self) -> Vec<StoredEvent> {
        self.events_after(&Cursor::START).await
    }

    pub(crate) async fn events_after(&self, cursor: &Cursor) -> Vec<StoredEvent> {
        read_events(&*self.store, cursor).await
    }

    /// The jobs that a worker runs.
    pub(crate) async fn running_ids(&self, by: &str, limit: usize) -> Vec<JobId> {
        let running = self.running(&worker(by), limit).await.expect("running");
        running.into_iter().map(|running| running.job.id).collect()
    }

    /// Stores a lease of ten seconds with this renewal count.
    pub(crate) async fn lease(&self, by: &str, renewals: u64) {
        self.renew(lease(by, renewals)).await.expect("renew");
    }

    /// The lease of every worker that has one, or that has running jobs, sorted.
    pub(crate) async fn all_leases(&self) -> Vec<Lease> {
        let mut leases = self.leases().await.expect("leases");
        leases.sort_by(|left, right| left.worker.as_str().cmp(right.worker.as_str()));
        leases
    }

    /// Cancels a job at second 9.
    pub(crate) async fn cancel_job(&self, id: JobId) -> Changed {
        self.cancel_jobs(&[id]).await.remove(0)
    }

    pub(crate) async fn cancel_jobs(&self, ids: &[JobId]) -> Vec<Changed> {
        self.cancel(ids.into(), cancellation(), at(9)).await.expect("cancel")
    }

    /// Cancels a job that must not have ended.
    pub(crate) async fn must_cancel(&self, id: JobId) {
        assert!(matches!(self.cancel_job(id).await, Changed::Done(_)));
    }

    /// Releases an attempt, or a cancelled job. Returns whether the store knew it.
    pub(crate) async fn release_attempt(&self, active: &RunningAttempt) -> bool {
        let RunningAttempt { job, worker, .. } = active;
        let release =
            Release { job: job.id, worker: worker.clone(), number: job.attempts, lapsed: None, hold: false };
        self.release(release).await.expect("release")
    }

    /// Retries a job manually.
    pub(crate) async fn retry_job(&self, id: JobId) -> Changed {
        self.retry(vec![id]).await.expect("retry").remove(0)
    }

    /// Publishes a job that fails, run by worker `w` at second 0.
    pub(crate) async fn failed(&self, job: NewJob) -> JobId {
        let active = self.run(job).await;
        self.accept(active.fails()).await;
        active.job.id
    }

    /// Publishes a job that succeeds, run by worker `w` at second 0.
    pub(crate) async fn succeeded(&self, job: NewJob) -> JobId {
        let active = self.run(job).await;
        self.accept(active.succeeds()).await;
        active.job.id
    }

    /// Prunes page by page to the end. Returns the number of deleted jobs.
    pub(crate) async fn prune_all(&self, mut prune: Prune) -> u64 {
        let mut deleted = 0;
        for _ in 0..1_000 {
            let pruned = self.prune(prune.clone()).await.expect("prune");
            deleted += pruned.deleted;
            match pruned.next {
                Some(next) => prune.after = Some(next),
                None => return deleted,
            }
        }
        panic!("paging does not end");
    }

    /// The number of jobs of each kind, name and state, sorted.
    pub(crate) async fn counts(&self) -> Vec<JobCount> {
        let mut counts = self.count_jobs().await.expect("count_jobs");
        counts.sort_by_key(|count| (count.kind.as_str(), count.name.clone(), count.state));
        counts
    }

    /// Everything that can be read from the store.
    pub(crate) async fn snapshot(&self) -> Snapshot {
        let jobs = self.all_jobs().await;
        let ids = jobs.iter().map(|job| job.id).collect();
        let attempts = self.attempts_of_jobs(ids).await.expect("attempts");
        let mut entities = Vec::new();
        for entity in ENTITIES {
            entities.push((entity, self.all_entities(entity).await));
        }
        Snapshot {
            jobs: jobs.into_iter().zip(attempts).collect(),
            entities,
            events: self.all_events().await,
            counts: self.counts().await,
            leases: self.all_leases().await,
        }
    }
}

/// All events after a cursor. A page that is not empty may not be the last.
pub(crate) async fn read_events(store: &dyn Store, after: &Cursor) -> Vec<StoredEvent> {
    let (mut events, mut after) = (Vec::new(), after.clone());
    loop {
        let page = store.events(&after, usize::from(u16::MAX)).await.expect("events");
        let Some(last) = page.last() else { return events };
        after = last.cursor.clone();
        events.extend(page);
    }
}

impl Deref for TestStore {
    type Target = dyn Store;

    fn deref(&self) -> &Self::Target {
        &*self.store
    }
}

/// Everything that can be read from a store, for comparison.
#[derive(Debug, PartialEq)]
pub(crate) struct Snapshot {
    pub(crate) jobs: Vec<(Job, Vec<Attempt>)>,
    pub(crate) entities: Vec<(&'static str, Vec<(Key, StoredEntity)>)>,
    pub(crate) events: Vec<StoredEvent>,
    pub(crate) counts: Vec<JobCount>,
    pub(crate) leases: Vec<Lease>,
}
