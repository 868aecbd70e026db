use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::failure::{Failure, FailureKind};
use super::id::JobId;

/// The retry policy of a handler ([r22](crate::rules#r22)). The default is [`Retry::none`].
///
/// A policy retries failures that may not recur (`Error`, `Conflict`, `TimedOut`, `Panicked`, `Lost`). It never retries
/// others (`Invalid`, `Denied`, `NotFound`, `AlreadyExists`, `Violated`), nor [permanent](Failure::permanent) ones.
/// [`Failure::retry_in`] overrides the pause.
///
/// ```
/// # use std::time::Duration;
/// # use enact::{FailureKind, Retry};
/// const POLICY: Retry = Retry::exponential_with_jitter(8, Duration::from_millis(200))
///     .longest_pause(Duration::from_secs(30))
///     .on(FailureKind::Conflict, Retry::fixed(20, Duration::ZERO))
///     .on(FailureKind::TimedOut, Retry::none());
/// ```
///
/// A handler without retries runs at most once: its attempt is durable before it starts. For other handlers, an attempt may
/// go uncounted if the machine crashes within its first milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    backoff: Backoff,
    /// Overrides by kind of failure, in the order of [`KINDS`].
    by_kind: [Option<Backoff>; KINDS.len()],
}

/// The number of attempts, and the pauses between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Backoff {
    attempts: u32,
    base: Duration,
    growth: u32,
    longest: Duration,
    jitter: bool,
}

/// The kinds of failure that can be retried.
const KINDS: [FailureKind; 5] = [
    FailureKind::Error,
    FailureKind::Conflict,
    FailureKind::TimedOut,
    FailureKind::Panicked,
    FailureKind::Lost,
];

/// The index of a kind in [`KINDS`].
const fn index_of(kind: FailureKind) -> Option<usize> {
    match kind {
        FailureKind::Error => Some(0),
        FailureKind::Conflict => Some(1),
        FailureKind::TimedOut => Some(2),
        FailureKind::Panicked => Some(3),
        FailureKind::Lost => Some(4),
        _ => None,
    }
}

impl Retry {
    /// The default limit of growing pauses. [`longest_pause`](Self::longest_pause) sets another.
    pub const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

    const fn of(attempts: u32, base: Duration, growth: u32, jitter: bool) -> Self {
        let longest =
            if base.as_nanos() > Self::LONGEST_PAUSE.as_nanos() { base } else { Self::LONGEST_PAUSE };
        Self { backoff: Backoff { attempts, base, growth, longest, jitter }, by_kind: [None; KINDS.len()] }
    }

    /// A single attempt.
    pub const fn none() -> Self {
        Self::of(1, Duration::ZERO, 1, false)
    }

    /// At most `attempts` attempts in total, with a constant `pause` between them. `0` counts as `1`.
    pub const fn fixed(attempts: u32, pause: Duration) -> Self {
        Self::of(attempts, pause, 1, false)
    }

    /// At most `attempts` attempts in total. The first pause is `base`; each further pause is twice as long, up to the
    /// longer of `base` and [`Retry::LONGEST_PAUSE`]. `0` counts as `1`.
    pub const fn exponential(attempts: u32, base: Duration) -> Self {
        Self::of(attempts, base, 2, false)
    }

    /// Like [`exponential`](Self::exponential), with each pause shortened by up to a half, so that jobs that failed together
    /// are not retried together. The jitter is derived from the job's id and the attempt's number.
    pub const fn exponential_with_jitter(attempts: u32, base: Duration) -> Self {
        Self::of(attempts, base, 2, true)
    }

    /// Limits the pauses.
    #[must_use]
    pub const fn longest_pause(mut self, longest: Duration) -> Self {
        self.backoff.longest = longest;
        self
    }

    /// Retries failures of this kind by another policy. All attempts since the job was published or last
    /// [retried by hand](crate::Jobs::retry) count towards it, whatever their failure. Only those that are `Lost` are counted apart
    /// ([r22](crate::rules#r22)).
    ///
    /// # Panics
    /// If failures of this kind are never retried. In a constant, this is a compile error.
    #[must_use]
    pub const fn on(mut self, kind: FailureKind, policy: Self) -> Self {
        let Some(index) = index_of(kind) else {
            panic!("only failures of the kinds Error, Conflict, TimedOut, Panicked and Lost can be retried");
        };
        self.by_kind[index] = Some(policy.backoff);
        self
    }

