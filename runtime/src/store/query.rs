//! Queries for jobs.

use std::sync::Arc;

use jiff::Timestamp;

use super::position::PageToken;
use crate::model::{CorrelationId, Job, JobKind, JobState};

/// Which jobs to find ([r28](crate::rules#r28)): those that match all criteria. Default: all jobs, oldest first, at most 100.
///
/// ```
/// use enact::{JobQuery, JobState};
///
/// let failed = JobQuery::new().state(JobState::Failed).name("Withdraw").latest_first().limit(20);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct JobQuery {
    /// The states to find; empty: all.
    pub states: Vec<JobState>,
    /// The name of a command or event handler.
    pub name: Option<String>,
    /// A correlation.
    pub correlation: Option<CorrelationId>,
    /// Submitted at this time or later.
    pub created_from: Option<Timestamp>,
    /// Submitted before this time.
    pub created_before: Option<Timestamp>,
    /// Latest first instead of oldest first.
    pub latest_first: bool,
    /// The largest number of jobs.
    pub limit: usize,
    /// The page to return; `None`: the first.
    pub page: Option<PageToken>,
}

impl JobQuery {
    /// All jobs, oldest first, at most 100.
    pub fn new() -> Self {
        Self {
            states: Vec::new(),
            name: None,
            correlation: None,
            created_from: None,
            created_before: None,
            latest_first: false,
            limit: 100,
            page: None,
        }
    }

    /// Finds jobs in this state. Called again, it finds jobs in any of the states.
    #[must_use]
    pub fn state(mut self, state: JobState) -> Self {
        self.states.push(state);
        self
    }

    /// Finds jobs in any of these states, added to those set before.
    #[must_use]
    pub fn states(mut self, states: impl IntoIterator<Item = JobState>) -> Self {
        self.states.extend(states);
        self
    }

    /// Finds jobs of the command or event handler with this name: the name under which they were submitted
    /// ([r52](crate::rules#r52)).
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Finds jobs with this correlation.
    #[must_use]
    pub fn correlation(mut self, correlation: CorrelationId) -> Self {
        self.correlation = Some(correlation);
        self
    }

    /// Finds jobs that were submitted at this time or later.
    #[must_use]
    pub fn created_from(mut self, time: Timestamp) -> Self {
        self.created_from = Some(time);
        self
    }

    /// Finds jobs that were submitted before this time.
    #[must_use]
    pub fn created_before(mut self, time: Timestamp) -> Self {
        self.created_before = Some(time);
        self
    }

    /// Returns the latest jobs first.
    #[must_use]
    pub fn latest_first(mut self) -> Self {
        self.latest_first = true;
        self
    }

    /// Returns at most this number of jobs.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Returns the page that [`JobPage::next`] of the page before it names.
    #[must_use]
    pub fn page(mut self, token: impl Into<Option<PageToken>>) -> Self {
        self.page = token.into();
        self
    }
}

impl Default for JobQuery {
    fn default() -> Self {
        Self::new()
    }
}

/// A page of the jobs that match a query.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct JobPage {
    /// The jobs.
    pub jobs: Vec<Job>,
    /// The next page; `None` if this is the last.
    pub next: Option<PageToken>,
}

impl JobPage {
    /// A page, for stores.
    pub fn new(jobs: Vec<Job>, next: Option<PageToken>) -> Self {
        Self { jobs, next }
    }
}

/// The number of jobs of one handler in one state.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobCount {
    /// What the jobs run.
    pub kind: JobKind,
    /// The name of the command or event handler.
    pub name: Arc<str>,
    /// The state.
    pub state: JobState,
    /// The number of jobs.
    pub count: u64,
}

/// The number of jobs of one name that have not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LiveCount {
    /// The name of the command or event handler.
    pub name: Arc<str>,
    /// The number of jobs.
    pub count: u64,
}

impl LiveCount {
    /// A count, for stores.
    pub fn new(name: Arc<str>, count: u64) -> Self {
        Self { name, count }
    }
}

impl JobCount {
    /// A count, for stores.
    pub fn new(kind: JobKind, name: Arc<str>, state: JobState, count: u64) -> Self {
        Self { kind, name, state, count }
    }
}
