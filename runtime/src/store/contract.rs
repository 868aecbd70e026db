//! The [`Store`] trait.

use async_trait::async_trait;
use jiff::Timestamp;

use super::claim::{Claim, Claimed, Lease, RunningJob};
use super::commit::{Commit, CommitError, Committed};
use super::entity::{EntityKey, StoredEntity};
use super::error::StoreError;
use super::event::{Cursor, NewEvent, StoredEvent};
use super::job::{Changed, NewJob, Submitted};
use super::prune::{Prune, Pruned};
use super::query::{JobCount, JobPage, JobQuery};
use super::tick::{NewTick, Ticked};
use crate::model::{Attempt, Failure, Job, JobId, Key, WorkerId};

/// A database that keeps entities, events and jobs.
///
/// # What every store promises
///
/// - **Whole or not at all.** Each call of [`submit`](Self::submit) and [`commit`](Self::commit) is one transaction: after
///   an error, and after a crash at any point, all of it is on record or nothing is. Calls that run at the same time may
///   share a transaction of the database as long as each can fail alone.
/// - **Durable.** When a writing call has returned `Ok`, its effects survive the death of the process, and of the
///   machine unless the store was told to relax that. Only the beginning of an attempt that [may be
///   repeated](NewJob::repeatable) may survive the death of the machine a moment later; what has caused the attempt
///   survives it when the call returns.
/// - **States.** A job changes its state only as [`JobState::TRANSITIONS`] says, under any race.
/// - **Order.** Jobs and events have a place in one order each, that of their transactions and, within one, of the
///   call's vectors. Places are never given twice, not even those of what was pruned.
/// - **What a job waits for.** A job is `Waiting` as long as one of these holds, and `Ready` as soon as none does: it has
///   not its turn in its lane; a job that it [comes after](NewJob::after) has not succeeded; its time
///   ([`NewJob::due_at`], [`Next::Retry`]) has not come. What waits for nothing but a time becomes `Ready` with the
///   first claim from that time on; the rest in the transaction that ends what it waited for.
/// - **Lanes** (r26). Of the jobs that share an order key and have not ended, one has the turn: the first on record. All
///   others are `Waiting`. When it ends, in whatever state, the turn goes to the first of those that are left. A job that is
///   retried, or waits for something else, keeps the turn. A failed job that is [retried by hand](Self::retry) stands again
///   where it stood: it takes the turn from a job behind it, unless that one is `Ready` or `Running`. Jobs that
///   [start at once](NewJob::start) have no order key.
/// - **Predecessors** (r26). A job that comes after one that has failed waits on: that one may be retried. One that
///   comes after a cancelled job is cancelled with it, in the same transaction, and so are those after it; if the other was cancelled
///   before it is put on record, it is `Cancelled` from the start.
///   One that comes after a job of the same call that [is not added, because it exists](Submitted::Existing), comes after the one
///   that exists: [`Job::after`] names that.
/// - **Idempotency** (r25). No two jobs have the same idempotency key.
/// - **Time** comes in through the arguments; a store has no clock. It keeps microseconds at least.
/// - **Fidelity.** What is read is what was written, to the letter: JSON comes back as the same text.
///
/// Where a call could be refused for several reasons, any of them may be the answer.
///
/// Answers may be stale in what other processes have done since, never in what the same caller has been told.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Puts events and jobs on record, in order. Answers for each job, in order.
    ///
    /// A job whose idempotency key is taken is not added: the answer is the job that has it. That one may be part of the
    /// same call. Whether it is [the same request](NewJob::is_same_request) is in the answer, too. Nor is a job added whose
    /// [queue is full](NewJob::max_queued), or that comes after one that there is not. If events are put on record, too, and a job
    /// cannot be added for one of these two reasons, nothing of the call is on record: it is whole or not at all.
    async fn submit(&self, events: Vec<NewEvent>, jobs: Vec<NewJob>) -> Result<Vec<Submitted>, StoreError>;

    /// Makes `Ready` what waited for nothing but a time that has come, then hands out `Ready` jobs of each queue of the claim, as many as
    /// there is room for: those of the highest priority first, and of one priority in the order of record. Each is `Running` when
    /// the call returns, with one more attempt begun by the claiming worker.
    ///
    /// However many jobs are due at midnight, no call takes long: it makes at most [`Claim::MOST_WOKEN`] of them `Ready`, those first that
    /// are due first, and of one time in the order of record. If there are more, [`Claimed::next_due`] is not later than now.
    async fn claim(&self, claim: Claim) -> Result<Claimed, StoreError>;

    /// Loads an entity for an execution: as it was last committed when the execution's attempt began, or later. What
    /// other processes have committed since the attempt began may be missing from it; the commit finds out (r17).
    async fn load(&self, entity: &EntityKey) -> Result<Option<StoredEntity>, StoreError>;

    /// Ends an attempt, and puts what it staged on record with it.
    ///
    /// # Errors
    /// See [`CommitError`]. After an error nothing of the commit is on record.
    async fn commit(&self, commit: Commit) -> Result<Committed, CommitError>;

    /// Puts a worker's lease on record in the place of the one before: it says that it is alive (r23). The first call introduces the
    /// worker.
    async fn renew(&self, lease: Lease) -> Result<(), StoreError>;

    /// Takes a worker off the record that has renewed its lease so often, and runs nothing: one that has renewed it since, or
    /// runs something on record, stays.
    async fn retire(&self, worker: &WorkerId, renewals: u64) -> Result<(), StoreError>;

    /// The lease of every worker that runs something on record.
    async fn leases(&self) -> Result<Vec<Lease>, StoreError>;

    /// What a worker runs: at most `limit` jobs, first ones first.
    async fn running(&self, worker: &WorkerId, limit: usize) -> Result<Vec<RunningJob>, StoreError>;

    /// Calls jobs off (r24): those that are `Waiting`, `Ready` or `Running` are `Cancelled` when the call returns, and a
    /// running attempt has ended with `failure`. Answers for each, in order.
    async fn cancel(
        &self,
        jobs: Vec<JobId>,
        failure: Failure,
        now: Timestamp,
    ) -> Result<Vec<Changed>, StoreError>;

    /// Lets failed jobs run again (r22): each is `Ready`, or `Waiting` for its turn, its attempts are kept, and [`Job::spent`] counts
    /// them. Answers for each, in order.
    async fn retry(&self, jobs: Vec<JobId>) -> Result<Vec<Changed>, StoreError>;

    /// Deletes jobs that have ended, with their attempts and idempotency keys: those that `prune` names, except what another job
    /// [waits for](NewJob::after). Looks at [`Prune::limit`] jobs, in the order of record, up to the first that is
    /// [too young for any behind it to be one of them](Prune::ends_at).
    async fn prune(&self, prune: Prune) -> Result<Pruned, StoreError>;

    /// Deletes the first events, those emitted before `before`: at most `limit`. Answers how many. The first that was emitted later,
    /// but not after `now`, keeps those behind it. One that is dated after `now`, by a clock that was ahead, is kept, and does not.
    async fn prune_events(&self, before: Timestamp, now: Timestamp, limit: usize) -> Result<u64, StoreError>;

    /// Notes that a schedule has ticked, and puts the tick's jobs on record as by [`submit`](Self::submit): if the last tick
    /// on record is the one that the caller knows, so that of all processes one does it.
    async fn tick(&self, tick: NewTick) -> Result<Ticked, StoreError>;

    /// Finds a job.
    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError>;

    /// Finds jobs, in the order that they were put on record.
    async fn jobs(&self, query: &JobQuery) -> Result<JobPage, StoreError>;

    /// How many jobs there are, by kind, name and state. Combinations that do not occur are left out.
    async fn count_jobs(&self) -> Result<Vec<JobCount>, StoreError>;

    /// The attempts of a job, first to last; a running one is the last. Empty if there is no such job.
    async fn attempts(&self, id: JobId) -> Result<Vec<Attempt>, StoreError>;

    /// Finds an entity as last committed.
    async fn entity(&self, entity: &EntityKey) -> Result<Option<StoredEntity>, StoreError>;

    /// Entities of one type in the order of their keys' bytes: at most `limit` behind `after`.
    async fn entities(
        &self,
        entity: &str,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<(Key, StoredEntity)>, StoreError>;

    /// Events in commit order: at most `limit` behind `after`. An event that commits later never stands before one that
    /// was answered earlier.
    async fn events(&self, after: Cursor, limit: usize) -> Result<Vec<StoredEvent>, StoreError>;
}
