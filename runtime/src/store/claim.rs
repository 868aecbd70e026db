//! Claims of ready jobs, and the leases that cover them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::{Job, WorkerId};

/// A worker's request for jobs.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The worker.
    pub worker: WorkerId,
    /// The queue of each job name, as an index into `room`. Jobs of other names are not claimed.
    pub queues: Arc<HashMap<Arc<str>, usize>>,
    /// The largest number of jobs to claim from each queue.
    pub room: Vec<usize>,
    /// The current time.
    pub now: Timestamp,
}

impl Claim {
    /// The largest number of due jobs that one call makes `Ready`.
    pub const MAX_WOKEN: usize = 1000;
}

/// What a claim returns.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The jobs, each `Running`; [`Job::attempts`] counts the new attempt. Those of one queue are in the order in which they run.
    pub jobs: Vec<Job>,
    /// The earliest time that a job of any name waits for, if it waits for nothing else. Not later than now if more jobs were due than
    /// [`Claim::MAX_WOKEN`]: claim again at once.
    pub next_due: Option<Timestamp>,
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

/// A running job and its attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct RunningJob {
    /// The job. [`Job::attempts`] is the number of the running attempt.
    pub job: Job,
    /// The worker of the attempt.
    pub worker: WorkerId,
    /// When the attempt began.
    pub started_at: Timestamp,
}
