//! Deletion of ended jobs.

use jiff::Timestamp;

use super::position::PageToken;
use crate::model::JobState;

/// Which jobs to delete, by the state in which they ended and when.
#[derive(Clone, Debug)]
pub struct Prune {
    /// Jobs that succeeded before this time.
    pub succeeded_before: Option<Timestamp>,
    /// Jobs that failed before this time.
    pub failed_before: Option<Timestamp>,
    /// Jobs that were cancelled before this time.
    pub cancelled_before: Option<Timestamp>,
    /// The current time. Jobs that are dated later (clock skew) do not end the search.
    pub now: Timestamp,
    /// Where the previous call stopped.
    pub after: Option<PageToken>,
    /// The largest number of jobs to examine.
    pub limit: usize,
}

impl Prune {
    /// Whether this deletes jobs that ended in this state at this time.
    pub fn matches(&self, state: JobState, ended_at: Timestamp) -> bool {
        let before = match state {
            JobState::Succeeded => self.succeeded_before,
            JobState::Failed => self.failed_before,
            JobState::Cancelled => self.cancelled_before,
            JobState::Waiting | JobState::Ready | JobState::Running | JobState::Unknown(_) => None,
        };
        before.is_some_and(|before| ended_at < before)
    }

    /// The latest of the three times. A job that was submitted then or later is too young to be deleted, unless a clock was set
    /// back. `None` if there are no jobs to delete.
    pub fn horizon(&self) -> Option<Timestamp> {
        [self.succeeded_before, self.failed_before, self.cancelled_before].into_iter().flatten().max()
    }

    /// Whether the search ends at a job that was submitted at this time: between the horizon and now. Later jobs are younger.
    pub fn ends_at(&self, created_at: Timestamp) -> bool {
        self.horizon().is_none_or(|horizon| horizon <= created_at && created_at <= self.now)
    }
}

/// The result of [`Store::prune`](super::Store::prune).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pruned {
    /// The number of deleted jobs.
    pub deleted: u64,
    /// Where the next call continues; `None` if the search has ended.
    pub next: Option<PageToken>,
}
