//! How long the polls of attempts take, and which handlers were reported.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long a poll may take without a report.
const LONG: Duration = Duration::from_millis(100);

/// How often a handler is reported at most.
const REPORT_INTERVAL: Duration = Duration::from_secs(60);

/// The polls of one attempt. Times are in nanoseconds of elapsed time, plus 1.
#[derive(Default)]
pub(super) struct Polls {
    /// When the current poll began; 0 between polls.
    since: AtomicU64,
    /// When the last poll began that was reported.
    reported: AtomicU64,
}

impl Polls {
    /// Begins a poll.
    pub(super) fn begin(&self, now: Duration) {
        self.since.store(stamp(now), Ordering::Relaxed);
    }

    /// Ends the current poll. Returns how long it took, if it is to be reported.
    pub(super) fn end(&self, now: Duration) -> Option<Duration> {
        self.long(self.since.swap(0, Ordering::Relaxed), now)
    }

    /// How long the current poll has taken, if it is to be reported.
    pub(super) fn current(&self, now: Duration) -> Option<Duration> {
        self.long(self.since.load(Ordering::Relaxed), now)
    }

    /// A long poll is reported once.
    fn long(&self, since: u64, now: Duration) -> Option<Duration> {
        let taken = Duration::from_nanos(stamp(now).saturating_sub(since));
        let is_new = || self.reported.swap(since, Ordering::Relaxed) != since;
        (since != 0 && taken >= LONG && is_new()).then_some(taken)
    }
}

fn stamp(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX).saturating_add(1)
}

/// The long polls of each handler, so that its reports have a pause between them.
#[derive(Default)]
pub(crate) struct LongPolls(Mutex<HashMap<&'static str, LastReport>>);

struct LastReport {
    at: Duration,
    /// The long polls since then.
    polls: u64,
}

impl LongPolls {
    /// Counts a long poll. Returns the number of those that were not reported, if a report is due.
    pub(super) fn to_report(&self, handler: &'static str, now: Duration) -> Option<u64> {
        let mut reports = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match reports.get_mut(handler) {
            Some(last) if now.saturating_sub(last.at) < REPORT_INTERVAL => {
                last.polls += 1;
                None
            }
            last => {
                let polls = last.map_or(0, |last| last.polls) + 1;
                reports.insert(handler, LastReport { at: now, polls: 0 });
                Some(polls)
            }
        }
    }
}
