//! Snapshots of the jobs in a database, and the rates between two of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use enact::clock::{Clock, SystemClock, Timestamp};
use enact::store::Store;
use enact::{Job, JobCount, JobQuery, JobState};

use super::INTERVAL;

/// The number of failed jobs in a snapshot.
const MAX_FAILURES: usize = 20;

/// A snapshot takes longer the more jobs are stored. The pause after it is at least this many times as long.
const PAUSE_FACTOR: u32 = 10;

/// Takes snapshots, and computes rates from each to the next.
pub(super) struct Sampler {
    store: Box<dyn Store>,
    last: Option<Sample>,
}

/// The jobs in the database at one time.
pub(super) struct Snapshot {
    pub(super) at: Timestamp,
    /// The number of jobs by name and state. States are in the order of [`JobState::ALL`].
    pub(super) counts: BTreeMap<Arc<str>, [u64; JobState::ALL.len()]>,
    /// The rates since the last snapshot. `None` for the first.
    pub(super) rates: Option<Rates>,
    /// Failed jobs, latest first.
    pub(super) failures: Vec<Job>,
    /// The time to wait before the next snapshot.
    pub(super) pause: Duration,
}

/// Jobs per second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rates {
    pub(super) published: f64,
    pub(super) ended: f64,
}

/// What rates are computed from.
#[derive(Clone, Copy)]
struct Sample {
    at: Instant,
    /// The number of jobs.
    total: u64,
    /// The number of jobs that have not ended.
    live: u64,
}

impl Sampler {
    pub(super) fn new(store: Box<dyn Store>) -> Self {
        Self { store, last: None }
    }

    pub(super) async fn take(&mut self) -> Result<Snapshot> {
        let start = Instant::now();
        let mut counts: BTreeMap<_, [u64; JobState::ALL.len()]> = BTreeMap::new();
        for JobCount { name, state, count, .. } in self.store.count_jobs().await? {
            let index = JobState::ALL.iter().position(|known| *known == state).unwrap_or_default();
            counts.entry(name).or_default()[index] += count;
        }
        let failed = JobQuery::new().state(JobState::Failed).latest_first().limit(MAX_FAILURES);
        let failures = self.store.jobs(&failed).await?.jobs;
        let live = JobState::ALL.iter().enumerate().filter(|(_, state)| !state.has_ended());
        let live = live.map(|(index, _)| counts.values().map(|counts| counts[index]).sum::<u64>()).sum();
        let total = counts.values().flatten().sum();
        let sample = Sample { at: start, total, live };
        let rates = self.last.replace(sample).map(|last| sample.rates_since(last));
        let pause = (start.elapsed() * PAUSE_FACTOR).max(INTERVAL);
        Ok(Snapshot { at: SystemClock.now(), counts, rates, failures, pause })
    }
}

impl Sample {
    /// A job has ended if it was published and is no longer live. Jobs that are deleted in between lower both rates.
    fn rates_since(self, last: Self) -> Rates {
        let published = self.total.saturating_sub(last.total);
        let ended = (published + last.live).saturating_sub(self.live);
        let seconds = self.at.duration_since(last.at).as_secs_f64().max(f64::EPSILON);
        #[expect(clippy::cast_precision_loss, reason = "exact up to 2⁵² jobs")]
        let per_second = |count: u64| count as f64 / seconds;
        Rates { published: per_second(published), ended: per_second(ended) }
    }
}

impl Snapshot {
    /// Returns the number of jobs in each state.
    pub(super) fn totals(&self) -> [u64; JobState::ALL.len()] {
        let mut totals = [0; JobState::ALL.len()];
        for counts in self.counts.values() {
            totals.iter_mut().zip(counts).for_each(|(total, count)| *total += count);
        }
        totals
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_that_were_published_and_are_not_live_have_ended() {
        let at = Instant::now();
        let first = Sample { at, total: 100, live: 10 };
        let second = Sample { at: at + Duration::from_secs(2), total: 160, live: 4 };
        assert_eq!(second.rates_since(first), Rates { published: 30.0, ended: 33.0 });
        let retried_by_hand = Sample { at: at + Duration::from_secs(3), total: 160, live: 9 };
        assert_eq!(retried_by_hand.rates_since(second), Rates { published: 0.0, ended: 0.0 });
    }
}
