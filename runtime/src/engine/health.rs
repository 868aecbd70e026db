//! Notes what works and what fails, and logs the changes.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::model::clock::Clock;
use crate::model::{Failure, FailureKind, Health, HealthPart, HealthProblem};
use crate::store::StoreError;

/// The pauses between the log lines of a problem that lasts.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// How long what callers and attempts have reported is a problem. It is longer than the pauses between the tries of an attempt.
const MEMORY: Duration = Duration::from_secs(15);

/// How long the dispatcher may not run, and how often that must be seen.
const STALLED_FOR: Duration = Duration::from_secs(5);
const STALLED_LOOKS: u32 = 5;

/// The problems of a runtime.
#[derive(Default)]
pub(crate) struct HealthMonitor {
    problems: Mutex<BTreeMap<HealthPart, Noted>>,
    /// Notified when a problem begins or ends.
    changes: watch::Sender<()>,
    dispatcher: Mutex<Dispatcher>,
}

struct Noted {
    problem: HealthProblem,
    /// In elapsed time.
    began: Duration,
    last: Duration,
    next_log: Duration,
    pause: Duration,
}

#[derive(Default)]
struct Dispatcher {
    /// The turns of its loop.
    turns: u64,
    /// The turns at the last look, when they were first seen, and how often since.
    seen: (u64, Duration, u32),
}

impl HealthMonitor {
    /// Notes whether a part works.
    pub(crate) fn note<T>(&self, clock: &dyn Clock, part: HealthPart, outcome: &Result<T, StoreError>) {
        match outcome {
            Ok(_) => self.works(clock, part),
            Err(error) => self.failed(clock, part, error.clone().into()),
        }
    }

    /// Notes a failure. Logs it if it is the first, and then with growing pauses.
    pub(crate) fn failed(&self, clock: &dyn Clock, part: HealthPart, failure: Failure) {
        let now = clock.elapsed();
        let mut problems = self.lock();
        let noted = problems.entry(part).or_insert_with(|| Noted {
            problem: HealthProblem { part, since: clock.now(), failures: 0, failure: failure.clone() },
            began: now,
            last: now,
            next_log: now,
            pause: FIRST_PAUSE,
        });
        noted.problem.failures += 1;
        noted.problem.failure = failure;
        noted.last = now;
        let failures = noted.problem.failures;
        if now >= noted.next_log {
            noted.next_log = now.saturating_add(noted.pause);
            noted.pause = (noted.pause * 2).min(LONGEST_PAUSE);
            let HealthProblem { since, failure, .. } = &noted.problem;
            tracing::error!(?part, %since, failures, "{}; retrying: {failure}", part.problem());
        }
        drop(problems);
        if failures == 1 {
            self.changes.send_replace(());
        }
    }

    /// Notes that a part works.
    pub(crate) fn works(&self, clock: &dyn Clock, part: HealthPart) {
        let Some(noted) = self.lock().remove(&part) else { return };
        let lasted = clock.elapsed().saturating_sub(noted.began);
        tracing::info!(
            ?part,
            failures = noted.problem.failures,
            ?lasted,
            "works again: it was \"{}\"",
            part.problem()
        );
        self.changes.send_replace(());
    }

    /// Whether a part does not work.
    pub(crate) fn has_failed(&self, part: HealthPart) -> bool {
        self.lock().contains_key(&part)
    }

    /// Counts a turn of the dispatcher's loop.
    pub(crate) fn dispatcher_runs(&self) {
        self.dispatcher().turns += 1;
    }

    /// Forgets what was reported long ago, and notes whether the dispatcher runs. Called regularly, on a thread that no handler can block.
    pub(crate) fn look(&self, clock: &dyn Clock, has_stopped: bool) {
        let now = clock.elapsed();
        for part in [HealthPart::Requests, HealthPart::Commits] {
            let is_old = |noted: &Noted| now.saturating_sub(noted.last) > MEMORY;
            let is_over = self.lock().get(&part).is_some_and(is_old);
            if is_over {
                self.works(clock, part);
            }
        }
        if self.dispatcher().is_stalled(now) && !has_stopped {
            let message = format!(
                "no job was claimed for more than {STALLED_FOR:?}: handlers or other tasks hold every thread of the tokio runtime; \
                 run what blocks in `tokio::task::spawn_blocking`"
            );
            let failure = Failure::new(FailureKind::Unavailable, "stalled", message);
            self.failed(clock, HealthPart::Dispatcher, failure);
        } else {
            self.works(clock, HealthPart::Dispatcher);
        }
    }

    /// What does not work now.
    pub(crate) fn current(&self) -> Health {
        Health { problems: self.lock().values().map(|noted| noted.problem.clone()).collect() }
    }

    /// Waits until the health differs from what the caller has seen.
    pub(crate) async fn changed(&self, seen: &Health) -> Health {
        let mut changes = self.changes.subscribe();
        loop {
            let current = self.current();
            if current != *seen {
                return current;
            }
            // The sender lives as long as this.
            let _ = changes.changed().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<HealthPart, Noted>> {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn dispatcher(&self) -> MutexGuard<'_, Dispatcher> {
        self.dispatcher.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Dispatcher {
    /// Whether it has made no turn for long. It makes one at least once a second.
    fn is_stalled(&mut self, now: Duration) -> bool {
        let turns = self.turns;
        let (seen, since, looks) = self.seen;
        // Without a worker there is none.
        if turns == 0 || turns != seen {
            self.seen = (turns, now, 0);
            return false;
        }
        self.seen = (seen, since, looks.saturating_add(1));
        looks >= STALLED_LOOKS && now.saturating_sub(since) > STALLED_FOR
    }
}
