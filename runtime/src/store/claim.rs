//! Claims of ready jobs, and the leases that cover them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::{Job, JobId, WorkerId};

/// A worker's request for jobs.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The worker.
    pub worker: WorkerId,
    /// The job names that the worker runs. Jobs of other names are not claimed.
    pub names: Arc<HashMap<Arc<str>, Claimable>>,
    /// The largest number of jobs to claim from each queue.
    pub room: Vec<usize>,
    /// The largest number of jobs in line that are claimed behind each job that takes the turn of an entity ([`Batch`]).
    pub batch: usize,
    /// The current time.
    pub now: Timestamp,
}

impl Claim {
    /// The largest number of due jobs that one call makes `Ready`, and of jobs that it puts into lines.
    pub const MAX_WOKEN: usize = 1000;
}

/// How jobs of a name are claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claimable {
    /// The queue, as an index into [`Claim::room`].
    pub queue: usize,
    /// The type of the entity that the handler binds. A job's [target](super::JobSpec::target) is the entity's id.
    pub entity: Option<&'static str>,
}

/// The start of an attempt of a job that a worker [holds](super::Start::Held).
#[derive(Clone, Debug)]
pub struct Begin {
    /// The job.
    pub job: JobId,
    /// The worker that holds it.
    pub worker: WorkerId,
    /// The number of the attempt, which is one more than that of the attempts so far.
    pub number: u32,
    /// Whether the start need not be durable ([`NewJob::repeatable`](super::NewJob::repeatable)).
    pub repeatable: bool,
    /// The current time.
    pub now: Timestamp,
}

/// Takes back an attempt whose handler has not begun, or a hold; or releases a cancelled job.
#[derive(Clone, Debug)]
pub struct Release {
    /// The job.
    pub job: JobId,
    /// The worker that runs or holds it, or did when it was cancelled.
    pub worker: WorkerId,
    /// The number of the attempt: the running or cancelled one, or the one that would be begun next.
    pub number: u32,
    /// For a rescue, as [`Commit::lapsed`](super::Commit::lapsed).
    pub lapsed: Option<u64>,
    /// Whether the worker holds the job from now on. It keeps the turn of its entity. A cancelled job cannot be held.
    pub hold: bool,
}

/// What a claim returns.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The jobs, each `Running`; [`Job::attempts`] counts the new attempt. Those of one queue are in the order in which they run.
    pub jobs: Vec<Job>,
    /// What was claimed behind some of `jobs`, in their order.
    pub batches: Vec<Batch>,
    /// The jobs that cannot be read, each `Failed` now with the failure of [`unreadable_job`](super::unreadable_job).
    pub unreadable: Vec<Job>,
    /// The earliest time that a job of any name waits for, if it waits for nothing else. Not later than now if more jobs were due, or had to
    /// be put into lines, than [`Claim::MAX_WOKEN`]: claim again at once.
    pub next_due: Option<Timestamp>,
}

/// The first jobs in line for an entity, claimed behind the one that has taken its turn, as many as [`Claim::batch`] says and as the queue
/// has room left. They have the queue of that job, and their names say in this claim that they bind that entity; a job that
/// does not, or that cannot be read, ends the batch.
///
/// They share the turn, and the worker holds them. It is the worker that runs them one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The claimed job that has taken the turn.
    pub first: JobId,
    /// The jobs behind it, at least one, in the order in which they run. Each is `Ready`, without the failure of an earlier attempt.
    pub jobs: Vec<Job>,
}

/// The stored lease of a worker ([r23](crate::rules#r23)). It has no times: an observer measures by its own clock how long the number of
/// renewals has not changed, so that no clock step ends a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The worker.
    pub worker: WorkerId,
    /// The number of renewals, from 1, even if the lease was deleted meanwhile; 0 if the worker has no lease.
    pub renewals: u64,
    /// How long the lease is valid after a renewal; zero if the worker has none. Stored in microseconds.
    pub length: Duration,
}

/// A job that a worker runs or holds, or a cancelled one that it has not released.
#[derive(Clone, Debug, PartialEq)]
pub struct RunningJob {
    /// The job. [`Job::attempts`] is the number of the attempt to end or to [release](super::Store::release). A job that is held is
    /// `Ready`, and the number is that of the attempts so far.
    pub job: Job,
    /// The worker.
    pub worker: WorkerId,
    /// When the attempt began; for a job that is held, when the hold began.
    pub started_at: Timestamp,
}
