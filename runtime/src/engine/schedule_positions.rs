//! Where each schedule is, as this process knows it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

/// The last ticks of the schedules, and where new ones begin.
pub(crate) struct SchedulePositions {
    /// When the runtime started: new schedules begin then.
    started: Timestamp,
    /// In the order of the plans.
    positions: Mutex<Box<[Position]>>,
}

#[derive(Clone, Copy, Default)]
struct Position {
    /// The last stored tick; `None` until it is read.
    last: Option<Timestamp>,
    /// Whether it was logged that the schedule pauses because the clock was set back.
    is_pause_logged: bool,
}

impl SchedulePositions {
    pub(crate) fn new(schedules: usize, started: Timestamp) -> Self {
        Self { started, positions: Mutex::new(vec![Position::default(); schedules].into()) }
    }

    pub(super) fn started(&self) -> Timestamp {
        self.started
    }

    pub(super) fn last(&self, schedule: usize) -> Option<Timestamp> {
        self.lock()[schedule].last
    }

    pub(super) fn set_last(&self, schedule: usize, tick: Option<Timestamp>) {
        self.lock()[schedule].last = tick;
    }

    /// Notes whether a schedule pauses because the clock was set back. Returns whether to log it: once for each pause.
    pub(super) fn note_pause(&self, schedule: usize, pauses: bool) -> bool {
        let logged = std::mem::replace(&mut self.lock()[schedule].is_pause_logged, pauses);
        pauses && !logged
    }

    fn lock(&self) -> MutexGuard<'_, Box<[Position]>> {
        self.positions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
