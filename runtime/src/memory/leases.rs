//! What workers have said of themselves (r23).

use std::collections::HashMap;
use std::time::Duration;

use crate::WorkerId;
use crate::store::Lease;

/// How often each worker has renewed its lease, and how long one lasts.
#[derive(Debug, Default)]
pub(super) struct Leases(HashMap<WorkerId, (u64, Duration)>);

impl Leases {
    pub(super) fn renew(&mut self, worker: &WorkerId, length: Duration) {
        let renewals = self.of(worker).renewals + 1;
        self.0.insert(worker.clone(), (renewals, length));
    }

    pub(super) fn retire(&mut self, worker: &WorkerId) {
        self.0.remove(worker);
    }

    pub(super) fn of(&self, worker: &WorkerId) -> Lease {
        let (renewals, length) = self.0.get(worker).copied().unwrap_or_default();
        Lease { worker: worker.clone(), renewals, length }
    }
}
