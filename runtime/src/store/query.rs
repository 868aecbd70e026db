//! Queries for jobs.

use std::sync::Arc;

use jiff::Timestamp;

use crate::model::{CorrelationId, Job, JobKind, JobState};

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
