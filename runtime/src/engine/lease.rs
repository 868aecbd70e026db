//! The lease of this worker, and what is observed of the leases of others.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::model::WorkerId;
use crate::store::{Lease, Store, StoreError};

/// How long this worker has promised to be alive.
pub(crate) struct OwnLease {
    pub(crate) length: Duration,
    held: tokio::sync::Mutex<Held>,
}

#[derive(Default)]
struct Held {
    renewals: u64,
    /// By the time that has passed, so that no step of the machine's clock ends it.
    until: Duration,
}

impl OwnLease {
    pub(crate) fn of(length: Duration) -> Self {
        Self { length, held: tokio::sync::Mutex::default() }
    }

    /// How often it was renewed.
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

/// When other workers were seen to renew their leases (r23): by the time that has passed here, so that it does not matter
/// what anybody's clock says.
#[derive(Default)]
pub(crate) struct LeaseObservations(Mutex<HashMap<WorkerId, Observation>>);

#[derive(Clone, Copy)]
struct Observation {
    renewals: u64,
    at: Duration,
}

impl LeaseObservations {
    /// Takes a look at the leases there are. Answers with those that have ended: they have not been renewed for longer than
    /// they last, or were never taken.
    pub(crate) fn look(&self, leases: Vec<Lease>, elapsed: Duration) -> Vec<Lease> {
        let mut observations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::take(&mut *observations);
        let mut lapsed = Vec::new();
        for lease in leases {
            let last = before.get(&lease.worker).filter(|last| last.renewals == lease.renewals);
            let observation = last.copied().unwrap_or(Observation { renewals: lease.renewals, at: elapsed });
            observations.insert(lease.worker.clone(), observation);
            if lease.renewals == 0 || elapsed.saturating_sub(observation.at) > lease.length {
                lapsed.push(lease);
            }
        }
        lapsed
    }
}
