//! Beginning an attempt of a held job.

use enact::store::Begin;

use crate::error::Error;
use crate::operation::{Operation, Progress};
use crate::world::{Needs, Stage, World};

/// [`Store::begin`](enact::store::Store::begin).
pub(crate) struct BeginAttempt {
    begin: Begin,
    was_held: bool,
}

impl BeginAttempt {
    pub(crate) fn new(begin: Begin) -> Self {
        Self { begin, was_held: false }
    }
}

impl Operation for BeginAttempt {
    type Output = bool;

    fn needs(&self, needs: &mut Needs) {
        needs.live.insert(self.begin.job);
    }

    fn run(&mut self, world: &mut World) -> Result<Progress, Error> {
        let Begin { job, worker, number, now, .. } = &self.begin;
        let is_held = |live: &crate::world::Live| {
            live.stage == Stage::Held && live.is_attempt(worker.as_str(), *number)
        };
        self.was_held = world.live(*job).is_some_and(is_held);
        if self.was_held
            && let Some(live) = world.live_mut(*job)
        {
            (live.stage, live.attempts, live.started_at) = (Stage::Running, *number, Some(*now));
        }
        Ok(Progress::Done)
    }

    fn may_be_durable_later(&self) -> bool {
        self.begin.repeatable
    }

    fn output(self) -> bool {
        self.was_held
    }
}
