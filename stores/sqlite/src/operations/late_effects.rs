use enact::store::LateEffects;

use crate::error::Error;
use crate::operation::Operation;
use crate::statements::Statements;

/// [`Store::add_late_effects`](enact::store::Store::add_late_effects).
pub(crate) struct AddLateEffects(pub(crate) Vec<LateEffects>);

impl Operation for AddLateEffects {
    type Output = ();

    fn run(&self, statements: &mut Statements<'_>) -> Result<(), Error> {
        self.0.iter().try_for_each(|late| statements.attempts.add_late_effects(late))
    }
}
