use std::time::Duration;

use crate::Failure;

/// When a failed attempt is followed by another (r22). The default of every handler is [`Retry::none`].
///
/// A policy retries what may pass next time (`Error`, `Conflict`, `TimedOut`, `Panicked`, `Lost`) and never what
/// cannot (`Invalid`, `Denied`, `NotFound`, `AlreadyExists`, `Violated`), nor what was declared to be
/// [permanent](Failure::permanent).
///
/// The attempt of a handler that is never retried is safe from the death of the machine before the handler runs: it runs
/// once at most. That of any other need not be: should the machine die within the attempt's first milliseconds, the attempt
/// may not be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    pub(crate) attempts: u32,
    pub(crate) base: Duration,
    pub(crate) growth: u32,
}

impl Retry {
    /// The longest pause between two attempts that a policy grows to by itself.
    pub const LONGEST_PAUSE: Duration = Duration::from_hours(1);

    /// One attempt, whatever happens to it.
    pub const fn none() -> Self {
        Self { attempts: 1, base: Duration::ZERO, growth: 1 }
    }

    /// At most `attempts` attempts in all, with the same `pause` between them. `0` counts as `1`.
    pub const fn fixed(attempts: u32, pause: Duration) -> Self {
        Self { attempts, base: pause, growth: 1 }
    }

    /// At most `attempts` attempts in all. The first pause is `base`, each further one twice the last, up to
    /// [`Retry::LONGEST_PAUSE`] or `base`, whichever is longer. `0` attempts count as `1`.
    pub const fn exponential(attempts: u32, base: Duration) -> Self {
        Self { attempts, base, growth: 2 }
    }

    /// Whether there may be a second attempt.
    pub(crate) const fn repeats(&self) -> bool {
        self.attempts > 1
    }

    /// The pause before the attempt that follows attempt `number` (from 1), which ended with `failure`; `None` when the
    /// job ends here.
    pub fn pause_after(&self, number: u32, failure: &Failure) -> Option<Duration> {
        if number >= self.attempts || !failure.may_pass_next_time() {
            return None;
        }
        let factor = self.growth.saturating_pow(number.saturating_sub(1));
        Some(self.base.saturating_mul(factor).min(self.base.max(Self::LONGEST_PAUSE)))
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self::none()
    }
}
