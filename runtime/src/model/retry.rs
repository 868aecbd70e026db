use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::failure::{Failure, FailureKind};
use super::id::JobId;

/// When a failed attempt is followed by another (r22). The default of every handler is [`Retry::none`].
///
/// A policy retries what may pass next time (`Error`, `Conflict`, `TimedOut`, `Panicked`, `Lost`) and never what
/// cannot (`Invalid`, `Denied`, `NotFound`, `AlreadyExists`, `Violated`), nor what was declared to be
/// [permanent](Failure::permanent). [`Failure::retry_in`] overrides the pause.
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
/// The attempt of a handler that is never retried is safe from the death of the machine before the handler runs: it runs
/// once at most. That of any other need not be: should the machine die within the attempt's first milliseconds, the attempt
/// may not be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    backoff: Backoff,
    /// What holds instead after failures of a kind: in the order of [`KINDS`].
    by_kind: [Option<Backoff>; KINDS.len()],
}

/// How often, and with which pauses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Backoff {
    attempts: u32,
    base: Duration,
    growth: u32,
    longest: Duration,
    jitter: bool,
}

/// The kinds of failure that may pass next time.
const KINDS: [FailureKind; 5] = [
    FailureKind::Error,
    FailureKind::Conflict,
    FailureKind::TimedOut,
    FailureKind::Panicked,
    FailureKind::Lost,
];

impl Retry {
    /// The longest pause between two attempts that a policy grows to by itself, unless it
    /// [says otherwise](Self::longest_pause).
    pub const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

    const fn of(attempts: u32, base: Duration, growth: u32, jitter: bool) -> Self {
        let longest =
            if base.as_nanos() > Self::LONGEST_PAUSE.as_nanos() { base } else { Self::LONGEST_PAUSE };
        Self { backoff: Backoff { attempts, base, growth, longest, jitter }, by_kind: [None; KINDS.len()] }
    }

    /// One attempt, whatever happens to it.
    pub const fn none() -> Self {
        Self::of(1, Duration::ZERO, 1, false)
    }

    /// At most `attempts` attempts in all, with the same `pause` between them. `0` counts as `1`.
    pub const fn fixed(attempts: u32, pause: Duration) -> Self {
        Self::of(attempts, pause, 1, false)
    }

    /// At most `attempts` attempts in all. The first pause is `base`, each further one twice the last, up to
    /// [`Retry::LONGEST_PAUSE`] or `base`, whichever is longer. `0` attempts count as `1`.
    pub const fn exponential(attempts: u32, base: Duration) -> Self {
        Self::of(attempts, base, 2, false)
    }

    /// As [`exponential`](Self::exponential), but each pause is shortened to somewhere between its half and its whole, so that
    /// jobs that failed together do not all come back together. Where between depends on the job and the attempt only.
    pub const fn exponential_with_jitter(attempts: u32, base: Duration) -> Self {
        Self::of(attempts, base, 2, true)
    }

    /// The same, with no pause longer than this.
    #[must_use]
    pub const fn longest_pause(mut self, longest: Duration) -> Self {
        self.backoff.longest = longest;
        self
    }

    /// The same, but failures of this kind are retried as `policy` says. All attempts since the job was published or
    /// [retried by hand](crate::Jobs::retry) count, whatever they failed of.
    ///
    /// # Panics
    /// If failures of this kind are never retried; where the policy is a constant, when it is compiled.
    #[must_use]
    pub const fn on(mut self, kind: FailureKind, policy: Self) -> Self {
        let mut index = 0;
        while index < KINDS.len() {
            if KINDS[index] as u8 == kind as u8 {
                self.by_kind[index] = Some(policy.backoff);
                return self;
            }
            index += 1;
        }
        panic!("only failures of the kinds Error, Conflict, TimedOut, Panicked and Lost can be retried");
    }

    /// Whether there may be a second attempt.
    pub(crate) fn repeats(&self) -> bool {
        self.by_kind.iter().flatten().chain([&self.backoff]).any(|backoff| backoff.attempts > 1)
    }

    /// The pause before the attempt of `job` that follows attempt `number` of its budget (from 1), which ended with
    /// `failure`; `None` when the job ends here.
    pub fn pause_after(&self, job: JobId, number: u32, failure: &Failure) -> Option<Duration> {
        let index = KINDS.iter().position(|kind| *kind == failure.kind());
        let backoff = index.and_then(|index| self.by_kind[index]).unwrap_or(self.backoff);
        if number >= backoff.attempts || !failure.may_pass_next_time() {
            return None;
        }
        Some(failure.retry_after().unwrap_or_else(|| backoff.pause_after(job, number)))
    }
}

impl fmt::Display for Retry {
    /// `attempted up to 5 times, 100ms, 200ms, … apart`; nothing if there is one attempt only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.backoff.fmt(f)?;
        for (kind, backoff) in KINDS.iter().zip(self.by_kind) {
            if let Some(backoff) = backoff {
                if backoff.attempts <= 1 {
                    write!(f, "; {kind}: not again")?;
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
            0 | 1 => return f.write_str("attempted once"),
            u32::MAX => f.write_str("attempted until it succeeds, ")?,
            attempts => write!(f, "attempted up to {attempts} times, ")?,
        }
        match (self.longest_after(1), self.longest_after(2)) {
            (Duration::ZERO, _) => f.write_str("without a pause")?,
            (first, second) if first != second && self.attempts > 2 => {
                write!(f, "{first:?}, {second:?}, … apart")?;
            }
            (first, _) => write!(f, "{first:?} apart")?,
        }
        if self.jitter { f.write_str(", or somewhat less") } else { Ok(()) }
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
            /// `None`: as many as it takes.
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
    /// The pause after attempt `number`, not shortened.
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
        let share = u128::from(hasher.finish()) * half.as_nanos() / u128::from(u64::MAX);
        half + Duration::from_nanos(u64::try_from(share).unwrap_or(u64::MAX))
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self::none()
    }
}
