//! Claims of ready jobs, and the leases that cover them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::{Job, WorkerId};

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
