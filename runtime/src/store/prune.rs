//! Deletion of ended jobs.

use jiff::Timestamp;

use super::query::PageToken;
use crate::model::JobState;

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
