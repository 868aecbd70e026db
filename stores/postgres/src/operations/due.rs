//! Changing the times that jobs wait for.

use enact::store::NewDue;

use crate::error::Error;
use crate::operation::{Operation, Progress};
use crate::world::{Needs, Stage, World};

/// [`Store::change_due`](enact::store::Store::change_due).
pub(crate) struct ChangeDue(pub(crate) Vec<NewDue>);

impl Operation for ChangeDue {
    type Output = ();

    fn needs(&self, needs: &mut Needs) {
        needs.live.extend(self.0.iter().map(|due| due.job));
    }

    fn is_alone(&self) -> bool {
        true
    }

    fn run(&mut self, world: &mut World) -> Result<Progress, Error> {
        for NewDue { job, from, to } in &self.0 {
            let from = from.as_microsecond();
            let waits = |live: &crate::world::Live| {
                live.stage == Stage::Waiting
                    && live.due_at.is_some_and(|due_at| due_at.as_microsecond() == from)
            };
            if world.live(*job).is_some_and(waits)
                && let Some(live) = world.live_mut(*job)
            {
                live.due_at = Some(*to);
            }
        }
        Ok(Progress::Done)
    }

    fn output(self) {}
}
