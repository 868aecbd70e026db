use std::ops::Deref;
use std::sync::Arc;

use enact::store::{
    Changed, Claim, Claimed, Commit, CommitError, Committed, Cursor, EntityKey, JobCount, JobPage, JobQuery,
    Lease, NewJob, Prune, Store, StoredEntity, StoredEvent, Submitted,
};
use enact::{Attempt, Job, JobId, JobState, Key, WorkerId};
use jiff::Timestamp;

use super::sample::{ENTITIES, at, called_off, lease, worker};
use super::taken::Taken;

/// A store under test: empty at first, and able to be opened again at the place where it lies.
///
/// It is a [`Store`]; the methods beside the trait's say what a test does in one word, and panic where a store cannot
/// answer.
pub struct Subject {
    open: Arc<dyn Fn() -> Arc<dyn Store>>,
    store: Arc<dyn Store>,
}

impl Subject {
    /// A store that `open` opens; each call must open the same records, and the first must find none.
    pub fn new<S: Store>(open: impl Fn() -> S + 'static) -> Self {
        Self::opened(Arc::new(move || Arc::new(open())))
    }

    fn opened(open: Arc<dyn Fn() -> Arc<dyn Store>>) -> Self {
        let store = open();
        Self { open, store }
    }

    /// Closes the store and opens it again, as a program does that is started anew.
    pub(super) fn reopened(self) -> Self {
        drop(self.store);
        Self::opened(self.open)
    }

    /// The store, for a task of its own.
    pub(super) fn handle(&self) -> Arc<dyn Store> {
        self.store.clone()
    }

    /// The same records opened once more at the same time, as by another process.
    pub(super) fn other_handle(&self) -> Arc<dyn Store> {
        (self.open)()
    }

    /// The same, to be asked as conveniently.
    pub(super) fn sharing(other: &Self) -> Self {
        Self::opened(other.open.clone())
    }

    /// Puts a job on record that must be new there.
    pub(super) async fn publish(&self, job: NewJob) -> JobId {
        let id = job.id;
        assert_eq!(self.publish_all(vec![job]).await, [Submitted::New]);
        id
    }

    pub(super) async fn publish_all(&self, jobs: Vec<NewJob>) -> Vec<Submitted> {
        self.submit(Vec::new(), jobs).await.expect("submit")
    }

    /// Puts a job on record that `worker` begins at once.
    pub(super) async fn execute(&self, job: NewJob, worker: &WorkerId) -> Taken {
        let started_at = job.created_at;
        let id = self.publish(NewJob { start: Some(worker.clone()), ..job }).await;
        Taken { job: self.find(id).await, worker: worker.clone(), started_at }
    }

    pub(super) async fn claim_by(
        &self,
        worker: &WorkerId,
        names: &[&str],
        limit: usize,
        now: Timestamp,
    ) -> Claimed {
        let queue = names.iter().map(|name| ((*name).into(), 0)).collect();
        let claim = Claim { worker: worker.clone(), queues: Arc::new(queue), room: vec![limit], now };
        self.claim(claim).await.expect("claim")
    }

    /// What worker `w` is handed out.
    pub(super) async fn claim_ids(&self, names: &[&str], limit: usize, now: Timestamp) -> Vec<JobId> {
        let claimed = self.claim_by(&worker("w"), names, limit, now).await;
        claimed.jobs.into_iter().map(|job| job.id).collect()
    }

    /// Claims the first job of a name, which must be there. It is handed out as it stands on record.
    pub(super) async fn take(&self, worker: &WorkerId, name: &str, now: Timestamp) -> Taken {
        let job = self.claim_by(worker, &[name], 1, now).await.jobs.pop().expect("a job is ready");
        let found = self.find(job.id).await;
        // On record is also why the last attempt has failed.
        assert_eq!(Job { failure: None, ..found }, job);
        Taken { job, worker: worker.clone(), started_at: now }
    }

    /// Publishes a job and takes it as worker `w`, at second 0.
    pub(super) async fn run(&self, job: NewJob) -> Taken {
        let id = self.publish(job.clone()).await;
        let taken = self.take(&worker("w"), &job.name, at(0)).await;
        assert_eq!(taken.job.id, id, "another job is ready, too");
        taken
    }

    /// Makes a commit that must be accepted.
    pub(super) async fn accept(&self, commit: Commit) -> Committed {
        let key = commit.write.as_ref().map(|write| write.key.clone());
        let committed = self.commit(commit).await.expect("the commit is accepted");
        self.gives_what_is_committed(key).await;
        committed
    }

    /// After a commit, an execution is given the entity as it is on record, whether it was written or not.
    async fn gives_what_is_committed(&self, key: Option<EntityKey>) {
        if let Some(key) = key {
            assert_eq!(self.load(&key).await.expect("load"), self.entity(&key).await);
        }
    }

    /// Makes a commit that must be refused, and leave nothing.
    pub(super) async fn refuse(&self, commit: Commit) -> CommitError {
        let before = self.everything().await;
        let key = commit.write.as_ref().map(|write| write.key.clone());
        let refusal = self.commit(commit).await.expect_err("the commit is refused");
        assert_eq!(self.everything().await, before, "a refused commit leaves nothing");
        self.gives_what_is_committed(key).await;
        refusal
    }

    /// Makes a commit that must be refused by the fence, and leave nothing.
    pub(super) async fn fence(&self, commit: Commit) {
        let refusal = self.refuse(commit).await;
        assert!(matches!(refusal, CommitError::Fenced), "{refusal:?}");
    }

