//! What this process has written last, so that the next steps need not read again what was just written.

use std::sync::atomic::{AtomicU64, Ordering};

use enact::store::{EntityKey, NewJob, StoredEntity};
use enact::{Job, JobId, JobState};
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
    /// By their places, until they are claimed. Only the writer looks at them, as at the next two.
    requests: Cache<i64, Request, Bytes>,
    /// Where the running jobs stand, until they end.
    places: Cache<JobId, Place>,
    /// The number of the transaction that is open, or was the last.
    transaction: AtomicU64,
}

#[derive(Clone)]
struct Request {
    job: NewJob,
    /// The transaction that has made it what it is: that has put it on record, or has ended what it waited for.
    made_by: u64,
    /// The bytes of its texts.
    texts: usize,
}

#[derive(Clone, Copy)]
struct Place {
    seq: i64,
    /// The transaction that must be durable before it runs.
    relies_on: u64,
}

impl Recent {
    pub(crate) fn new() -> Self {
        let count = usize::try_from(CAPACITY / TYPICAL).unwrap_or(usize::MAX);
        Self {
            entities: Cache::with_weighter(count, CAPACITY, Bytes),
            requests: Cache::with_weighter(count, CAPACITY, Bytes),
            places: Cache::new(PLACES),
            transaction: AtomicU64::new(0),
        }
    }

    /// A transaction is about to begin.
    pub(crate) fn begin(&self) {
        self.transaction.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn transaction(&self) -> u64 {
        self.transaction.load(Ordering::Relaxed)
    }

    pub(crate) fn entity(&self, key: &EntityKey) -> Option<StoredEntity> {
        self.entities.get(key)
    }

    /// An entity was committed.
    pub(crate) fn note_entity(&self, key: EntityKey, entity: StoredEntity) {
        self.entities.insert(key, entity);
    }

    pub(crate) fn note_request(&self, seq: i64, job: NewJob, texts: usize) {
        self.requests.insert(seq, Request { job, made_by: self.transaction(), texts });
    }

    /// Something that a job has waited for has ended: when it is ready in the end, that is because of this transaction, too.
    pub(crate) fn note_freed(&self, seq: i64) {
        if let Some((_, Request { job, texts, .. })) = self.requests.remove(&seq) {
            self.note_request(seq, job, texts);
        }
    }

    /// The job that is claimed, if its request is known.
    pub(crate) fn claim(&self, seq: i64) -> Option<Job> {
        let (_, Request { job, made_by, .. }) = self.requests.remove(&seq)?;
        let relies_on = if job.repeatable { made_by } else { self.transaction() };
        self.places.insert(job.id, Place { seq, relies_on });
        Some(job.into_job(JobState::Running))
    }

    /// A job has begun to run, of which nothing else is known.
    pub(crate) fn note_running(&self, seq: i64, job: JobId) {
        self.places.insert(job, Place { seq, relies_on: self.transaction() });
    }

    pub(crate) fn note_ended(&self, job: JobId) {
        self.places.remove(&job);
    }

    /// A job was called off, wherever it stood.
    pub(crate) fn note_cancelled(&self, seq: i64, job: JobId) {
        self.requests.remove(&seq);
        self.places.remove(&job);
    }

    pub(crate) fn seq(&self, running: JobId) -> Option<i64> {
        self.places.get(&running).map(|place| place.seq)
    }

    /// The transaction that must be durable before a running job runs; the open one, if that is not known.
    pub(crate) fn relied_on(&self, running: JobId) -> u64 {
        self.places.get(&running).map_or_else(|| self.transaction(), |place| place.relies_on)
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

impl Weighter<i64, Request> for Bytes {
    fn weight(&self, _: &i64, request: &Request) -> u64 {
        const ENTRY: usize = 768;
        (ENTRY + request.texts) as u64
    }
}
