//! When a job may run.

use std::time::Duration;

use jiff::Timestamp;

use super::clock::after;

/// When a job is to run at the earliest.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Due {
    AtOnce,
    In(Duration),
    At(Timestamp),
}

impl Due {
    /// The time to wait for, for what is put on record now; `None` if it has come.
    pub(crate) fn from(self, now: Timestamp) -> Option<Timestamp> {
        let due_at = match self {
            Self::AtOnce => return None,
            Self::In(pause) => after(now, pause),
            Self::At(time) => time,
        };
        (due_at > now).then_some(due_at)
    }
}
