//! A store is told which attempts must never be forgotten, because they are never repeated (r22). That SQLite waits for the
//! disk with these is tested where its disk can be made to stand still.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use enact::prelude::*;
use enact::store::{
    Claim, Claimed, Commit, CommitError, Cursor, EntityKey, JobCount, JobPage, JobQuery, NewEvent, NewJob,
    RunningJob, Store, StoreError, StoredEntity, StoredEvent, Submitted,
};
use enact::{Attempt, Job, JobId, Key, MemoryStore, WorkerId};
use jiff::Timestamp;

/// Ring once.
#[command]
struct Ring {}

#[command]
async fn ring(_: Ring) {
    emit(Rung {});
}

/// Ring until somebody hears.
#[command]
struct RingOn {}

#[command(retry = Retry::fixed(2, Duration::ZERO))]
async fn ring_on(_: RingOn) {}

/// Ring, with a policy that comes to nothing.
#[command]
struct RingOnce {}

#[command(retry = Retry::fixed(1, Duration::from_secs(1)))]
async fn ring_once(_: RingOnce) {}

/// Somebody has rung.
#[event]
struct Rung {}

#[event_handler]
async fn open(_: Rung) {}

#[event_handler(retry = Retry::exponential(3, Duration::from_secs(1)))]
async fn bark(_: Rung) {}

/// A store that keeps which jobs it was given.
#[derive(Default)]
struct Told {
    store: MemoryStore,
    repeatable: Arc<Mutex<BTreeMap<Arc<str>, bool>>>,
}

impl Told {
    fn keep(&self, jobs: &[NewJob]) {
        self.repeatable.lock().unwrap().extend(jobs.iter().map(|job| (job.name.clone(), job.repeatable)));
    }
}

#[async_trait]
impl Store for Told {
    async fn claim(&self, claim: Claim) -> Result<Claimed, StoreError> {
        self.store.claim(claim).await
    }

    async fn submit(&self, events: Vec<NewEvent>, jobs: Vec<NewJob>) -> Result<Vec<Submitted>, StoreError> {
        self.keep(&jobs);
        self.store.submit(events, jobs).await
    }

    async fn load(&self, entity: &EntityKey) -> Result<Option<StoredEntity>, StoreError> {
        self.store.load(entity).await
    }

    async fn commit(&self, commit: Commit) -> Result<(), CommitError> {
        self.keep(&commit.jobs);
        self.store.commit(commit).await
    }

    async fn renew(&self, worker: &WorkerId, until: Timestamp) -> Result<(), StoreError> {
        self.store.renew(worker, until).await
    }

    async fn lapsed(&self, now: Timestamp, limit: usize) -> Result<Vec<RunningJob>, StoreError> {
        self.store.lapsed(now, limit).await
    }

    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        self.store.job(id).await
    }

    async fn jobs(&self, query: &JobQuery) -> Result<JobPage, StoreError> {
        self.store.jobs(query).await
    }

    async fn count_jobs(&self) -> Result<Vec<JobCount>, StoreError> {
        self.store.count_jobs().await
    }

    async fn attempts(&self, id: JobId) -> Result<Vec<Attempt>, StoreError> {
        self.store.attempts(id).await
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

    async fn events(&self, after: Cursor, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        self.store.events(after, limit).await
    }
}

#[tokio::test]
async fn r22_a_store_is_told_what_may_be_repeated() {
    let store = Told::default();
    let told = store.repeatable.clone();
    let runtime = Runtime::builder(store).start().await.unwrap();
    let repeatable = || told.lock().unwrap().clone();
    runtime.execute(Ring {}).await.unwrap();
    assert_eq!(repeatable(), [("Ring".into(), false), ("bark".into(), true), ("open".into(), false)].into());
    told.lock().unwrap().clear();

    runtime.publish(RingOn {}).await.unwrap();
    runtime.publish_json("RingOnce", serde_json::json!({})).await.unwrap();
    runtime.emit(Rung {}).await.unwrap();
    runtime.shutdown(Duration::from_secs(10)).await.unwrap();
    let commands = [("RingOn".into(), true), ("RingOnce".into(), false)];
    let handlers = [("bark".into(), true), ("open".into(), false)];
    assert_eq!(repeatable(), commands.into_iter().chain(handlers).collect());
}
