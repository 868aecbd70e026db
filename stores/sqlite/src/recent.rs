//! The entities that were written last, so that executions on one entity after another need not read what was just
//! written.

use enact::store::{EntityKey, StoredEntity};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

/// Memory for them, in bytes.
const CAPACITY: u64 = 16 * 1024 * 1024;

/// What a body of typical size weighs, for a first guess of how many there will be.
const TYPICAL: u64 = 512;

/// Entities as this process has committed them. The writer keeps them true: it notes each write after its transaction,
/// and forgets all when another process has written.
pub(crate) struct Recent(Cache<EntityKey, StoredEntity, Bytes>);

impl Recent {
    pub(crate) fn new() -> Self {
        let count = usize::try_from(CAPACITY / TYPICAL).unwrap_or(usize::MAX);
        Self(Cache::with_weighter(count, CAPACITY, Bytes))
    }

    pub(crate) fn get(&self, key: &EntityKey) -> Option<StoredEntity> {
        self.0.get(key)
    }

    pub(crate) fn note(&self, key: &EntityKey, entity: StoredEntity) {
        self.0.insert(key.clone(), entity);
    }

    pub(crate) fn forget(&self) {
        self.0.clear();
    }
}

#[derive(Clone)]
struct Bytes;

impl Weighter<EntityKey, StoredEntity> for Bytes {
    fn weight(&self, key: &EntityKey, entity: &StoredEntity) -> u64 {
        // Besides the texts: the entry itself, and what allocating takes.
        const ENTRY: usize = 192;
        (ENTRY + key.id.as_str().len() + entity.body.as_str().len()) as u64
    }
}
