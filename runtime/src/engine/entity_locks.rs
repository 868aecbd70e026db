//! Queues of executions on one entity.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedMutexGuard;

use crate::store::EntityKey;

/// Queues the executions on one entity in this process, first in, first out, so that they do not conflict.
pub(crate) struct EntityLocks {
    shards: Arc<[Shard]>,
    hasher: RandomState,
}

type Shard = Mutex<HashMap<EntityKey, Arc<tokio::sync::Mutex<()>>>>;

const SHARDS: usize = 32;

impl EntityLocks {
    pub(crate) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| Shard::default()).collect(), hasher: RandomState::new() }
    }

    /// Waits until no other execution holds the entity.
    pub(crate) async fn lock(&self, key: &EntityKey) -> EntityLock {
        let index = usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or_default();
        let lock = lock_shard(&self.shards[index]).entry(key.clone()).or_default().clone();
        let mut held = EntityLock { key: key.clone(), shards: self.shards.clone(), index, guard: None };
        held.guard = Some(lock.lock_owned().await);
        held
    }
}

fn lock_shard(shard: &Shard) -> MutexGuard<'_, HashMap<EntityKey, Arc<tokio::sync::Mutex<()>>>> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Holds an entity until it is dropped.
pub(crate) struct EntityLock {
    key: EntityKey,
    shards: Arc<[Shard]>,
    index: usize,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Drop for EntityLock {
    fn drop(&mut self) {
        let mut shard = lock_shard(&self.shards[self.index]);
        // The next execution gets the lock before the map is changed. Each waiting one holds an `Arc` besides the map's.
        self.guard = None;
        if shard.get(&self.key).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            shard.remove(&self.key);
        }
    }
}
