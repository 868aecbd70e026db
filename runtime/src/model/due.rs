use std::time::Duration;

use jiff::Timestamp;

use super::clock::add_saturating;

/// The earliest time at which a job may run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Due {
    AtOnce,
    In(Duration),
    At(Timestamp),
}

impl Due {
    /// Whether it is a pause, which is measured by elapsed time, and not a time of day.
    pub(crate) fn is_pause(self) -> bool {
        matches!(self, Self::In(_))
    }

    /// The time that a job created at `now` waits for; `None` if that time has passed.
    pub(crate) fn from(self, now: Timestamp) -> Option<Timestamp> {
        let due_at = match self {
            Self::AtOnce => return None,
            Self::In(pause) => add_saturating(now, pause),
            Self::At(time) => time,
        };
        (due_at > now).then_some(due_at)
    }
}
