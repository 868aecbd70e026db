//! Ticks of schedules.

use std::sync::Arc;

use jiff::Timestamp;

use super::new_job::{NewJob, Submitted};
use crate::model::JobId;

/// A tick to record.
#[derive(Clone, Debug)]
pub struct NewTick {
    /// The name of the schedule.
    pub schedule: Arc<str>,
    /// Its former names, which share its position: programs that know it by one of them run beside this one. The last tick is the latest
    /// that is stored under any of the names, and is stored under all of them afterwards.
    pub aliases: &'static [&'static str],
    /// The stored last tick, as the caller knows it; `None` if it knows of none.
    pub last: Option<Timestamp>,
    /// The last tick afterwards.
    pub at: Timestamp,
    /// Whether the tick is recorded without its jobs while the last job of an earlier tick has not ended.
    pub unless_running: bool,
    /// The jobs to submit.
    pub jobs: Vec<NewJob>,
}

/// The outcome of recording a tick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ticked {
    /// It was recorded; the outcomes of its jobs, as of [`Store::submit`](super::Store::submit).
    Done(Vec<Submitted>),
    /// It was recorded without its jobs, because this job of an earlier tick has not ended.
    Overlaps(JobId),
    /// It was not: this is the stored last tick.
    Stale(Option<Timestamp>),
}

/// What is stored of a schedule: its last tick, and the last job that its ticks have submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchedulePosition {
    /// The last tick.
    pub tick: Timestamp,
    /// The last job; `None` if no tick had one.
    pub job: Option<JobId>,
}

impl SchedulePosition {
    /// The job of a tick that was recorded as `submitted`: the last that was stored, or existed already.
    pub fn last_job(jobs: impl DoubleEndedIterator<Item = JobId>, submitted: &[Submitted]) -> Option<JobId> {
        let stored = |(job, submitted): (JobId, &Submitted)| match submitted {
            Submitted::New => Some(job),
            Submitted::Existing(existing) => Some(*existing),
            Submitted::Mismatch(_) | Submitted::Full(_) | Submitted::NoPredecessor(_) => None,
        };
        jobs.zip(submitted).filter_map(stored).last()
    }
}
