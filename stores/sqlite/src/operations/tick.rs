use std::mem;

use enact::store::{Limits, NewTick, StoreError, Ticked};

use super::admission::{admit, insert_new};
use crate::encode::{EncodedJob, time};
use crate::error::Error;
use crate::operation::Operation;
use crate::statements::Statements;

/// [`Store::tick`](enact::store::Store::tick).
pub(crate) struct RecordTick {
    tick: NewTick,
    jobs: Vec<EncodedJob>,
}

impl RecordTick {
    pub(crate) fn new(mut tick: NewTick) -> Result<Self, StoreError> {
        let jobs = EncodedJob::all(mem::take(&mut tick.jobs))?;
        Ok(Self { tick, jobs })
    }
}

impl Operation for RecordTick {
    type Output = Ticked;

    fn run(&self, statements: &mut Statements<'_>) -> Result<Ticked, Error> {
        let NewTick { schedule, last, at, .. } = &self.tick;
        let stored = statements.schedules.last_tick(schedule)?;
        if stored.map(time) != last.map(time) {
            return Ok(Ticked::Stale(stored));
        }
        statements.schedules.record_tick(schedule, *at)?;
        let admission = admit(&self.jobs, Limits::Apply, statements)?;
        insert_new(&self.jobs, &admission.new, statements)?;
        Ok(Ticked::Done(admission.submitted))
    }
}
