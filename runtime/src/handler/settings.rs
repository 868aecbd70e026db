//! How the jobs of a handler run.

use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::model::Retry;

/// The queue of a handler that names none.
pub const DEFAULT_QUEUE: &str = "default";

/// How the jobs of a handler run. A handler returns it from [`Handler::settings`](crate::Handler::settings).
///
/// Settings are read when a job is claimed and are not stored with the job: waiting jobs follow the settings of the program that
/// runs them.
///
/// ```
/// use std::time::Duration;
/// use enact::{HandlerSettings, Retry};
///
/// const MAIL: HandlerSettings = HandlerSettings::new()
///     .queue("mail")
///     .retry(Retry::exponential(5, Duration::from_millis(100)))
///     .timeout(Duration::from_secs(5));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct HandlerSettings {
    /// When a failed attempt is followed by another ([r22](crate::rules#r22)).
    pub retry: Retry,
    /// The time limit of an attempt, up to the start of its commit; `None` for no limit.
    #[serde(rename = "timeout_ms", serialize_with = "optional_millis")]
    pub timeout: Option<Duration>,
    /// The queue that the jobs are in.
    pub queue: &'static str,
}

impl HandlerSettings {
    /// No retry, no time limit, the [default queue](DEFAULT_QUEUE).
    pub const fn new() -> Self {
        Self { retry: Retry::none(), timeout: None, queue: DEFAULT_QUEUE }
    }

    /// Retries failed attempts. Default: [`Retry::none`].
    #[must_use]
    pub const fn retry(self, retry: Retry) -> Self {
        Self { retry, ..self }
    }

    /// Limits the time of an attempt, up to the start of its commit, by the runtime's clock. An attempt that exceeds it is
    /// dropped and fails with `TimedOut`. Default: no limit.
    #[must_use]
    pub const fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// Puts the jobs into a queue. Each process limits how many jobs of a queue it runs at a time, see
    /// [`RuntimeBuilder::queue`](crate::RuntimeBuilder::queue). Default: [`DEFAULT_QUEUE`].
    #[must_use]
    pub const fn queue(self, queue: &'static str) -> Self {
        Self { queue, ..self }
    }
}

impl Default for HandlerSettings {
    fn default() -> Self {
        Self::new()
    }
}

#[expect(clippy::ref_option, reason = "serde calls it with a reference")]
pub(crate) fn optional_millis<S: Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    duration.map(millis).serialize(serializer)
}
