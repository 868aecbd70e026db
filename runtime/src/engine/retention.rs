//! How long ended jobs and events are kept.

use std::time::Duration;

/// How long things are kept that are over. By default, for ever.
///
/// ```
/// # use std::time::Duration;
/// # use enact::Retention;
/// let retention = Retention::new()
///     .succeeded(Duration::from_hours(24))
///     .failed(Duration::from_hours(24 * 90));
/// ```
///
/// A job goes with its attempts and its idempotency key: the same request is taken again after that (r25). What another job
/// waits for stays.
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

    /// Keeps jobs that have ended, in whatever state, this long after their end.
    #[must_use]
    pub const fn ended(self, age: Duration) -> Self {
        self.succeeded(age).failed(age).cancelled(age)
    }

    /// Keeps jobs that have succeeded this long after that.
    #[must_use]
    pub const fn succeeded(mut self, age: Duration) -> Self {
        self.succeeded = Some(age);
        self
    }

    /// Keeps jobs that have failed this long after that; until then they can be [retried](crate::Jobs::retry).
    #[must_use]
    pub const fn failed(mut self, age: Duration) -> Self {
        self.failed = Some(age);
        self
    }

    /// Keeps jobs that were cancelled this long after that.
    #[must_use]
    pub const fn cancelled(mut self, age: Duration) -> Self {
        self.cancelled = Some(age);
        self
    }

    /// Keeps events this long after they were emitted. A relay that has not passed them on by then never will.
    #[must_use]
    pub const fn events(mut self, age: Duration) -> Self {
        self.events = Some(age);
        self
    }

    /// How often to look for what is old enough; `None` if nothing ever is.
    pub(crate) fn interval(&self) -> Option<Duration> {
        let shortest =
            [self.succeeded, self.failed, self.cancelled, self.events].into_iter().flatten().min()?;
        Some((shortest / 10).clamp(Duration::from_secs(1), Duration::from_secs(60)))
    }
}
