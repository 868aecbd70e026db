//! What tasks stage after their handler has returned: it is lost, so it is reported ([r31](crate::rules#r31)).

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::running_attempts::{AttemptId, RunningAttempts};
use crate::model::FastMap;
use crate::store::LateEffects;

/// For how many attempts late calls are counted until they are stored. Those of others are not stored.
const MAX_ATTEMPTS: usize = 10_000;

/// The late calls that are not stored yet.
#[derive(Default)]
pub(crate) struct LateCalls {
    counts: Mutex<FastMap<AttemptId, u32>>,
    /// The report of the first one, until the test kit takes it.
    report: Mutex<Option<String>>,
}

impl LateCalls {
    /// Returns the report of the first late call, once.
    pub(crate) fn take_report(&self) -> Option<String> {
        lock(&self.report).take()
    }

    /// Counts a late call. Returns whether it is the first of its attempt since they were last stored.
    pub(super) fn count(&self, attempt: AttemptId) -> bool {
        let mut counts = lock(&self.counts);
        if let Some(count) = counts.get_mut(&attempt) {
            *count = count.saturating_add(1);
            return false;
        }
        if counts.len() < MAX_ATTEMPTS {
            counts.insert(attempt, 1);
        }
        true
    }

    /// Keeps the report of the first late call.
    pub(super) fn keep_report(&self, report: String) {
        lock(&self.report).get_or_insert(report);
    }

    /// Takes the counts of the attempts whose ends are stored.
    pub(super) fn take(&self, running: &RunningAttempts) -> Vec<LateEffects> {
        let mut counts = lock(&self.counts);
        if counts.is_empty() {
            return Vec::new();
        }
        let running = running.ids();
        let ended = counts.extract_if(|attempt, _| !running.contains(attempt));
        ended.map(|(AttemptId { job, number }, count)| LateEffects { job, attempt: number, count }).collect()
    }

    /// Keeps counts that could not be stored for the next time.
    pub(super) fn put_back(&self, late: Vec<LateEffects>) {
        let mut counts = lock(&self.counts);
        for LateEffects { job, attempt, count } in late {
            let sum = counts.entry(AttemptId { job, number: attempt }).or_default();
            *sum = sum.saturating_add(count);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
