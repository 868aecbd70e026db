use std::{iter, mem};

use enact::JobId;
use enact::store::{Limits, NewTick, SchedulePosition, StoreError, Ticked};

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

/// Whether a job is stored and has not ended.
fn is_live(job: JobId, statements: &mut Statements<'_>) -> Result<bool, Error> {
    Ok(statements.live.find(job)?.is_some_and(|(_, state)| !state.has_ended()))
}

impl Operation for RecordTick {
    type Output = Ticked;

    fn run(&self, statements: &mut Statements<'_>) -> Result<Ticked, Error> {
        let NewTick { schedule, aliases, last, at, unless_running, .. } = &self.tick;
        let names = || iter::once(&**schedule).chain(aliases.iter().copied());
        let mut stored: Option<SchedulePosition> = None;
        for name in names() {
            let found = statements.schedules.position(name)?;
            stored = stored.into_iter().chain(found).max_by_key(|position| position.tick);
        }
        let stored_tick = stored.map(|stored| stored.tick);
        if stored_tick.map(time) != last.map(time) {
            return Ok(Ticked::Stale(stored_tick));
        }
        let earlier = stored.and_then(|stored| stored.job);
        let may_overlap = !unless_running || self.jobs.is_empty();
        let (job, ticked) = match earlier {
            Some(running) if !may_overlap && is_live(running, statements)? => {
                (earlier, Ticked::Overlaps(running))
            }
            _ => {
                let admission = admit(&self.jobs, Limits::Apply, statements)?;
                insert_new(&self.jobs, &admission.new, statements)?;
                let ids = self.jobs.iter().map(|encoded| encoded.job.id);
                let job = SchedulePosition::last_job(ids, &admission.submitted).or(earlier);
                (job, Ticked::Done(admission.submitted))
            }
        };
        for name in names() {
            statements.schedules.set_position(name, SchedulePosition { tick: *at, job })?;
        }
        Ok(ticked)
    }
}
