//! What is seen at a look, and what two looks tell.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use enact::clock::{Clock, SystemClock, Timestamp};
use enact::store::{JobCount, JobQuery, PageToken, Store};
use enact::{Job, JobState};
use enact_sqlite::SqliteStore;

use super::INTERVAL;

/// How many of the jobs that have failed are shown.
const FAILURES: usize = 20;

/// A look takes the longer, the more is on record. It may take this part of the time at most.
const SHARE: u32 = 10;

/// Somebody who looks again and again.
pub(super) struct Onlooker {
    store: SqliteStore,
    last: Option<Seen>,
}

/// What there is to see at a time.
pub(super) struct Look {
    pub(super) at: Timestamp,
    /// How many jobs of each name are in each state, by the order of [`JobState::ALL`].
    pub(super) names: BTreeMap<Arc<str>, [u64; JobState::ALL.len()]>,
    /// How many jobs were put on record, and how many have ended, in a second since the last look; nothing at the first.
    pub(super) rates: Option<Rates>,
    /// What has failed, latest first.
    pub(super) failures: Vec<Job>,
    /// When to look again.
    pub(super) pause: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rates {
    pub(super) published: f64,
    pub(super) ended: f64,
}

/// What is compared with the next look.
#[derive(Clone, Copy)]
struct Seen {
    at: Instant,
    /// The place of the latest job on record: how many there ever were.
    place: u64,
    /// How many have not ended.
    live: u64,
}

impl Onlooker {
    pub(super) fn new(store: SqliteStore) -> Self {
        Self { store, last: None }
    }

    pub(super) async fn look(&mut self) -> Result<Look> {
        let began = Instant::now();
        let place = self.place().await?;
        let mut names: BTreeMap<_, [u64; JobState::ALL.len()]> = BTreeMap::new();
        for JobCount { name, state, count, .. } in self.store.count_jobs().await? {
            let index = JobState::ALL.iter().position(|known| *known == state).unwrap_or_default();
            names.entry(name).or_default()[index] += count;
        }
        let failed = JobQuery::new().state(JobState::Failed).latest_first().limit(FAILURES);
        let failures = self.store.jobs(&failed).await?.jobs;
        let live = JobState::ALL.iter().enumerate().filter(|(_, state)| !state.has_ended());
        let live = live.map(|(index, _)| names.values().map(|counts| counts[index]).sum::<u64>()).sum();
        let seen = Seen { at: began, place, live };
        let rates = self.last.replace(seen).map(|last| seen.rates_since(last));
        let pause = (began.elapsed() * SHARE).max(INTERVAL);
        Ok(Look { at: SystemClock.now(), names, rates, failures, pause })
    }

    /// Places are given one after the other, and never twice.
    async fn place(&self) -> Result<u64> {
        let latest = JobQuery::new().latest_first().limit(1);
        // The only job there is has no place of its own to tell, and needs none.
        Ok(self.store.jobs(&latest).await?.next.map_or(0, PageToken::as_u64))
    }
}

impl Seen {
    /// Whatever was put on record and is not live any more has ended: so nothing that is deleted meanwhile is missed.
    fn rates_since(self, last: Self) -> Rates {
        let published = self.place.saturating_sub(last.place);
        let ended = (published + last.live).saturating_sub(self.live);
        let seconds = self.at.duration_since(last.at).as_secs_f64().max(f64::EPSILON);
        #[expect(clippy::cast_precision_loss, reason = "nobody publishes more than 2⁵² jobs in a second")]
        let rate = |count: u64| count as f64 / seconds;
        Rates { published: rate(published), ended: rate(ended) }
    }
}

impl Look {
    /// How many jobs are in each state.
    pub(super) fn totals(&self) -> [u64; JobState::ALL.len()] {
        let mut totals = [0; JobState::ALL.len()];
        for counts in self.names.values() {
            totals.iter_mut().zip(counts).for_each(|(total, count)| *total += count);
        }
        totals
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_published_and_is_not_live_has_ended() {
        let at = Instant::now();
        let first = Seen { at, place: 100, live: 10 };
        let second = Seen { at: at + Duration::from_secs(2), place: 160, live: 4 };
        assert_eq!(second.rates_since(first), Rates { published: 30.0, ended: 33.0 });
        let retried_by_hand = Seen { at: at + Duration::from_secs(3), place: 160, live: 9 };
        assert_eq!(retried_by_hand.rates_since(second), Rates { published: 0.0, ended: 0.0 });
    }
}
