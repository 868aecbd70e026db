use std::sync::Arc;

use jiff::Timestamp;

/// A tick of a command's schedule. The command is created from it, by `From<Tick>`.
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
/// /// Closes the books of the previous day.
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
    /// Creates a tick, for tests of a `From<Tick>`.
    pub fn new(schedule: impl Into<Arc<str>>, scheduled_at: Timestamp) -> Self {
        Self { schedule: schedule.into(), scheduled_at }
    }

    /// The time of the tick. The command runs then or later.
    pub fn scheduled_at(&self) -> Timestamp {
        self.scheduled_at
    }

    /// The name of the command that the schedule belongs to.
    pub fn schedule(&self) -> &str {
        &self.schedule
    }
}

/// A command that can be created from a [`Tick`]: every `C: From<Tick>`. Implement `From`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be created from a `Tick`",
    label = "`every` and `cron` create a `{Self}` at each tick",
    note = "write `impl From<Tick> for {Self} {{ fn from(tick: Tick) -> Self {{ … }} }}`"
)]
pub trait Recurring: Sized {
    /// Creates the command of a tick. Several processes may call it for the same tick; only one of them submits the job.
    fn from_tick(tick: Tick) -> Self;
}

#[diagnostic::do_not_recommend]
impl<C: From<Tick>> Recurring for C {
    fn from_tick(tick: Tick) -> Self {
        Self::from(tick)
    }
}
