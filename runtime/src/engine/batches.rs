//! Jobs of one entity that are claimed together ([`Batch`](crate::store::Batch)): how many, and how they share a permit.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;

/// The most jobs after the first one.
const MOST: usize = 32;

/// While executions take no longer on average, jobs are claimed together.
const QUICK: Duration = Duration::from_millis(1);

/// The average before the first execution: some dozens of quick ones must prove that they are.
const UNPROVEN: Duration = Duration::from_millis(64);

/// A job that has not got its entity so long after the claim is left to a later claim.
pub(super) const LONGEST_WAIT: Duration = Duration::from_millis(100);

/// The size of batches. Jobs in line for an entity are claimed together while executions are quick: otherwise a claim for each of them
/// costs more than they do. Behind slow ones they would keep other processes, and more urgent jobs, from the entity.
pub(crate) struct BatchSize {
    /// How long claimed jobs have their entity before they commit or fail, in nanoseconds: a moving average over about sixteen.
    average: AtomicU64,
}

impl Default for BatchSize {
    fn default() -> Self {
        Self { average: AtomicU64::new(nanos(UNPROVEN)) }
    }
}

impl BatchSize {
    /// The number of jobs after the first one.
    pub(super) fn get(&self) -> usize {
        if self.average.load(Ordering::Relaxed) <= nanos(QUICK) { MOST } else { 0 }
    }

    /// A claimed job has had its entity for so long. Of two at the same time one may be lost.
    pub(super) fn note(&self, took: Duration) {
        let average = self.average.load(Ordering::Relaxed);
        self.average.store(average - average / 16 + nanos(took) / 16, Ordering::Relaxed);
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The permit of a batch, which runs one job after the other: each passes it on when it commits, if another one waits. A job that fails, or
/// does not begin, does not; those after it are then left to a later claim. While an execution comes between two of them, nobody
/// uses the permit.
///
/// The jobs that wait share this. With the last of them it is dropped, and so is a permit that nobody takes.
pub(crate) struct SharedPermit {
    passed_on: Mutex<Option<OwnedSemaphorePermit>>,
    /// Until when the jobs wait for their entity, in elapsed time.
    pub(super) until: Duration,
}

impl SharedPermit {
    pub(super) fn new(until: Duration) -> Self {
        Self { passed_on: Mutex::new(None), until }
    }

    pub(super) fn pass_on(&self, permit: OwnedSemaphorePermit) {
        *self.lock() = Some(permit);
    }

    pub(super) fn take(&self) -> Option<OwnedSemaphorePermit> {
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<OwnedSemaphorePermit>> {
        self.passed_on.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
