//! What this process wrote last, so that the next steps need not read it back.

use std::sync::atomic::{AtomicU64, Ordering};

use enact::store::{EntityKey, NewJob, StoredEntity};
use enact::{Job, JobId, JobState};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

/// Memory for entities, and as much again for jobs, in bytes.
const CAPACITY: u64 = 16 * 1024 * 1024;

/// The weight of a typical entry, for a first estimate of the number of entries.
const TYPICAL: u64 = 512;

/// The number of running jobs whose sequence numbers are kept.
const RUNNING_JOBS: usize = 16 * 1024;

/// The writer keeps it coherent: it clears it when another process has written and when a transaction is rolled back.
///
/// Transactions are numbered, because the result of a write may have to wait until an earlier transaction is durable.
pub(crate) struct WriteCache {
    entities: Cache<EntityKey, StoredEntity, Bytes>,
    /// Submitted jobs by sequence number, until they are claimed. Only the writer uses this and the next two.
    submitted: Cache<i64, SubmittedEntry, Bytes>,
    /// Running jobs, until they end.
    running: Cache<JobId, RunningEntry>,
    /// The number of the current transaction, or of the last.
    transaction: AtomicU64,
}

#[derive(Clone)]
struct SubmittedEntry {
    job: NewJob,
    /// The last transaction that changed it: the one that inserted it, or the last that ended something it waited for.
    changed_by: u64,
    /// The number of bytes of its texts.
    text_bytes: usize,
}

#[derive(Clone, Copy)]
struct RunningEntry {
    seq: i64,
    /// The transaction that must be durable before it runs.
    depends_on: u64,
}

impl WriteCache {
    pub(crate) fn new() -> Self {
        let count = usize::try_from(CAPACITY / TYPICAL).unwrap_or(usize::MAX);
        Self {
            entities: Cache::with_weighter(count, CAPACITY, Bytes),
            submitted: Cache::with_weighter(count, CAPACITY, Bytes),
            running: Cache::new(RUNNING_JOBS),
            transaction: AtomicU64::new(0),
        }
    }

    pub(crate) fn begin_transaction(&self) {
        self.transaction.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn transaction(&self) -> u64 {
        self.transaction.load(Ordering::Relaxed)
    }

    pub(crate) fn entity(&self, key: &EntityKey) -> Option<StoredEntity> {
        self.entities.get(key)
    }

    /// Only for committed entities.
    pub(crate) fn insert_entity(&self, key: EntityKey, entity: StoredEntity) {
        self.entities.insert(key, entity);
    }

    pub(crate) fn insert_submitted(&self, seq: i64, job: NewJob, text_bytes: usize) {
        self.submitted.insert(seq, SubmittedEntry { job, changed_by: self.transaction(), text_bytes });
    }

    /// Something that the job waited for has ended. If the job runs next, it depends on this transaction too.
    pub(crate) fn note_unblocked(&self, seq: i64) {
        if let Some((_, SubmittedEntry { job, text_bytes, .. })) = self.submitted.remove(&seq) {
            self.insert_submitted(seq, job, text_bytes);
        }
    }

    /// A submitted job, if it is cached.
    pub(crate) fn submitted(&self, seq: i64) -> Option<NewJob> {
        self.submitted.get(&seq).map(|entry| entry.job)
    }

    /// Returns the job of a claim if it is cached, and keeps it as running.
    pub(crate) fn claim(&self, seq: i64) -> Option<Job> {
        let (_, SubmittedEntry { job, changed_by, .. }) = self.submitted.remove(&seq)?;
        let depends_on = if job.repeatable { changed_by } else { self.transaction() };
        self.running.insert(job.id, RunningEntry { seq, depends_on });
        Some(job.into_job(JobState::Running))
    }

    /// Keeps a running job that depends on the current transaction.
    pub(crate) fn insert_running(&self, seq: i64, job: JobId) {
        self.running.insert(job, RunningEntry { seq, depends_on: self.transaction() });
    }

    pub(crate) fn remove_running(&self, job: JobId) {
        self.running.remove(&job);
    }

    pub(crate) fn remove_job(&self, seq: i64, job: JobId) {
        self.submitted.remove(&seq);
        self.running.remove(&job);
    }

    pub(crate) fn seq_of_running(&self, job: JobId) -> Option<i64> {
        self.running.get(&job).map(|running| running.seq)
    }

    /// The transaction that must be durable before a running job runs; the current one if it is unknown.
    pub(crate) fn dependency_of(&self, running: JobId) -> u64 {
        self.running.get(&running).map_or_else(|| self.transaction(), |running| running.depends_on)
    }

    pub(crate) fn clear(&self) {
        self.entities.clear();
        self.submitted.clear();
        self.running.clear();
    }
}

/// Weighs texts, and for each entry its overhead, that of its allocations included.
#[derive(Clone)]
struct Bytes;

impl Weighter<EntityKey, StoredEntity> for Bytes {
    fn weight(&self, key: &EntityKey, entity: &StoredEntity) -> u64 {
        const ENTRY: usize = 192;
        (ENTRY + key.id.as_str().len() + entity.body.as_str().len()) as u64
    }
}

impl Weighter<i64, SubmittedEntry> for Bytes {
    fn weight(&self, _: &i64, submitted: &SubmittedEntry) -> u64 {
        const ENTRY: usize = 768;
        (ENTRY + submitted.text_bytes) as u64
    }
}
