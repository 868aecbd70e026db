//! What this process has written last, so that the next steps need not read again what was just written.

use enact::JobId;
use enact::store::{EntityKey, NewJob, StoredEntity};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

/// Memory for entities, and for requests, in bytes.
const CAPACITY: u64 = 16 * 1024 * 1024;

/// What an entry of typical size weighs, for a first guess of how many there will be.
const TYPICAL: u64 = 512;

/// How many running jobs' places are kept.
const PLACES: usize = 16 * 1024;

/// The writer keeps it true: it forgets all when another process has written, and when it has rolled back.
pub(crate) struct Recent {
    /// As this process has committed them, for the executions on one entity after another.
    entities: Cache<EntityKey, StoredEntity, Bytes>,
    /// By their places, until they are claimed. Only the writer looks at them, as at the next.
    requests: Cache<i64, NewJob, Bytes>,
    /// Where the running jobs stand, until they end.
    places: Cache<JobId, i64>,
}

impl Recent {
    pub(crate) fn new() -> Self {
        let count = usize::try_from(CAPACITY / TYPICAL).unwrap_or(usize::MAX);
        Self {
            entities: Cache::with_weighter(count, CAPACITY, Bytes),
            requests: Cache::with_weighter(count, CAPACITY, Bytes),
            places: Cache::new(PLACES),
        }
    }

    pub(crate) fn entity(&self, key: &EntityKey) -> Option<StoredEntity> {
        self.entities.get(key)
    }

    /// An entity was committed.
    pub(crate) fn note_entity(&self, key: EntityKey, entity: StoredEntity) {
        self.entities.insert(key, entity);
    }

    /// The request that is claimed.
    pub(crate) fn take_request(&self, place: i64) -> Option<NewJob> {
        self.requests.remove(&place).map(|(_, request)| request)
    }

    pub(crate) fn note_request(&self, place: i64, request: NewJob) {
        self.requests.insert(place, request);
    }

    pub(crate) fn place(&self, job: JobId) -> Option<i64> {
        self.places.get(&job)
    }

    pub(crate) fn note_running(&self, place: i64, job: JobId) {
        self.places.insert(job, place);
    }

    pub(crate) fn note_ended(&self, job: JobId) {
        self.places.remove(&job);
    }

    pub(crate) fn forget(&self) {
        self.entities.clear();
        self.requests.clear();
        self.places.clear();
    }
}

/// Weighs texts, and for each entry what it takes besides them, allocating included.
#[derive(Clone)]
struct Bytes;

impl Weighter<EntityKey, StoredEntity> for Bytes {
    fn weight(&self, key: &EntityKey, entity: &StoredEntity) -> u64 {
        const ENTRY: usize = 192;
        (ENTRY + key.id.as_str().len() + entity.body.as_str().len()) as u64
    }
}

impl Weighter<i64, NewJob> for Bytes {
    fn weight(&self, _: &i64, job: &NewJob) -> u64 {
        const ENTRY: usize = 512;
        (ENTRY + job.payload.as_str().len()) as u64
    }
}
