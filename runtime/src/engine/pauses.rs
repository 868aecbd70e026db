//! Keeps the pauses of jobs when the wall clock is set.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::engine::Engine;
use crate::model::JobId;
use crate::model::clock::{Clock, add_saturating};
use crate::store::{NewDue, NewJob, StoreError};

/// A smaller difference between the two clocks is no step: they are not read at the same instant.
const SMALLEST_STEP: SignedDuration = SignedDuration::from_millis(100);

/// How long after its end a pause is kept: by then a worker has noticed it.
const GRACE: Duration = Duration::from_secs(5);

/// How many due times are changed in one transaction.
const PAGE: usize = 1000;

/// The jobs that this process has put off, by a delay or for a retry. Their due times are stored as wall clock times, which every
/// process can read; when the clock is set, they are moved with it, so that a pause takes as long as it was to take.
pub(crate) struct Pauses {
    held: Mutex<Held>,
    /// Locked while due times are moved, so that no claim sees some of them.
    moving: tokio::sync::Mutex<()>,
}

struct Held {
    /// The wall clock time at which [`Clock::elapsed`] was zero, as of the last look.
    origin: Timestamp,
    /// The stored due times, by the end of the pause in elapsed time.
    pauses: BTreeMap<(Duration, JobId), Timestamp>,
}

/// The wall clock time at which [`Clock::elapsed`] was zero, if it is `now`.
fn origin(clock: &dyn Clock, now: Timestamp) -> Timestamp {
    now.checked_sub(clock.elapsed()).unwrap_or(Timestamp::MIN)
}

/// The current time, in agreement with the stored due times of this process as long as this is kept.
pub(crate) struct Followed<'a> {
    pub(crate) now: Timestamp,
    _moving: tokio::sync::MutexGuard<'a, ()>,
}

impl Pauses {
    pub(crate) fn new(clock: &dyn Clock) -> Self {
        let held = Held { origin: origin(clock, clock.now()), pauses: BTreeMap::new() };
        Self { held: Mutex::new(held), moving: tokio::sync::Mutex::default() }
    }

    /// Keeps the pause of a job that this process puts off until `due_at`.
    pub(crate) fn hold(&self, clock: &dyn Clock, job: JobId, due_at: Timestamp) {
        let Ok(pause) = Duration::try_from(due_at.duration_since(clock.now())) else { return };
        if !pause.is_zero() {
            let end = clock.elapsed().saturating_add(pause);
            self.lock().pauses.insert((end, job), due_at);
        }
    }

    /// Keeps the pauses of new jobs.
    pub(crate) fn hold_new<'j>(&self, clock: &dyn Clock, jobs: impl IntoIterator<Item = &'j NewJob>) {
        for job in jobs {
            if let (Some(due_at), true) = (job.due_at, job.is_pause) {
                self.hold(clock, job.id, due_at);
            }
        }
    }

    /// The end of the next pause after `elapsed`, in elapsed time.
    pub(crate) fn next_end(&self, elapsed: Duration) -> Option<Duration> {
        let after = Bound::Excluded((elapsed, JobId::from_uuid(Uuid::max())));
        self.lock().pauses.range((after, Bound::Unbounded)).next().map(|((end, _), _)| *end)
    }

    /// Looks whether the wall clock was set, and moves the due times of the jobs that wait with it.
    pub(crate) async fn follow(&self, engine: &Engine) -> Result<Followed<'_>, StoreError> {
        let moving = self.moving.lock().await;
        let now = engine.clock.now();
        let origin = origin(&*engine.clock, now);
        let followed = Followed { now, _moving: moving };
        let elapsed = engine.clock.elapsed();
        let moves = {
            let mut held = self.lock();
            held.forget_ended(elapsed);
            let step = origin.duration_since(held.origin);
            if step.abs() < SMALLEST_STEP {
                return Ok(followed);
            }
            tracing::info!(worker = %engine.worker, ?step, pauses = held.pauses.len(), "the clock was set; moving the due times of jobs");
            held.moves(origin)
        };
        for page in moves.chunks(PAGE) {
            engine.store.change_due(page.iter().map(|(_, due)| due.clone()).collect()).await?;
        }
        let mut held = self.lock();
        held.origin = origin;
        for (key, NewDue { to, .. }) in moves {
            held.pauses.insert(key, to);
        }
        Ok(followed)
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn forget_ended(&mut self, elapsed: Duration) {
        while let Some(first) = self.pauses.first_entry()
            && first.key().0.saturating_add(GRACE) < elapsed
        {
            first.remove();
        }
    }

    /// The due times as they are after the clock was set.
    fn moves(&self, origin: Timestamp) -> Vec<((Duration, JobId), NewDue)> {
        let due = |(key, from): (&(Duration, JobId), &Timestamp)| {
            let ((end, job), from) = (*key, *from);
            let to = add_saturating(origin, end);
            (from != to).then_some((key.to_owned(), NewDue { job, from, to }))
        };
        self.pauses.iter().filter_map(due).collect()
    }
}
