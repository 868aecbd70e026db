//! The leases of workers.

use std::time::Duration;

use crate::model::{FastMap, WorkerId};
use crate::store::Lease;

/// The last lease of each worker.
#[derive(Debug, Default)]
pub(super) struct Leases(FastMap<WorkerId, Lease>);

impl Leases {
    pub(super) fn renew(&mut self, lease: Lease) {
        self.0.insert(lease.worker.clone(), lease);
    }

    /// Deletes the lease if its renewal count still equals `renewals`.
    pub(super) fn retire(&mut self, worker: &WorkerId, renewals: u64) {
        if self.of(worker).renewals == renewals {
            self.0.remove(worker);
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Lease> {
        self.0.values()
    }

    pub(super) fn has(&self, worker: &WorkerId) -> bool {
        self.0.contains_key(worker)
    }

    pub(super) fn of(&self, worker: &WorkerId) -> Lease {
        let missing = || Lease { worker: worker.clone(), renewals: 0, length: Duration::ZERO };
        self.0.get(worker).cloned().unwrap_or_else(missing)
    }
}
