//! How long ended jobs and events are kept.

use std::time::Duration;

/// How long ended jobs and events are kept. By default forever.
///
/// ```
/// # use std::time::Duration;
/// # use enact::Retention;
/// const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// let retention = Retention::new().succeeded(DAY).failed(90 * DAY);
/// ```
///
/// A job is deleted with its attempts and its idempotency key, so the same request is accepted again afterwards
/// ([r25](crate::rules#r25)). A job that another one still waits for is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    pub(super) succeeded: Option<Duration>,
    pub(super) failed: Option<Duration>,
    pub(super) cancelled: Option<Duration>,
    pub(super) events: Option<Duration>,
}

impl Retention {
    /// Keeps everything.
    pub const fn new() -> Self {
        Self { succeeded: None, failed: None, cancelled: None, events: None }
    }

    /// Keeps ended jobs, in whatever state, for this long after their end.
    #[must_use]
    pub const fn ended(self, age: Duration) -> Self {
        self.succeeded(age).failed(age).cancelled(age)
    }

    /// Keeps succeeded jobs for this long after their end.
    #[must_use]
    pub const fn succeeded(mut self, age: Duration) -> Self {
        self.succeeded = Some(age);
        self
    }

    /// Keeps failed jobs for this long after their end. Until then they can be [retried](crate::Jobs::retry).
    #[must_use]
    pub const fn failed(mut self, age: Duration) -> Self {
        self.failed = Some(age);
        self
    }

    /// Keeps cancelled jobs for this long after their end.
    #[must_use]
    pub const fn cancelled(mut self, age: Duration) -> Self {
        self.cancelled = Some(age);
        self
    }

    /// Keeps events for this long after they were emitted. A relay that has not delivered them by then never will.
    #[must_use]
    pub const fn events(mut self, age: Duration) -> Self {
        self.events = Some(age);
        self
    }

    /// How often to prune; `None` if everything is kept.
    pub(crate) fn interval(&self) -> Option<Duration> {
        let shortest =
            [self.succeeded, self.failed, self.cancelled, self.events].into_iter().flatten().min()?;
        Some((shortest / 10).clamp(Duration::from_secs(1), Duration::from_secs(60)))
    }
}
