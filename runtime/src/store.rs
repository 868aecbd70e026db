//! What a runtime needs of a database: the [`Store`] trait and the records that pass through it.
//!
//! A store keeps and finds; it decides nothing. Creation, invariants, retry and naming are the runtime's business, and
//! reach a store as finished records. Every store passes the conformance suite in `tests/`.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    Attempt, Cause, ContextSeed, CorrelationId, EventId, Failure, Job, JobId, JobKind, JobState, Json, Key,
    WorkerId,
};

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

/// Names an entity in a store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EntityKey {
    /// The name of its type.
    pub entity: &'static str,
    /// Its id.
    pub id: Key,
}

impl fmt::Display for EntityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.entity, self.id)
    }
}

/// An entity as last committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntity {
    /// Counts its commits, from 1 (r17).
    pub version: u64,
    /// The entity as JSON.
    pub body: Json,
}

/// A job to be put on record.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// Its id.
    pub id: JobId,
    /// The name of the command, or of the event handler.
    pub name: Arc<str>,
    /// What the same command was called before: a request of one of these names is one of this name (r25, r52).
    pub aliases: &'static [&'static str],
    /// Which of the two it is.
    pub kind: JobKind,
    /// The command or the event.
    pub payload: Json,
    /// The entity that its command targets.
    pub target: Option<Key>,
    /// The lane that it runs in.
    pub order_key: Option<Key>,
    /// The key under which it is taken only once.
    pub idempotency_key: Option<Key>,
    /// The matter that it belongs to.
    pub correlation: CorrelationId,
    /// What caused it.
    pub cause: Option<Cause>,
    /// What crosses from its publisher.
    pub context: Arc<ContextSeed>,
    /// Of the jobs of one queue that are ready, those of a higher priority are handed out first. 0 if nobody has said.
    pub priority: i32,
    /// The jobs that must have succeeded before it is `Ready` (r26): on record, or before it in the same call.
    pub after: Vec<JobId>,
    /// The time that it waits for.
    pub due_at: Option<Timestamp>,
    /// When its attempts must have ended.
    pub deadline: Option<Timestamp>,
    /// How many jobs of its name may be on record that have not ended, without this one; `None`: any number.
    pub max_queued: Option<u64>,
    /// Now.
    pub created_at: Timestamp,
    /// Whether its attempts may be repeated (r22), so that one may be forgotten that was about to begin when the machine
    /// died. `false` is always safe.
    pub repeatable: bool,
    /// The worker that begins the first attempt at once: the job is `Running` from the start, is never claimed, and has
    /// no order key.
    pub start: Option<WorkerId>,
}

impl NewJob {
    /// A job that belongs to a matter of its own, and of which nothing else is said.
    pub fn new(id: JobId, kind: JobKind, name: impl Into<Arc<str>>, payload: Json, now: Timestamp) -> Self {
        Self {
            id,
            name: name.into(),
            aliases: &[],
            kind,
            payload,
            target: None,
            order_key: None,
            idempotency_key: None,
            correlation: CorrelationId::new(id.to_string()),
            cause: None,
            context: Arc::default(),
            priority: 0,
            after: Vec::new(),
            due_at: None,
            deadline: None,
            max_queued: None,
            created_at: now,
            repeatable: false,
            start: None,
        }
    }

    /// Whether a job on record of this name, with this payload, is the same request (r25): the same command, whatever it
    /// was called then, and the same payload, whatever the order of its keys.
    pub fn is_same_request(&self, name: &str, payload: &Json) -> bool {
        let same_payload = || match (self.payload.value(), payload.value()) {
            (Ok(own), Ok(other)) => own == other,
            _ => false,
        };
        let same_name = &*self.name == name || self.aliases.contains(&name);
        same_name && (self.payload == *payload || same_payload())
    }

