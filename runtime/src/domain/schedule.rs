//! Commands that recur: when they do, and what becomes of the times that were missed.

#[cfg(feature = "cron")]
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use super::command::Command;
use super::erased::AnyCommand;
use super::tick::{Recurring, Tick};

/// When a command recurs by itself. `#[command(every = …)]` and `#[command(cron = "…")]` on its handler say so.
///
/// Each tick puts one job of the command on record, however many processes share the store, and whichever of them is the
/// first to come to it. It is a job as any other, validated at the same door (r11), and a matter of its own (r32); it is
/// nobody's request, so it has no identity and no tenant. Limits of what may be queued do not concern it.
///
/// A schedule begins when a program that has it first starts on a store: the first tick is the first one after that. It is
/// known by the name of its command, and by the names that the command had before (r52).
///
/// The time is the wall clock's. A step of it back repeats no tick: nothing ticks until the last one on record has come
/// once more. What a step forward passes over is [missed](Missed).
pub struct Schedule<C> {
    pub(crate) times: Times,
    pub(crate) settings: ScheduleSettings,
    pub(crate) make: MakeCommand,
    command: PhantomData<fn() -> C>,
}

/// What a [`Schedule`] says besides its times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct ScheduleSettings {
    /// Which missed ticks run.
    pub missed: Missed,
}

/// Makes the command of a tick.
pub(crate) type MakeCommand = fn(Tick) -> AnyCommand;

/// When a schedule ticks, as its author has said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Times {
    Every(Duration),
    #[cfg(feature = "cron")]
    Cron(Cow<'static, str>),
}

impl<C: Command> Schedule<C> {
    /// Ticks at the multiples of `period` since the beginning of 1970 in UTC, so that all processes agree on them: every
    /// ten minutes, on the full ten minutes.
    ///
    /// A period is a second at least, and counted in whole microseconds. `start()` refuses a shorter one (r50).
    pub fn every(period: Duration) -> Self
    where
        C: Recurring,
    {
        Self::at(Times::Every(period))
    }

    /// Ticks at the times that a cron pattern names: `minute hour day-of-month month day-of-week`, in UTC, unless a time zone
    /// of the IANA database stands behind it: `0 3 * * * Europe/Zurich`. If both days are restricted, one of them has to
    /// match. An hour that the clocks leave out or repeat is left to [`cronexpr`](https://docs.rs/cronexpr).
    ///
    /// `start()` refuses what is no pattern, and a pattern of no time, as the 30th of February (r50).
    #[cfg(feature = "cron")]
    pub fn cron(pattern: impl Into<Cow<'static, str>>) -> Self
    where
        C: Recurring,
    {
        Self::at(Times::Cron(pattern.into()))
    }

    fn at(times: Times) -> Self
    where
        C: Recurring,
    {
        Self { times, settings: ScheduleSettings::default(), make: make::<C>, command: PhantomData }
    }

    /// What becomes of ticks that were missed; otherwise [`Missed::Once`].
    #[must_use]
    pub fn missed(mut self, missed: Missed) -> Self {
        self.settings.missed = missed;
        self
    }
}

fn make<C: Command + Recurring>(tick: Tick) -> AnyCommand {
    AnyCommand::of(&C::begun_by(tick))
}

impl<C> fmt::Debug for Schedule<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { times, settings, .. } = self;
        f.debug_struct("Schedule").field("times", times).field("settings", settings).finish_non_exhaustive()
    }
}

/// What becomes of the ticks that came while no process ran, or that no process could put on record in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Missed {
    /// None of them runs: for what is of no use too late. A tick is too late after [ten seconds](Self::TOO_LATE).
    Skip,
    /// The latest one runs, and stands for all of them: for what looks at how things are now, as most that recurs does.
    #[default]
    Once,
    /// Each of them runs, first to last: for what is about the time of its tick, as a report of the day. They are put on
    /// record in batches.
    All,
}

impl Missed {
    /// From when on a tick that has not run is too late for [`Skip`](Self::Skip).
    pub const TOO_LATE: Duration = Duration::from_secs(10);

    /// The policy's stable name, as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Once => "once",
            Self::All => "all",
        }
    }
}
