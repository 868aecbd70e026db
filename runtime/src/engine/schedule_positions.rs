//! The last tick of each schedule, as this process knows it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

/// The last stored tick of each schedule, in the order of the plans; `None` until it is read.
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