    /// The job as it stands right after it was put on record in `state`.
    pub fn into_job(self, state: JobState) -> Job {
        Job {
            id: self.id,
            name: self.name,
            kind: self.kind,
            payload: self.payload,
            state,
            target: self.target,
            order_key: self.order_key,
            idempotency_key: self.idempotency_key,
            correlation: self.correlation,
            cause: self.cause,
            context: self.context,
            priority: self.priority,
            after: self.after,
            deadline: self.deadline,
            created_at: self.created_at,
            due_at: if state == JobState::Waiting { self.due_at } else { None },
            ended_at: state.has_ended().then_some(self.created_at),
            attempts: u32::from(self.start.is_some()),
            spent: 0,
            output: None,
            failure: None,
        }
    }
}

/// What became of a job that was submitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// It is on record.
    New,
    /// Its idempotency key belongs to this job, which is the same request.
    Existing(JobId),
    /// Its idempotency key belongs to this job, which is another request.
    Mismatch(JobId),
    /// So many jobs of its name wait or run already.
    Full(u64),
    /// There is no job on record that it could come after by this id.
    NoPredecessor(JobId),
}

/// An event to be put on record.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Its id.
    pub id: EventId,
    /// The name of its type.
    pub name: Arc<str>,
    /// The event as JSON.
    pub payload: Json,
    /// The matter that it belongs to.
    pub correlation: CorrelationId,
    /// The job whose handler emitted it; `None` if a caller at the boundary did.
    pub cause: Option<JobId>,
    /// When it was committed: all events of one commit have the same time.
    pub emitted_at: Timestamp,
}

/// A committed event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its place in the commit order.
    pub cursor: Cursor,
    /// Its id: what a relay deduplicates by (r18).
    pub id: EventId,
    /// The name of its type.
    pub name: Arc<str>,
    /// The event as JSON.
    pub payload: Json,
    /// The matter that it belongs to.
    pub correlation: CorrelationId,
    /// The job whose handler emitted it; `None` if a caller at the boundary did.
    pub cause: Option<JobId>,
    /// When it was committed: all events of one commit have the same time.
    pub emitted_at: Timestamp,
}

/// A place in the commit order of events, or between two of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor(u64);

impl Cursor {
    /// Before the first event.
    pub const START: Self = Self(0);

    /// The cursor that a relay has kept as a number.
    pub const fn from_u64(position: u64) -> Self {
        Self(position)
    }

    /// The cursor as a number to keep.
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

/// A worker asks for jobs.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Who asks.
    pub worker: WorkerId,
    /// The queue that jobs of each name are in, as an index of `room`. Jobs of other names are left alone.
    pub queues: Arc<HashMap<Arc<str>, usize>>,
    /// How many it can take of each queue.
    pub room: Vec<usize>,
    /// Now.
    pub now: Timestamp,
}

impl Claim {
    /// How many jobs whose time has come one call makes `Ready`, at most.
    pub const MOST_WOKEN: usize = 1000;
}

/// What a claim answers.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The jobs, each `Running` with [`Job::attempts`] counting the new attempt. Those of one queue are in the order in
    /// which they are to run.
    pub jobs: Vec<Job>,
    /// The earliest time that a job of any name waits for, and for nothing else; `None` if there is none. It has come already if more
    /// were due than [one call makes `Ready`](Claim::MOST_WOKEN): claim again at once.
    pub next_due: Option<Timestamp>,
}

/// What a worker has last said of itself (r23). How long ago that was is for whoever watches it to measure, by a clock of
/// their own: so no step of any machine's clock ends a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The worker.
    pub worker: WorkerId,
    /// Counts its renewals, from 1, even if it was taken off the record meanwhile; 0 if it never took a lease.
    pub renewals: u64,
    /// How long after a renewal it is taken for alive; zero if it never took a lease. A store keeps microseconds.
    pub length: Duration,
}

