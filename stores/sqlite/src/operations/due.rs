use enact::store::NewDue;

use crate::error::Error;
use crate::operation::Operation;
use crate::statements::Statements;

/// [`Store::change_due`](enact::store::Store::change_due).
pub(crate) struct ChangeDue(pub(crate) Vec<NewDue>);

impl Operation for ChangeDue {
    type Output = ();

    fn run(&self, statements: &mut Statements<'_>) -> Result<(), Error> {
        self.0.iter().try_for_each(|due| statements.live.change_due(due))
    }
}
