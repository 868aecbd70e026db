use enact::WorkerId;
use enact::store::Lease;

use crate::error::Error;
use crate::operation::Operation;
use crate::statements::Statements;

/// [`Store::renew`](enact::store::Store::renew).
pub(crate) struct RenewLease(pub(crate) Lease);

impl Operation for RenewLease {
    type Output = ();

    fn run(&self, statements: &mut Statements<'_>) -> Result<(), Error> {
        statements.leases.renew(&self.0)
    }
}

/// [`Store::retire`](enact::store::Store::retire).
pub(crate) struct RetireWorker {
    pub(crate) worker: WorkerId,
    pub(crate) renewals: u64,
}

impl Operation for RetireWorker {
    type Output = ();

    fn run(&self, statements: &mut Statements<'_>) -> Result<(), Error> {
        statements.leases.retire(&self.worker, self.renewals)
    }
}
