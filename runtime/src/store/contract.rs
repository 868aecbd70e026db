//! The [`Store`] trait.

use std::pin::Pin;

use async_trait::async_trait;
use jiff::Timestamp;

use super::claim::{Begin, Claim, Claimed, Lease, Release, RunningJob};
use super::commit::{Commit, CommitError, Committed, LateEffects};
use super::entity::{EntityKey, StoredEntity};
use super::error::StoreError;
use super::event::{NewEvent, StoredEvent};
use super::new_job::{Changed, NewDue, NewJob, Submitted};
use super::position::Cursor;
use super::prune::{Prune, Pruned};
use super::query::{JobCount, JobPage, JobQuery, LiveCount};
use super::tick::{NewTick, Ticked};
use crate::model::{Attempt, Failure, Job, JobId, JobState, Key, WorkerId};

/// The future of a call that takes effect when it is made.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A database for entities, events and jobs.
///
/// # Promises of every store
///
/// - **Atomic.** Each call is one transaction: after an error, or a crash at any point, either all of its effects are stored or none.
///   Concurrent calls may share a transaction of the database if each can still fail alone. A store behind a network finds out whether a
///   transaction was committed whose confirmation was lost, and returns that. If it cannot, the error says so: the only one after which
///   effects may be stored.
/// - **Durable.** When a writing call returns `Ok`, its effects survive the death of the process, and a crash of the machine
///   unless the store was configured otherwise. Exception: the start of an attempt that
///   [may be repeated](NewJob::repeatable) may become durable later, but what caused the attempt is durable when the call returns.
/// - **States.** A job changes its state only as [`JobState::TRANSITIONS`] says, under any race.
/// - **Order.** Jobs have sequence numbers and events have positions. They increase from a call that has returned to one that is made
///   afterwards, and within a call in the order of its vectors. Of concurrent calls, those of events, and of the jobs of a lane, are in the order of
///   their transactions; other jobs may be numbered in another order, so a page may miss a job whose call had not returned. Numbers are never
///   reused, not even after pruning.
/// - **Waiting.** A job is `Waiting` while any of these blocks it, and `Ready` otherwise: another job is at the head of its lane; a
///   [predecessor](super::JobSpec::after) has not succeeded; its time ([`NewJob::due_at`], [`Next::Retry`](super::Next::Retry)) has not come. A job that is blocked
///   by its time only becomes `Ready` in the first claim from that time on. Any other becomes `Ready` in the transaction that
///   ends its last blocker.
/// - **Lanes** ([r26](crate::rules#r26)). A lane holds the jobs of one order key that have not ended. Its first job is the head, all others are
///   `Waiting`. When the head ends, in any state, the next job becomes the head. A job stays the head while it is retried or
///   waits for something else. A failed job that is [retried by hand](Self::retry) returns to its position: it becomes the head
///   instead of a later job that is `Waiting`, but not of one that is `Ready` or `Running`. Jobs that
///   [start at once](NewJob::start) have no order key.
/// - **Cancelled attempts** ([r24](crate::rules#r24)). When a job is cancelled that a worker runs or holds, it has ended, and its attempt
///   may still run. It keeps its lane and its turn until that worker [releases](Self::release) it, or another does when the worker's lease
///   has expired. Until then the worker [runs](Self::running) it.
/// - **Turns** ([r17](crate::rules#r17)). An entity has one turn among the jobs that are claimed: a claimed job has the turn of the entity that its
///   [name](super::Claimable::entity) and its target name until the attempt ends, or is released without a hold. A `Ready` job whose entity
///   has another job's turn is not claimed: a claim passes it by, and puts it into the entity's line. A claim may also take the
///   [first of the line](super::Batch): they share the turn, which ends with the last of them. When the turn ends, the first job
///   of the line, by priority and then sequence number, can be claimed again. Jobs that [start](NewJob::start) without a claim take no turn.
/// - **Holds.** A `Ready` job that a worker holds is claimed by nobody. It is released when that worker's lease has expired.
/// - **Predecessors** ([r26](crate::rules#r26)). A job stays `Waiting` when a predecessor fails, because that one may be retried. When a
///   predecessor is cancelled, it is cancelled in the same transaction, and so are its own successors. If a predecessor is cancelled already,
///   it is `Cancelled` from the start. A predecessor that is a job of the same call and [exists already](Submitted::Existing) is replaced
///   by the existing job, also in [`JobSpec::after`](super::JobSpec::after).
/// - **Idempotency** ([r25](crate::rules#r25)). Of the jobs that are not cancelled, no two have the same idempotency key. A cancelled job
///   still shows its key, and does not have it any more ([r24](crate::rules#r24)).
/// - **Time** comes from the arguments. A store has no clock. It keeps at least microseconds.
/// - **Fidelity.** What is read is what was written; JSON is the same text.
/// - **Damage** ([r07](crate::rules#r07)). A row that cannot be read affects its own record only. Reads return the record with placeholders and
///   name its [unreadable](Job::unreadable) parts; a document that cannot be read is text that is not JSON. No job, attempt,
///   entity or event is left out. A [claim](Self::claim) ends such a job. What can be read but is not known, such as a
///   [kind](crate::JobKind::Unknown) of a newer version, is not damage.
/// - **Reads** may miss what other processes have just written, but never what the caller has seen confirmed. A listing or a count may
///   include what is not durable yet; [`job`](Self::job), [`states`](Self::states) and [`events`](Self::events) say what they wait for.
///
/// If a call can be refused for several reasons, any of them may be returned.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Appends events and inserts jobs, in order. Returns the outcome of each job, which [`admit`](super::admit) decides.
    ///
    /// If there are events, and a job [has no room](Submitted::Full) or [lacks a predecessor](Submitted::NoPredecessor), nothing is stored.
    async fn submit(&self, events: Vec<NewEvent>, jobs: Vec<NewJob>) -> Result<Vec<Submitted>, StoreError>;

    /// Makes due jobs `Ready`, then claims `Ready` jobs of each queue, as many as the claim has room for: higher priorities first, then by
    /// sequence number. Each is `Running` afterwards, with a new attempt by the claiming worker. Behind those that take the turn of an entity, it may also
    /// claim a [batch](super::Batch).
    ///
    /// A job that cannot be read is `Failed` afterwards with a failed attempt by the worker ([`Claimed::unreadable`]).
    ///
    /// Makes at most [`Claim::MAX_WOKEN`] jobs `Ready`, ordered by time, then sequence number, and puts at most as many into lines, so that
    /// no call takes long. If there are more, [`Claimed::next_due`] is not later than now.
    async fn claim(&self, claim: Claim) -> Result<Claimed, StoreError>;

    /// Returns when another process may have stored something to [claim](Self::claim). It is a hint, which may come too often or not at all:
    /// the engine claims once a second anyway. A hint that comes while nobody waits ends the next wait. By default it never comes.
    fn wait_for_work(&self) -> StoreFuture<'_, ()> {
        Box::pin(std::future::pending())
    }

    /// Loads an entity for an execution, as committed when its attempt began or later. Commits of other processes since then
    /// may be missing; the commit detects the conflict ([r17](crate::rules#r17)).
    async fn load(&self, entity: &EntityKey) -> Result<Option<StoredEntity>, StoreError>;

    /// Ends an attempt and stores what it staged. A commit takes its place when this is called, not when the future is polled, and takes
    /// effect even if the future is dropped: a later call whose commit [follows](Commit::follows) it is decided after it.
    ///
    /// # Errors
    /// See [`CommitError`]. After a refusal nothing is stored. After a failure of the store nothing is stored either, unless its message says that
    /// this is unknown: a later call for the same attempt is refused if it was stored.
    fn commit(&self, commit: Commit) -> StoreFuture<'_, Result<Committed, CommitError>>;

    /// Begins an attempt of a job that the worker holds: it is `Running` afterwards. Returns whether it was held. Takes its place and effect
    /// as [`commit`](Self::commit) does.
    fn begin(&self, begin: Begin) -> StoreFuture<'_, Result<bool, StoreError>>;

    /// Takes back an attempt whose handler has not begun, or a hold: the job is `Ready`, and the attempt is not counted. Or releases a
    /// cancelled job whose attempt has ended: it stays `Cancelled`, and its lane and the turn of its entity pass on. Returns whether it
    /// was that attempt, or that hold, and whether a rescue was justified.
    async fn release(&self, release: Release) -> Result<bool, StoreError>;

    /// Adds to [`Attempt::late_effects`] of attempts that have ended, whatever has happened to their jobs since. Others are skipped.
    async fn add_late_effects(&self, late: Vec<LateEffects>) -> Result<(), StoreError>;

    /// Stores a worker's lease in place of the previous one ([r23](crate::rules#r23)).
    ///
    /// The engine calls this, and [`leases`](Self::leases), on a thread with a tokio runtime of its own. They must complete while
    /// handlers block every thread of the program's tokio runtime, so they must not depend on a task that was spawned there.
    async fn renew(&self, lease: Lease) -> Result<(), StoreError>;

    /// Deletes the lease if its renewal count still equals `renewals` and the worker has none of the jobs that [`running`](Self::running)
    /// returns.
    async fn retire(&self, worker: &WorkerId, renewals: u64) -> Result<(), StoreError>;

    /// The lease of every worker that has one, or that has jobs that [`running`](Self::running) returns. Observers
    /// [retire](Self::retire) those of workers that died idle.
    async fn leases(&self) -> Result<Vec<Lease>, StoreError>;

    /// The jobs that a worker runs or holds, and the cancelled ones that it has not released, by sequence number, at most `limit`.
    async fn running(&self, worker: &WorkerId, limit: usize) -> Result<Vec<RunningJob>, StoreError>;

    /// Cancels jobs that are `Waiting`, `Ready` or `Running` ([r24](crate::rules#r24)). A running attempt ends with `failure`, and is to be
    /// [released](Self::release). Returns the outcome of each, in order.
    async fn cancel(
        &self,
        jobs: Vec<JobId>,
        failure: Failure,
        now: Timestamp,
    ) -> Result<Vec<Changed>, StoreError>;

    /// Retries failed jobs by hand ([r22](crate::rules#r22)): each becomes `Ready`, or `Waiting` if another job is at the head of its lane. Attempts
    /// are kept; [`Job::spent`] becomes their number. Returns the outcome of each, in order.
    async fn retry(&self, jobs: Vec<JobId>) -> Result<Vec<Changed>, StoreError>;

    /// Changes the times that jobs wait for, after the clock was set. A job that does not wait for the time that the caller knows is left as
    /// it is.
    async fn change_due(&self, due: Vec<NewDue>) -> Result<(), StoreError>;

    /// Deletes ended jobs with their attempts and idempotency keys: those that [match](Prune::matches), except predecessors of jobs
    /// that wait for them, and cancelled jobs that are not [released](Self::release). Examines at most [`Prune::limit`] jobs, by sequence number, and stops at the first at which the search
    /// [ends](Prune::ends_at).
    async fn prune(&self, prune: Prune) -> Result<Pruned, StoreError>;

    /// Deletes at most `limit` events that were emitted before `before`, oldest first, and stops at the first event in `before..=now`. Events
    /// dated after `now` (clock skew) are skipped. Returns the number of deleted events.
    async fn prune_events(&self, before: Timestamp, now: Timestamp, limit: usize) -> Result<u64, StoreError>;

    /// Records a tick of a schedule and submits its jobs as [`submit`](Self::submit) does, if the stored last tick is the one that the
    /// caller knows. So one of several processes records it, whichever of its [names](NewTick::aliases) they know. With
    /// [`NewTick::unless_running`] it is recorded without its jobs while the last job of the schedule has not ended.
    async fn tick(&self, tick: NewTick) -> Result<Ticked, StoreError>;

    /// The last tick that is recorded under this name of a schedule; `None` if there is none.
    async fn last_tick(&self, schedule: &str) -> Result<Option<Timestamp>, StoreError>;

    /// Finds a job. If it has ended, its end is durable when this returns, even if another process has stored it.
    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError>;

    /// The state of each of these jobs, in order; `None` if there is no such job. As in [`job`](Self::job), an end that is returned is
    /// durable.
    async fn states(&self, jobs: Vec<JobId>) -> Result<Vec<Option<JobState>>, StoreError>;

    /// Finds jobs by sequence number.
    async fn jobs(&self, query: &JobQuery) -> Result<JobPage, StoreError>;

    /// The number of jobs by kind, name and state. Combinations without jobs are left out.
    async fn count_jobs(&self) -> Result<Vec<JobCount>, StoreError>;

    /// The number of jobs of each name that have not ended, by name. Names without such jobs are left out. It reads a record for each
    /// name, and no job.
    async fn count_live(&self) -> Result<Vec<LiveCount>, StoreError>;

    /// The attempts of a job in order, including a running one; empty if there is no such job.
    async fn attempts(&self, id: JobId) -> Result<Vec<Attempt>, StoreError> {
        Ok(self.attempts_of_jobs(vec![id]).await?.pop().unwrap_or_default())
    }

    /// The attempts of each of these jobs, as [`attempts`](Self::attempts) returns them, in the order of the call.
    async fn attempts_of_jobs(&self, jobs: Vec<JobId>) -> Result<Vec<Vec<Attempt>>, StoreError>;

    /// Finds an entity as last committed.
    async fn entity(&self, entity: &EntityKey) -> Result<Option<StoredEntity>, StoreError>;

    /// At most `limit` entities of a type with keys after `after`, ordered by the bytes of their keys.
    async fn entities(
        &self,
        entity: &str,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<(Key, StoredEntity)>, StoreError>;

    /// At most `limit` events after a cursor, in commit order. An event never appears before one that was already returned.
    ///
    /// All that are returned are durable, even if another process has stored them, so a cursor never denotes another event
    /// ([r18](crate::rules#r18)). If only the first of them are known to be durable, these are returned without waiting for the others: a
    /// page that is shorter than `limit` need not be the last; an empty one is.
    ///
    /// # Errors
    /// [`StoreError::cursor_ahead`] if the cursor is after the last position that was ever assigned. That of a pruned event is not.
    async fn events(&self, after: &Cursor, limit: usize) -> Result<Vec<StoredEvent>, StoreError>;
}