/// A job that runs, or ran when its worker was last heard of.
#[derive(Clone, Debug, PartialEq)]
pub struct RunningJob {
    /// The job. The running attempt's number is [`Job::attempts`].
    pub job: Job,
    /// The worker that began the attempt.
    pub worker: WorkerId,
    /// When it began.
    pub started_at: Timestamp,
}

/// The end of an attempt, and everything that it staged.
#[derive(Clone, Debug)]
pub struct Commit {
    /// The job.
    pub job: JobId,
    /// The attempt. With [`Attempt::worker`] and [`Attempt::number`] it is the fence: the job must be `Running` that very
    /// attempt of that very worker.
    pub attempt: Attempt,
    /// If the attempt is given up in its worker's stead: how often the worker had renewed its lease when it was last seen
    /// ([`Lease::renewals`]). It must not have done so since.
    pub lapsed: Option<u64>,
    /// What becomes of the job.
    pub next: Next,
    /// The entity to write.
    pub write: Option<EntityWrite>,
    /// The events to append.
    pub events: Vec<NewEvent>,
    /// The jobs to submit, as by [`Store::submit`], however many are queued.
    pub jobs: Vec<NewJob>,
}

/// What a commit answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Whether there is something to claim now, or to wait for, that there was not before.
    pub has_work: bool,
}

/// What became of a job that somebody has changed by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It was changed, and so were those that came after it: their ids, its own first.
    Done(Vec<JobId>),
    /// It was not: a job in this state does not take that way (r20).
    Illegal(JobState),
    /// There is no such job.
    Missing,
}

/// Which jobs to delete. A job is named by the state in which it ended, and by when it did.
#[derive(Clone, Debug)]
pub struct Prune {
    /// Those that succeeded before this time.
    pub succeeded_before: Option<Timestamp>,
    /// Those that failed before this time.
    pub failed_before: Option<Timestamp>,
    /// Those that were cancelled before this time.
    pub cancelled_before: Option<Timestamp>,
    /// Now: what is dated later, by a clock that was ahead, is no reason not to look behind it.
    pub now: Timestamp,
    /// Look behind this place, where the last call has stopped.
    pub after: Option<PageToken>,
    /// How many jobs to look at, at most.
    pub limit: usize,
}

impl Prune {
    /// Whether a job in this state, which ended then, is one of them.
    pub fn names(&self, state: JobState, ended_at: Timestamp) -> bool {
        let before = match state {
            JobState::Succeeded => self.succeeded_before,
            JobState::Failed => self.failed_before,
            JobState::Cancelled => self.cancelled_before,
            JobState::Waiting | JobState::Ready | JobState::Running => None,
        };
        before.is_some_and(|before| ended_at < before)
    }

    /// No job that was put on record at this time or later is one of them, by a clock that takes no step back; `None`: none is
    /// at all.
    pub fn horizon(&self) -> Option<Timestamp> {
        [self.succeeded_before, self.failed_before, self.cancelled_before].into_iter().flatten().max()
    }

    /// Whether the search ends at a job that was put on record then: between the horizon and now. Those behind it are younger still,
    /// while one that is dated later, by a clock that was ahead, says nothing of them.
    pub fn ends_at(&self, created_at: Timestamp) -> bool {
        self.horizon().is_none_or(|horizon| horizon <= created_at && created_at <= self.now)
    }
}

/// What a call of [`Store::prune`] has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pruned {
    /// How many jobs were deleted.
    pub deleted: u64,
    /// Where to look on; `None` when the search has come to its [end](Prune::ends_at), or to that of the record.
    pub next: Option<PageToken>,
}

/// A schedule has come to a point where something is to be done.
#[derive(Clone, Debug)]
pub struct NewTick {
    /// The name of the schedule.
    pub schedule: Arc<str>,
    /// The last tick that the caller knows of; `None` if it knows of none.
    pub last: Option<Timestamp>,
    /// This tick. It is the last one on record afterwards.
    pub at: Timestamp,
    /// The jobs to submit.
    pub jobs: Vec<NewJob>,
}

