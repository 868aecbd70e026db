//! The one place that time comes from. Production runs on [`SystemClock`], tests on [`ManualClock`].

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::sync::watch;

/// A moment, as jobs, events and clocks tell it.
pub use jiff::Timestamp;

/// Where a runtime takes its time from.
///
/// It tells two: the time of day, which stands on record and which somebody may set forwards or back, and the time that has
/// passed, which only grows. Whatever lasts (a lease, a pause, a time limit) is measured by the second, so that a step of the
/// first does no harm.
#[async_trait]
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The present moment, in microseconds: what a store keeps. A finer one may come back rounded.
    fn now(&self) -> Timestamp;

    /// How much time has passed since some moment that stays the same as long as the clock lives. Never gets less.
    fn elapsed(&self) -> Duration;

    /// Returns once [`elapsed`](Self::elapsed) is at or past `deadline`.
    async fn sleep_until(&self, deadline: Duration);
}

/// The machine's clock.
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
        // Timers have a resolution of a millisecond and round up.
        tokio::time::sleep(deadline.saturating_sub(self.elapsed())).await;
    }
}

/// A clock that stands still until it is told to move: waits end when a test says so, not when a machine is fast enough.
///
/// Clones are the same clock.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<watch::Sender<Reading>>);

#[derive(Clone, Copy, Debug)]
struct Reading {
    now: Timestamp,
    elapsed: Duration,
}

impl ManualClock {
    /// A clock that stands at `start`.
    pub fn at(start: Timestamp) -> Self {
        Self(Arc::new(watch::Sender::new(Reading { now: start, elapsed: Duration::ZERO })))
    }

    /// Lets time pass, and wakes whoever waited for a moment that has come.
    pub fn advance(&self, by: Duration) {
        self.0.send_modify(|reading| {
            reading.now = after(reading.now, by);
            reading.elapsed = reading.elapsed.saturating_add(by);
        });
    }

    /// Sets the time of day, forwards or back, as an administrator does and a time server may: no time passes by that.
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
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = self.0.subscribe().wait_for(|reading| reading.elapsed >= deadline).await;
    }
}

/// `start` plus `pause`; the end of time where that would lie beyond it.
pub(crate) fn after(start: Timestamp, pause: Duration) -> Timestamp {
    start.checked_add(pause).unwrap_or(Timestamp::MAX)
}
