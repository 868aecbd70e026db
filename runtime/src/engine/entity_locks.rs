//! Queues of executions on one entity.

use std::future::ready;
use std::hash::BuildHasher;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use tokio::sync::OwnedMutexGuard;
use tokio::task::unconstrained;
use tokio_util::sync::CancellationToken;

use crate::model::{FastHasher, FastMap};
use crate::store::{CommitLink, EntityKey, StoredEntity};

/// A place in the queue of an entity.
pub(crate) type InLine = Pin<Box<dyn Future<Output = EntityLock> + Send>>;

/// Queues the executions on one entity in this process, first in, first out, so that they do not conflict.
///
/// An execution passes the entity on as it leaves it when the store has its commit, before the commit is confirmed. So a queue moves
/// on without waiting for the disk ([r17](crate::rules#r17)).
pub(crate) struct EntityLocks {
    shards: Arc<[Shard]>,
    hasher: FastHasher,
}

type Lock = Arc<tokio::sync::Mutex<Option<Unconfirmed>>>;

type Shard = Mutex<FastMap<EntityKey, Lock>>;

const SHARDS: usize = 32;

/// An entity as an execution has left it whose commit may not be confirmed yet.
struct Unconfirmed {
    entity: StoredEntity,
    link: CommitLink,
    /// Cancelled when the outcome of the commit is known, and the store can be asked.
    known: CancellationToken,
}

impl EntityLocks {
    pub(crate) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| Shard::default()).collect(), hasher: FastHasher::default() }
    }

    /// Waits until no other execution holds the entity. The place in the queue is that of the first poll.
    pub(crate) fn lock(&self, key: &EntityKey) -> impl Future<Output = EntityLock> + Send + use<> {
        let (entry, lock) = self.entry(key);
        async move {
            let guard = lock.lock_owned().await;
            EntityLock { guard: Some(guard), entry }
        }
    }

    /// Takes a place in the queue now, and waits in it later.
    pub(crate) fn place_in_line(&self, key: &EntityKey) -> InLine {
        let mut line: InLine = Box::pin(self.lock(key));
        // Without the limit of tokio's budget, which would let it take no place.
        match unconstrained(line.as_mut()).now_or_never() {
            Some(lock) => Box::pin(ready(lock)),
            None => line,
        }
    }

    /// Holds the entity, if no other execution holds it or waits for it.
    pub(crate) fn try_lock(&self, key: &EntityKey) -> Option<EntityLock> {
        let (entry, lock) = self.entry(key);
        let guard = lock.try_lock_owned().ok()?;
        Some(EntityLock { guard: Some(guard), entry })
    }

    fn entry(&self, key: &EntityKey) -> (Entry, Lock) {
        let index = usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or_default();
        let lock = lock_shard(&self.shards[index]).entry(key.clone()).or_default().clone();
        (Entry { key: key.clone(), shards: self.shards.clone(), index, lock: Some(lock.clone()) }, lock)
    }
}

fn lock_shard(shard: &Shard) -> MutexGuard<'_, FastMap<EntityKey, Lock>> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps the lock of an entity in the map. The last one to be dropped removes it.
struct Entry {
    key: EntityKey,
    shards: Arc<[Shard]>,
    index: usize,
    /// `None` while it is dropped.
    lock: Option<Lock>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut shard = lock_shard(&self.shards[self.index]);
        self.lock = None;
        // A guard and each waiting execution hold an `Arc` besides the map's.
        if shard.get(&self.key).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            shard.remove(&self.key);
        }
    }
}

/// Holds an entity until it is dropped or passed on.
pub(crate) struct EntityLock {
    // Dropped first: the next execution gets the lock before the map is changed.
    guard: Option<OwnedMutexGuard<Option<Unconfirmed>>>,
    entry: Entry,
}

impl EntityLock {
    /// The entity as the previous execution has left it, and the link of its commit, if the outcome of that commit is not known yet.
    pub(crate) fn unconfirmed(&mut self) -> Option<(StoredEntity, CommitLink)> {
        let left = self.guard.as_deref_mut()?;
        if left.as_ref().is_some_and(|unconfirmed| unconfirmed.known.is_cancelled()) {
            *left = None;
        }
        left.as_ref().map(|unconfirmed| (unconfirmed.entity.clone(), unconfirmed.link.clone()))
    }

    /// Waits until the outcome of the previous execution's commit is known, so that the store can be asked for the entity.
    pub(crate) async fn confirmed(&mut self) {
        let Some(left) = self.guard.as_deref_mut() else { return };
        if let Some(unconfirmed) = left {
            unconfirmed.known.cancelled().await;
            *left = None;
        }
    }

    /// Lets the next execution begin, with the entity as this commit leaves it. The commit must have its place in the store.
    pub(crate) fn pass_on(mut self, entity: StoredEntity, link: CommitLink) -> PassedOn {
        let known = CancellationToken::new();
        if let Some(mut guard) = self.guard.take() {
            *guard = Some(Unconfirmed { entity, link, known: known.clone() });
        }
        PassedOn { known, _entry: self.entry }
    }
}

/// Is dropped when the outcome of a commit is known. Until then, executions on the entity do not ask the store for it.
pub(crate) struct PassedOn {
    known: CancellationToken,
    _entry: Entry,
}

impl Drop for PassedOn {
    fn drop(&mut self) {
        self.known.cancel();
    }
}