    /// A job that must be on record.
    pub(super) async fn find(&self, id: JobId) -> Job {
        self.job(id).await.expect("job").expect("the job is on record")
    }

    pub(super) async fn state(&self, id: JobId) -> JobState {
        self.find(id).await.state
    }

    pub(super) async fn attempts_of(&self, id: JobId) -> Vec<Attempt> {
        self.attempts(id).await.expect("attempts")
    }

    pub(super) async fn page(&self, query: &JobQuery) -> JobPage {
        self.jobs(query).await.expect("jobs")
    }

    pub(super) async fn all_jobs(&self) -> Vec<Job> {
        self.page(&JobQuery { limit: usize::from(u16::MAX), ..JobQuery::default() }).await.jobs
    }

    pub(super) async fn all_ids(&self) -> Vec<JobId> {
        self.all_jobs().await.into_iter().map(|job| job.id).collect()
    }

    pub(super) async fn entity(&self, key: &EntityKey) -> Option<StoredEntity> {
        self.store.entity(key).await.expect("entity")
    }

    pub(super) async fn all_entities(&self, entity: &str) -> Vec<(Key, StoredEntity)> {
        self.entities(entity, None, usize::from(u16::MAX)).await.expect("entities")
    }

    pub(super) async fn all_events(&self) -> Vec<StoredEvent> {
        self.events_behind(Cursor::START).await
    }

    pub(super) async fn events_behind(&self, cursor: Cursor) -> Vec<StoredEvent> {
        self.events(cursor, usize::from(u16::MAX)).await.expect("events")
    }

    /// What a worker runs.
    pub(super) async fn running_ids(&self, by: &str, limit: usize) -> Vec<JobId> {
        let running = self.running(&worker(by), limit).await.expect("running");
        running.into_iter().map(|running| running.job.id).collect()
    }

    /// Puts the lease of a worker on record that has renewed it so often, for ten seconds.
    pub(super) async fn lease(&self, by: &str, renewals: u64) {
        self.renew(lease(by, renewals)).await.expect("renew");
    }

    /// The lease of every worker that runs something, in one order.
    pub(super) async fn all_leases(&self) -> Vec<Lease> {
        let mut leases = self.leases().await.expect("leases");
        leases.sort_by(|left, right| left.worker.as_str().cmp(right.worker.as_str()));
        leases
    }

    /// Calls a job off at second 9.
    pub(super) async fn call_off(&self, id: JobId) -> Changed {
        self.call_off_all(&[id]).await.remove(0)
    }

    pub(super) async fn call_off_all(&self, ids: &[JobId]) -> Vec<Changed> {
        self.cancel(ids.into(), called_off(), at(9)).await.expect("cancel")
    }

    /// Calls a job off that must be one to be called off.
    pub(super) async fn called_off(&self, id: JobId) {
        assert!(matches!(self.call_off(id).await, Changed::Done(_)));
    }

    /// Lets a job run again.
    pub(super) async fn run_again(&self, id: JobId) -> Changed {
        self.retry(vec![id]).await.expect("retry").remove(0)
    }

    /// Publishes a job and lets it fail, by worker `w` at second 0.
    pub(super) async fn failed(&self, job: NewJob) -> JobId {
        let taken = self.run(job).await;
        self.accept(taken.fails()).await;
        taken.job.id
    }

    /// Publishes a job and lets it succeed, by worker `w` at second 0.
    pub(super) async fn succeeded(&self, job: NewJob) -> JobId {
        let taken = self.run(job).await;
        self.accept(taken.succeeds()).await;
        taken.job.id
    }

    /// Deletes all jobs that a call names, page by page. Answers how many.
    pub(super) async fn prune_all(&self, mut prune: Prune) -> u64 {
        let mut deleted = 0;
        for _ in 0..1_000 {
            let pruned = self.prune(prune.clone()).await.expect("prune");
            deleted += pruned.deleted;
            match pruned.next {
                Some(next) => prune.after = Some(next),
                None => return deleted,
            }
        }
        panic!("the pages come to an end");
    }

    /// How many jobs there are of each kind, name and state, in one order.
    pub(super) async fn counts(&self) -> Vec<JobCount> {
        let mut counts = self.count_jobs().await.expect("count_jobs");
        counts.sort_by_key(|count| (count.kind.as_str(), count.name.clone(), count.state));
        counts
    }

    /// All that a store can be asked for.
    pub(super) async fn everything(&self) -> Everything {
        let mut jobs = Vec::new();
        for job in self.all_jobs().await {
            let attempts = self.attempts_of(job.id).await;
            jobs.push((job, attempts));
        }
        let mut entities = Vec::new();
        for entity in ENTITIES {
            entities.push((entity, self.all_entities(entity).await));
        }
        Everything {
            jobs,
            entities,
            events: self.all_events().await,
            counts: self.counts().await,
            leases: self.all_leases().await,
        }
    }
}

impl Deref for Subject {
    type Target = dyn Store;

    fn deref(&self) -> &Self::Target {
        &*self.store
    }
}

/// All that a store can be asked for, to be compared.
#[derive(Debug, PartialEq)]
pub(super) struct Everything {
    pub(super) jobs: Vec<(Job, Vec<Attempt>)>,
    pub(super) entities: Vec<(&'static str, Vec<(Key, StoredEntity)>)>,
    pub(super) events: Vec<StoredEvent>,
    pub(super) counts: Vec<JobCount>,
    pub(super) leases: Vec<Lease>,
}
