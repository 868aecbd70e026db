//! Ticks of schedules.

use std::sync::Arc;

use jiff::Timestamp;

use super::new_job::{NewJob, Submitted};

/// A tick to record.
#[derive(Clone, Debug)]
pub struct NewTick {
    /// The name of the schedule.
    pub schedule: Arc<str>,
    /// The stored last tick, as the caller knows it; `None` if it knows of none.
    pub last: Option<Timestamp>,
    /// The last tick afterwards.
    pub at: Timestamp,
    /// The jobs to submit.
    pub jobs: Vec<NewJob>,
}

/// The outcome of recording a tick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ticked {
    /// It was recorded; the outcomes of its jobs, as of [`Store::submit`](super::Store::submit).
    Done(Vec<Submitted>),
    /// It was not: this is the stored last tick.
    Stale(Option<Timestamp>),
}
