//! The lease of this worker, and observations of the leases of others.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::model::WorkerId;
use crate::store::{Lease, Store, StoreError};

/// The lease of this worker.
pub(crate) struct OwnLease {
    pub(crate) length: Duration,
    held: tokio::sync::Mutex<Held>,
}

#[derive(Default)]
struct Held {
    renewals: u64,
    /// In elapsed time, so that no step of the machine's clock ends the lease.
    until: Duration,
}

impl OwnLease {
    pub(crate) fn new(length: Duration) -> Self {
        Self { length, held: tokio::sync::Mutex::default() }
    }

    /// How often the lease was renewed.
    pub(crate) async fn renewals(&self) -> u64 {
        self.held.lock().await.renewals
    }

    /// Renews the lease if less than half of it is left.
    pub(crate) async fn ensure(
        &self,
        store: &dyn Store,
        worker: &WorkerId,
        elapsed: Duration,
    ) -> Result<(), StoreError> {
        let mut held = self.held.lock().await;
        if held.renewals == 0 || held.until < elapsed.saturating_add(self.length / 2) {
            let renewals = held.renewals + 1;
            store.renew(Lease { worker: worker.clone(), renewals, length: self.length }).await?;
            *held = Held { renewals, until: elapsed.saturating_add(self.length) };
        }
        Ok(())
    }
}

/// When the leases of other workers were seen to be renewed (r23). Measured in time that has elapsed here, so that clocks
/// need not agree.
#[derive(Default)]
pub(crate) struct LeaseObservations(Mutex<HashMap<WorkerId, Observation>>);

/// A number of renewals, and when it was first observed.
#[derive(Clone, Copy)]
struct Observation {
    renewals: u64,
    since: Duration,
}

impl LeaseObservations {
    /// Observes the stored leases, and returns those that have expired: not renewed for longer than their length, or never
    /// taken.
    pub(crate) fn observe(&self, leases: Vec<Lease>, elapsed: Duration) -> Vec<Lease> {
        let mut observations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let previous = std::mem::take(&mut *observations);
        let mut expired = Vec::new();
        for lease in leases {
            let unchanged = previous.get(&lease.worker).filter(|last| last.renewals == lease.renewals);
            let observation =
                unchanged.copied().unwrap_or(Observation { renewals: lease.renewals, since: elapsed });
            observations.insert(lease.worker.clone(), observation);
            if lease.renewals == 0 || elapsed.saturating_sub(observation.since) > lease.length {
                expired.push(lease);
            }
        }
        expired
    }
}