    /// How many failures of this kind it allows, the last one included.
    pub(crate) fn attempts(&self, kind: FailureKind) -> u32 {
        self.backoff(kind).attempts
    }

    fn backoff(&self, kind: FailureKind) -> Backoff {
        index_of(kind).and_then(|index| self.by_kind[index]).unwrap_or(self.backoff)
    }

    /// Whether it allows a second attempt.
    pub(crate) fn repeats(&self) -> bool {
        self.by_kind.iter().flatten().chain([&self.backoff]).any(|backoff| backoff.attempts > 1)
    }

    /// The pause after attempt `number` (from 1, counted since the last retry by hand) of `job`, which failed with `failure`;
    /// `None` if the job is not retried.
    pub fn pause_after(&self, job: JobId, number: u32, failure: &Failure) -> Option<Duration> {
        let backoff = self.backoff(failure.kind());
        if number >= backoff.attempts || !failure.is_retryable() {
            return None;
        }
        Some(failure.retry_after().unwrap_or_else(|| backoff.pause_after(job, number)))
    }
}

impl fmt::Display for Retry {
    /// `up to 5 attempts, 100ms, 200ms, … apart`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.backoff.fmt(f)?;
        for (kind, backoff) in KINDS.iter().zip(self.by_kind) {
            if let Some(backoff) = backoff {
                if backoff.attempts <= 1 {
                    write!(f, "; {kind}: not retried")?;
                } else {
                    write!(f, "; {kind}: {backoff}")?;
                }
            }
        }
        Ok(())
    }
}

impl fmt::Display for Backoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.attempts {
            0 | 1 => return f.write_str("one attempt"),
            u32::MAX => f.write_str("unlimited attempts, ")?,
            attempts => write!(f, "up to {attempts} attempts, ")?,
        }
        match (self.longest_after(1), self.longest_after(2)) {
            (Duration::ZERO, _) => f.write_str("without a pause")?,
            (first, second) if first != second && self.attempts > 2 => {
                write!(f, "{first:?}, {second:?}, … apart")?;
            }
            (first, _) => write!(f, "{first:?} apart")?,
        }
        if self.jitter { f.write_str(", with jitter") } else { Ok(()) }
    }
}

impl Serialize for Retry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Policy {
            #[serde(flatten)]
            backoff: Backoff,
            #[serde(skip_serializing_if = "BTreeMap::is_empty")]
            by_kind: BTreeMap<&'static str, Backoff>,
        }
        let by_kind = KINDS.iter().zip(self.by_kind);
        let by_kind = by_kind.filter_map(|(kind, backoff)| Some((kind.as_str(), backoff?))).collect();
        Policy { backoff: self.backoff, by_kind }.serialize(serializer)
    }
}

impl Serialize for Backoff {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Data {
            /// `None` if unlimited.
            attempts: Option<u32>,
            first_pause_ms: u64,
            growth: u32,
            longest_pause_ms: u64,
            jitter: bool,
        }
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Data {
            attempts: (self.attempts < u32::MAX).then_some(self.attempts.max(1)),
            first_pause_ms: millis(self.longest_after(1)),
            growth: self.growth,
            longest_pause_ms: millis(self.longest),
            jitter: self.jitter,
        }
        .serialize(serializer)
    }
}

impl Backoff {
    /// The pause after attempt `number`, without jitter.
    fn longest_after(&self, number: u32) -> Duration {
        let factor = self.growth.saturating_pow(number.saturating_sub(1));
        self.base.saturating_mul(factor).min(self.longest)
    }

    fn pause_after(&self, job: JobId, number: u32) -> Duration {
        let pause = self.longest_after(number);
        if !self.jitter {
            return pause;
        }
        let mut hasher = DefaultHasher::new();
        (job, number).hash(&mut hasher);
        let half = pause / 2;
        half + share(half, hasher.finish())
    }
}

/// `pause` times `part` / 2⁶⁴. No pause is long enough to overflow: a share of 2³² leaves room for the nanoseconds of any.
fn share(pause: Duration, part: u64) -> Duration {
    const SECOND: u128 = 1_000_000_000;
    let nanos = (pause.as_nanos() * u128::from(part >> 32)) >> 32;
    // Less than the pause.
    let seconds = u64::try_from(nanos / SECOND).unwrap_or(u64::MAX);
    Duration::new(seconds, u32::try_from(nanos % SECOND).unwrap_or_default())
}

impl Default for Retry {
    fn default() -> Self {
        Self::none()
    }
}
