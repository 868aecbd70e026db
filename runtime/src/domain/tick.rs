//! Ticks of schedules, and the commands made from them.

use std::sync::Arc;

use jiff::Timestamp;

/// One time at which a command recurs: what the command is made from, by its `From<Tick>`.
///
/// ```
/// use enact::prelude::*;
///
/// /// Close the books of a day.
/// #[command]
/// pub struct CloseBooks {
///     pub day: String,
/// }
///
/// /// Those of the day before.
/// impl From<Tick> for CloseBooks {
///     fn from(tick: Tick) -> Self {
///         let day = tick.scheduled_at() - Duration::from_secs(24 * 60 * 60);
///         Self { day: day.strftime("%F").to_string() }
///     }
/// }
///
/// #[command(cron = "30 0 * * *", missed = Missed::All)]
/// async fn close_books(_close: CloseBooks) {}
///
/// let tick = Tick::new("CloseBooks", "2030-01-02T00:30:00Z".parse()?);
/// assert_eq!(CloseBooks::from(tick).day, "2030-01-01");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tick {
    schedule: Arc<str>,
    scheduled_at: Timestamp,
}

impl Tick {
    /// A tick, as a test of a `From<Tick>` needs one.
    pub fn new(schedule: impl Into<Arc<str>>, scheduled_at: Timestamp) -> Self {
        Self { schedule: schedule.into(), scheduled_at }
    }

    /// The time of the tick. The command runs at that time or later.
    pub fn scheduled_at(&self) -> Timestamp {
        self.scheduled_at
    }

    /// What has ticked: the name of the command.
    pub fn schedule(&self) -> &str {
        &self.schedule
    }
}

/// A command that a tick can begin: every `C: From<Tick>`.
///
/// Implement `From`. How a command begins is the domain's own code.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be made from a `Tick`",
    label = "`every` and `cron` make a `{Self}` at each tick",
    note = "write `impl From<Tick> for {Self} {{ fn from(tick: Tick) -> Self {{ … }} }}`"
)]
pub trait Recurring: Sized {
    /// Makes the command of a tick. It may be asked for more than once, by several processes: one of them puts it on record.
    fn begun_by(tick: Tick) -> Self;
}

#[diagnostic::do_not_recommend]
impl<C: From<Tick>> Recurring for C {
    fn begun_by(tick: Tick) -> Self {
        Self::from(tick)
    }
}
