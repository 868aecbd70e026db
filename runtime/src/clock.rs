//! The one place that time comes from. Production runs on [`SystemClock`], tests on [`ManualClock`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

/// A moment, as jobs, events and clocks tell it.
pub use jiff::Timestamp;

/// Where a runtime takes its time from.
#[async_trait]
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The present moment, in microseconds: what a store keeps. A finer one may come back rounded.
    fn now(&self) -> Timestamp;

    /// Returns once [`now`](Self::now) is at or past `deadline`.
    async fn sleep_until(&self, deadline: Timestamp);
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

    async fn sleep_until(&self, deadline: Timestamp) {
        // A timer counts monotonic time. Sleeping in short spans lets a step of the wall clock be noticed.
        const LONGEST_SPAN: Duration = Duration::from_mins(1);
        while let Ok(left) = Duration::try_from(deadline.duration_since(self.now())) {
            if left.is_zero() {
                return;
            }
            // Timers have a resolution of a millisecond and round up.
            tokio::time::sleep(left.min(LONGEST_SPAN)).await;
        }
    }
}

/// A clock that stands still until it is told to move: waits end when a test says so, not when a machine is fast enough.
///
/// Clones are the same clock.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<watch::Sender<Timestamp>>);

impl ManualClock {
    /// A clock that stands at `start`.
    pub fn at(start: Timestamp) -> Self {
        Self(Arc::new(watch::Sender::new(start)))
    }

    /// Moves the clock forward, and wakes whoever waited for a moment that has come.
    pub fn advance(&self, by: Duration) {
        self.0.send_modify(|now| *now = after(*now, by));
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    async fn sleep_until(&self, deadline: Timestamp) {
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = self.0.subscribe().wait_for(|now| *now >= deadline).await;
    }
}

/// `start` plus `pause`; the end of time where that would lie beyond it.
pub(crate) fn after(start: Timestamp, pause: Duration) -> Timestamp {
    start.checked_add(pause).unwrap_or(Timestamp::MAX)
}
