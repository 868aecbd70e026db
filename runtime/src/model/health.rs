//! Whether a runtime can do its work.

use std::fmt;

use super::clock::Timestamp;
use super::failure::Failure;

/// Whether a runtime can do its work ([r37](crate::rules#r37)): a snapshot, which [`Runtime::health`](crate::Runtime::health) returns.
///
/// Two values are equal if the same parts have had the same problems without a pause.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Health {
    /// What does not work, ordered by the part.
    pub problems: Vec<HealthProblem>,
}

/// A part of a runtime that does not work.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HealthProblem {
    /// What does not work.
    pub part: HealthPart,
    /// When it failed first.
    pub since: Timestamp,
    /// How often it has failed since.
    pub failures: u64,
    /// Why it failed last.
    pub failure: Failure,
}

/// What a host may do with the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum HealthState {
    /// Everything works.
    Healthy,
    /// Jobs run, and something else fails.
    Degraded,
    /// No job can begin, or running attempts may be lost.
    Unavailable,
}

/// A part of a runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum HealthPart {
    /// The renewal of the worker's lease, a write to the store.
    Lease,
    /// The claims of jobs, a write to the store at least once a second.
    Claims,
    /// The task that claims jobs: it has not run for seconds, because handlers hold the threads of the tokio runtime.
    Dispatcher,
    /// The store has refused a command or an event within the last seconds.
    Requests,
    /// The store has refused the end of an attempt within the last seconds.
    Commits,
    /// The rescue of other workers' attempts.
    Rescues,
    /// The ticks of recurring commands.
    Schedules,
    /// The deletion of old jobs and events.
    Retention,
}

impl Health {
    /// The worst state of any part.
    pub fn state(&self) -> HealthState {
        self.problems.iter().map(|problem| problem.part.state()).max().unwrap_or(HealthState::Healthy)
    }

    /// Whether nothing fails.
    pub fn is_healthy(&self) -> bool {
        self.problems.is_empty()
    }
}

impl PartialEq for Health {
    fn eq(&self, other: &Self) -> bool {
        let parts = |health: &Self| -> Vec<_> {
            health.problems.iter().map(|problem| (problem.part, problem.since)).collect()
        };
        parts(self) == parts(other)
    }
}

impl HealthPart {
    /// The state of a runtime in which this part does not work.
    fn state(self) -> HealthState {
        match self {
            Self::Lease | Self::Claims | Self::Dispatcher => HealthState::Unavailable,
            Self::Requests | Self::Commits | Self::Rescues | Self::Schedules | Self::Retention => {
                HealthState::Degraded
            }
        }
    }

    /// What fails.
    pub(crate) fn problem(self) -> &'static str {
        match self {
            Self::Lease => "cannot renew the lease",
            Self::Claims => "cannot claim jobs",
            Self::Dispatcher => "the dispatcher does not run",
            Self::Requests => "cannot store commands and events",
            Self::Commits => "cannot store the ends of attempts",
            Self::Rescues => "cannot check the leases of other workers",
            Self::Schedules => "cannot record the ticks of schedules",
            Self::Retention => "cannot delete old jobs and events",
        }
    }
}

/// The problems, one on each line.
impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_healthy() {
            return f.write_str("healthy");
        }
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl fmt::Display for HealthProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { part, since, failures, failure } = self;
        write!(f, "{} since {since} ({failures} times): {failure}", part.problem())
    }
}
