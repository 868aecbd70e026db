//! What a worker asks of its store so that an attempt that is never repeated is never forgotten (r22). That SQLite waits
//! for the disk then is tested where its disk can be made to fail.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

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

/// A store that keeps the claims that it is asked for.
#[derive(Default)]
struct Asked {
    store: MemoryStore,
    claims: Arc<Mutex<Vec<Claim>>>,
}

#[async_trait]
impl Store for Asked {
    async fn claim(&self, claim: Claim) -> Result<Claimed, StoreError> {
        self.claims.lock().unwrap().push(claim.clone());
        self.store.claim(claim).await
    }

    async fn submit(&self, events: Vec<NewEvent>, jobs: Vec<NewJob>) -> Result<Vec<Submitted>, StoreError> {
        self.store.submit(events, jobs).await
    }

    async fn load(&self, entity: &EntityKey) -> Result<Option<StoredEntity>, StoreError> {
        self.store.load(entity).await
    }

    async fn commit(&self, commit: Commit) -> Result<(), CommitError> {
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
async fn r22_attempts_without_a_policy_are_asked_to_be_durable_before_they_run() {
    let store = Asked::default();
    let claims = store.claims.clone();
    let runtime = Runtime::builder(store).start().await.unwrap();
    runtime.publish(Ring {}).await.unwrap().outcome().await.unwrap();
    runtime.publish(RingOn {}).await.unwrap().outcome().await.unwrap();
    runtime.shutdown(Duration::from_secs(10)).await.unwrap();

    let claims = claims.lock().unwrap();
    assert!(!claims.is_empty());
    for Claim { names, once, .. } in claims.iter() {
        let sorted = |names: &[Arc<str>]| {
            let mut names: Vec<_> = names.iter().map(ToString::to_string).collect();
            names.sort();
            names
        };
        assert_eq!(sorted(names), ["Ring", "RingOn", "RingOnce", "bark", "open"]);
        assert_eq!(sorted(once), ["Ring", "RingOnce", "open"]);
    }
}
