//! Counting late effects.

use enact::store::LateEffects;

use crate::error::Error;
use crate::operation::{Operation, Progress};
use crate::world::{Needs, World};

/// [`Store::add_late_effects`](enact::store::Store::add_late_effects).
pub(crate) struct AddLateEffects(pub(crate) Vec<LateEffects>);

impl Operation for AddLateEffects {
    type Output = ();

    fn needs(&self, _: &mut Needs) {}

    fn run(&mut self, world: &mut World) -> Result<Progress, Error> {
        for LateEffects { job, attempt, count } in &self.0 {
            world.add_late_effects(*job, *attempt, *count);
        }
        Ok(Progress::Done)
    }

    fn output(self) {}
}
