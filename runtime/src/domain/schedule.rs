//! Schedules of recurring commands, and policies for missed ticks.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use super::command::Command;
use super::erased::AnyCommand;
use super::tick::{Recurring, Tick};

/// When a command recurs. Set by `#[command(every = …)]` or `#[command(cron = "…")]` on its handler.
///
/// Each tick submits one job of the command, however many processes share the store ([r38](crate::rules#r38)). It is validated
/// like any command. It has a correlation id of its own, no identity and no tenant, and limits of queued jobs do not apply to
/// it.
///
/// A schedule starts when a program with it is first started on a store; ticks before that are not missed. The store knows it
/// by the name of its command, and by its aliases ([r52](crate::rules#r52)).
///
/// All processes share its position, also those that know it by a former name: while the old and the new version of a program run beside
/// each other, and after the old one has returned, each tick is one job.
///
/// Ticks follow the wall clock. If the clock is set back, no tick is repeated: the schedule pauses until the time of its last
/// tick has passed again, and says so in the log. If the last tick is more than [an hour](Self::LONGEST_SILENCE) ahead, because the
/// clock was wrong, the schedule continues from now, and says that, too; it may repeat ticks that came too early. Ticks
/// that are skipped when the clock is set forward are [missed](Missed).
pub struct Schedule<C> {
    pub(crate) times: Times,
    pub(crate) settings: ScheduleSettings,
    pub(crate) make: MakeCommand,
    has_overlap: bool,
    command: PhantomData<fn() -> C>,
}

/// The settings of a [`Schedule`] besides its times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct ScheduleSettings {
    /// What happens to missed ticks.
    pub missed: Missed,
    /// What happens to a tick while the run of an earlier one has not ended.
    pub overlap: Overlap,
}

/// Creates the command of a tick.
pub(crate) type MakeCommand = fn(Tick) -> AnyCommand;

/// When a schedule ticks, as declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Times {
    Every(Duration),
    #[cfg(feature = "cron")]
    Cron(Cow<'static, str>),
}

impl<C> Schedule<C> {
    /// How far the last tick may be ahead of the clock. A schedule pauses for no longer than this after the clock was set back.
    pub const LONGEST_SILENCE: Duration = LONGEST_SILENCE;
}

/// See [`Schedule::LONGEST_SILENCE`].
pub(crate) const LONGEST_SILENCE: Duration = Duration::from_secs(60 * 60);

impl<C: Command> Schedule<C> {
    /// Ticks at the multiples of `period` since 1970-01-01 00:00 UTC. With ten minutes: at :00, :10, :20 and so on.
    ///
    /// The period has a resolution of a microsecond. `start()` refuses a period of less than a second.
    pub fn every(period: Duration) -> Self
    where
        C: Recurring,
    {
        Self::at(Times::Every(period))
    }

