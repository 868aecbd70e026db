//! Recording the tick of a schedule.

use std::mem;
use std::sync::Arc;

use enact::store::{Limits, NewTick, SchedulePosition, StoreError, Ticked};
use jiff::Timestamp;

use crate::encode::EncodedJob;
use crate::error::Error;
use crate::operation::{Operation, Progress};
use crate::world::{Needs, World};

/// [`Store::tick`](enact::store::Store::tick).
pub(crate) struct RecordTick {
    tick: NewTick,
    jobs: Vec<Arc<EncodedJob>>,
    ticked: Ticked,
}

impl RecordTick {
    pub(crate) fn new(mut tick: NewTick) -> Result<Self, StoreError> {
        let jobs = EncodedJob::all(mem::take(&mut tick.jobs))?;
        Ok(Self { tick, jobs, ticked: Ticked::Stale(None) })
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&*self.tick.schedule).chain(self.tick.aliases.iter().copied())
    }
}

impl Operation for RecordTick {
    type Output = Ticked;

    fn needs(&self, needs: &mut Needs) {
        needs.schedules.extend(self.names().map(str::to_owned));
        needs.admission(self.jobs.iter().map(|encoded| &encoded.job), Limits::Apply);
    }

    fn is_alone(&self) -> bool {
        true
    }

    fn run(&mut self, world: &mut World) -> Result<Progress, Error> {
        let NewTick { last, at, unless_running, .. } = &self.tick;
        let stored =
            self.names().filter_map(|name| world.schedule(name)).max_by_key(|found| found.position.tick);
        let stored_tick = stored.map(|stored| stored.position.tick);
        if stored_tick.map(Timestamp::as_microsecond) != last.map(Timestamp::as_microsecond) {
            self.ticked = Ticked::Stale(stored_tick);
            return Ok(Progress::Done);
        }
        let earlier = stored.and_then(|stored| stored.position.job);
        let is_running = stored.is_some_and(|stored| stored.is_running);
        let may_overlap = !unless_running || self.jobs.is_empty();
        let (job, ticked) = match earlier {
            Some(running) if !may_overlap && is_running => (earlier, Ticked::Overlaps(running)),
            _ => {
                let admission = world.admit(&self.jobs, Limits::Apply);
                world.insert_new(&self.jobs, &admission.new)?;
                let ids = self.jobs.iter().map(|encoded| encoded.job.id);
                let job = SchedulePosition::last_job(ids, &admission.submitted).or(earlier);
                (job, Ticked::Done(admission.submitted))
            }
        };
        for name in self.names() {
            world.set_schedule(name, SchedulePosition { tick: *at, job });
        }
        self.ticked = ticked;
        Ok(Progress::Done)
    }

    fn output(self) -> Ticked {
        self.ticked
    }
}