/// What became of a tick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ticked {
    /// It is on record, and its jobs are what [`Store::submit`] would answer.
    Done(Vec<Submitted>),
    /// It is not: another one is the last on record.
    Stale(Option<Timestamp>),
}

/// What becomes of a job when an attempt has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// It has succeeded, with what its handler returned.
    Succeeded(Json),
    /// It has failed for good; why is in the attempt.
    Failed,
    /// It runs again, not before this time.
    Retry(Timestamp),
}

/// An entity to be written.
#[derive(Clone, Debug)]
pub struct EntityWrite {
    /// Which one.
    pub key: EntityKey,
    /// The version that it must have on record; 0 if it must not exist. The write's own version is one more.
    pub expected: u64,
    /// The entity as JSON.
    pub body: Json,
}

/// Why a commit was refused.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The entity has another version than was expected (r17); 0 if it does not exist.
    #[error("the entity has version {found} on record")]
    Conflict {
        /// The version on record.
        found: u64,
    },
    /// The attempt is no longer this worker's: it was given up, or the job was cancelled (r23, r24).
    #[error("the attempt is no longer under way on record")]
    Fenced,
    /// The idempotency key of a staged job belongs to another request (r25).
    #[error("the idempotency key of staged job {staged} belongs to job {existing}, which is another request")]
    Mismatch {
        /// The staged job.
        staged: JobId,
        /// The job that has the key.
        existing: JobId,
    },
    /// A staged job is to come after one that there is not (r26).
    #[error("staged job {staged} is to run after job {after}, and there is no such job")]
    NoPredecessor {
        /// The staged job.
        staged: JobId,
        /// What it is to come after.
        after: JobId,
    },
    /// The store could not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The store could not do what it was asked to: it is out of reach, full, broken or of another version. Nothing of the
/// call is on record.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct StoreError {
    message: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl StoreError {
    /// An error that says what is wrong, where, and what to do about it.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None }
    }

    /// The same, with the error behind it.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::new(crate::FailureKind::Unavailable, "store_unavailable", error.message.clone())
            .caused_by(&error)
    }
}

/// Which jobs to find (r28). Everything that is given must match. By default it is any job, first to last, a hundred at
/// a time.
#[derive(Clone, Debug)]
pub struct JobQuery {
    /// In one of these states; empty: in any.
    pub states: Vec<JobState>,
    /// Of the command or event handler of this name. A job is on record under the name that was its handler's then (r52).
    pub name: Option<String>,
    /// Of this matter.
    pub correlation: Option<CorrelationId>,
    /// Put on record at this time or later.
    pub created_from: Option<Timestamp>,
    /// Put on record before this time.
    pub created_before: Option<Timestamp>,
    /// Latest first, instead of first to last.
    pub latest_first: bool,
    /// Behind this place, as the last page has named it.
    pub after: Option<PageToken>,
    /// How many at most.
    pub limit: usize,
}

impl Default for JobQuery {
    fn default() -> Self {
        Self {
            states: Vec::new(),
            name: None,
            correlation: None,
            created_from: None,
            created_before: None,
            latest_first: false,
            after: None,
            limit: 100,
        }
    }
}

/// A place in the order of jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PageToken(u64);

impl PageToken {
    /// The place that a store knows by this number.
    pub const fn from_u64(place: u64) -> Self {
        Self(place)
    }

    /// The place as a number.
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

/// Some of the jobs that match a query.
#[derive(Clone, Debug)]
pub struct JobPage {
    /// The jobs.
    pub jobs: Vec<Job>,
    /// Where the next page begins; `None` if this is the last.
    pub next: Option<PageToken>,
}

/// How many jobs of one handler are in one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobCount {
    /// What the jobs run.
    pub kind: JobKind,
    /// The name of the command or event handler.
    pub name: Arc<str>,
    /// The state.
    pub state: JobState,
    /// How many.
    pub count: u64,
}