    /// Ticks at the times of a cron pattern: `minute hour day-of-month month day-of-week`, in UTC, or in the IANA time zone that
    /// follows: `0 3 * * * Europe/Zurich`. If both days are restricted, either has to match.
    ///
    /// When the clocks of the time zone change, the hour field decides:
    ///
    /// - If it begins with `*` or is `0-23`, the pattern is of intervals: it ticks at each moment whose local time matches, so twice
    ///   at a time that is repeated, and not at one that is skipped. `*/10 * * * *` ticks every ten minutes throughout.
    /// - Otherwise the pattern is of times of the day, and each comes once a day: one that is skipped ticks at the first moment after the
    ///   gap, together with others that are skipped, and one that is repeated ticks at its first occurrence. `30 2 * * *` ticks
    ///   once each night.
    ///
    /// `start()` refuses a malformed pattern, and one that never matches, such as the 30th of February.
    ///
    /// Needs the feature `cron`.
    #[cfg(feature = "cron")]
    pub fn cron(pattern: impl Into<Cow<'static, str>>) -> Self
    where
        C: Recurring,
    {
        Self::at(Times::Cron(pattern.into()))
    }

    /// Not available without the feature `cron`.
    #[cfg(not(feature = "cron"))]
    #[doc(hidden)]
    pub fn cron(pattern: impl Into<Cow<'static, str>>) -> Self
    where
        C: CronFeature,
    {
        let _ = pattern.into();
        unreachable!("no type implements `CronFeature`")
    }

    fn at(times: Times) -> Self
    where
        C: Recurring,
    {
        let settings = ScheduleSettings::default();
        Self { times, settings, make: make::<C>, has_overlap: false, command: PhantomData }
    }

    /// Sets what happens to missed ticks. The default is [`Missed::Once`].
    #[must_use]
    pub fn missed(mut self, missed: Missed) -> Self {
        self.settings.missed = missed;
        if !self.has_overlap {
            self.settings.overlap = if missed == Missed::All { Overlap::Queue } else { Overlap::Skip };
        }
        self
    }

    /// Sets what happens to a tick while the run of an earlier one has not ended. The default is [`Overlap::Skip`], or
    /// [`Overlap::Queue`] with [`Missed::All`].
    ///
    /// `start()` refuses `Overlap::Skip` with `Missed::All`, of which all but the first would be skipped.
    #[must_use]
    pub fn overlap(mut self, overlap: Overlap) -> Self {
        self.settings.overlap = overlap;
        self.has_overlap = true;
        self
    }
}

/// Implemented by no type: its message names the feature that a cron pattern needs.
#[cfg(not(feature = "cron"))]
#[diagnostic::on_unimplemented(
    message = "a cron pattern needs the feature `cron` of enact",
    label = "the feature `cron` is not enabled",
    note = "in Cargo.toml, write `enact = {{ version = \"…\", features = [\"cron\"] }}`, or use `every = Duration::…`"
)]
#[doc(hidden)]
pub trait CronFeature {}

fn make<C: Command + Recurring>(tick: Tick) -> AnyCommand {
    AnyCommand::of(&C::from_tick(tick))
}

impl<C> fmt::Debug for Schedule<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { times, settings, .. } = self;
        f.debug_struct("Schedule").field("times", times).field("settings", settings).finish_non_exhaustive()
    }
}

/// What happens to ticks that passed while no process was running, or that no process submitted in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Missed {
    /// Skips them. A tick counts as missed after [ten seconds](Self::TOO_LATE).
    Skip,
    /// Runs only the latest, in place of all. For commands that act on the current state, as most recurring ones do.
    #[default]
    Once,
    /// Runs each, in order. For commands that depend on the time of their tick, such as a daily report. They are submitted in
    /// batches.
    All,
}

/// What happens to a tick while the run of an earlier one has not ended: its job waits, runs, or is to be retried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Overlap {
    /// The tick makes no job, which is logged as a warning with the job that has not ended. For commands that act on the current state.
    #[default]
    Skip,
    /// Its job runs when the earlier ones have ended, in order: the jobs share a lane. A command with an `order_by` keeps its own
    /// lanes. Jobs pile up if runs take longer than the period.
    Queue,
    /// Its job runs at once, beside the earlier ones.
    Allow,
}

impl Overlap {
    /// The stable name of the policy, as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Queue => "queue",
            Self::Allow => "allow",
        }
    }
}

impl ScheduleSettings {
    /// Why the settings exclude each other; `None` if they do not.
    pub(crate) fn contradiction(self) -> Option<&'static str> {
        (self.missed == Missed::All && self.overlap == Overlap::Skip).then_some(
            "`overlap = skip` would skip all but the first of the missed ticks that `Missed::All` runs: write `overlap = queue`, or \
             another `missed`",
        )
    }
}

impl Missed {
    /// The time after which [`Skip`](Self::Skip) drops a tick.
    pub const TOO_LATE: Duration = Duration::from_secs(10);

    /// The stable name of the policy, as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Once => "once",
            Self::All => "all",
        }
    }
}
