//! The source of time: [`SystemClock`] in production, [`ManualClock`] in tests.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::sync::watch;

/// A point in time, in UTC. It is `jiff::Timestamp`.
pub use jiff::Timestamp;

/// A source of time.
///
/// It has two readings: the wall clock, which is stored and may be set forwards or back, and a monotonic clock. Durations
/// are measured by the monotonic clock, so steps of the wall clock do not affect them:
///
/// - Leases, time limits, and what else a process measures by itself, always.
/// - Pauses of jobs, before a retry or by a [`delay`](crate::Publish::delay), as long as the process that began them lives. They
///   are stored as the wall clock time at which they end, so that every process can read it. When the wall clock is set, the
///   process moves the times that its own jobs wait for, within a second and before it claims the next job. If the process has
///   ended meanwhile, the stored time counts, and a step of the clock lengthens or shortens the pause.
///
/// What is given as a time follows the wall clock: [`at`](crate::Publish::at), deadlines, schedules, retention. How the monotonic
/// clock counts the time in which a machine is suspended is the system's choice; Linux does not count it.
#[async_trait]
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The wall clock time, in whole microseconds, which is the resolution of the stores.
    fn now(&self) -> Timestamp;

    /// The monotonic time since an origin that is fixed for the life of the clock.
    fn elapsed(&self) -> Duration;

    /// Waits until [`elapsed`](Self::elapsed) has reached `deadline`.
    async fn sleep_until(&self, deadline: Duration);
}

/// The clock of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }

    fn elapsed(&self) -> Duration {
        static ORIGIN: OnceLock<Instant> = OnceLock::new();
        ORIGIN.get_or_init(Instant::now).elapsed()
    }

    async fn sleep_until(&self, deadline: Duration) {
        // tokio's timers have a resolution of a millisecond and round up, so the deadline has passed.
        tokio::time::sleep(deadline.saturating_sub(self.elapsed())).await;
    }
}

/// A clock that moves only when a test [advances](Self::advance) it. Clones share their time.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<watch::Sender<Reading>>);

#[derive(Clone, Copy, Debug)]
struct Reading {
    now: Timestamp,
    elapsed: Duration,
}

impl ManualClock {
    /// A clock whose wall clock time is `start`.
    pub fn at(start: Timestamp) -> Self {
        Self(Arc::new(watch::Sender::new(Reading { now: start, elapsed: Duration::ZERO })))
    }

    /// Advances both readings, and wakes the tasks whose deadline has passed.
    pub fn advance(&self, by: Duration) {
        self.0.send_modify(|reading| {
            reading.now = add_saturating(reading.now, by);
            reading.elapsed = reading.elapsed.saturating_add(by);
        });
    }

    /// Sets the wall clock, forwards or back, as a time server may. The monotonic time is unchanged: what is measured by it, such
    /// as the pause before a retry, still takes as long.
    pub fn set(&self, now: Timestamp) {
        self.0.send_modify(|reading| reading.now = now);
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.0.borrow().now
    }

    fn elapsed(&self) -> Duration {
        self.0.borrow().elapsed
    }

    async fn sleep_until(&self, deadline: Duration) {
        // `self` holds the sender, so the channel cannot close.
        let _ = self.0.subscribe().wait_for(|reading| reading.elapsed >= deadline).await;
    }
}

/// `start` plus `pause`, saturating at [`Timestamp::MAX`].
pub(crate) fn add_saturating(start: Timestamp, pause: Duration) -> Timestamp {
    start.checked_add(pause).unwrap_or(Timestamp::MAX)
}
