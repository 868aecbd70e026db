//! Ticks of schedules.

use std::sync::Arc;

use jiff::Timestamp;

use super::job::{NewJob, Submitted};

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
