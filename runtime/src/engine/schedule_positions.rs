//! What this process knows of the last tick of each schedule.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

/// The last stored tick of each schedule that this process knows of, in the order of the plans; `None` before it has looked.
pub(crate) struct SchedulePositions(Mutex<Box<[Option<Timestamp>]>>);

impl SchedulePositions {
    pub(crate) fn new(schedules: usize) -> Self {
        Self(Mutex::new(vec![None; schedules].into()))
    }

    pub(super) fn last(&self, schedule: usize) -> Option<Timestamp> {
        self.lock()[schedule]
    }

    pub(super) fn set_last(&self, schedule: usize, tick: Option<Timestamp>) {
        self.lock()[schedule] = tick;
    }

    fn lock(&self) -> MutexGuard<'_, Box<[Option<Timestamp>]>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
