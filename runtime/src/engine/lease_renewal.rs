//! When this worker renews its lease.

use std::time::Duration;

use crate::model::WorkerId;
use crate::store::{Lease, Store, StoreError};

/// The lease of this worker, as far as this process has renewed it.
pub(crate) struct LeaseRenewal {
    pub(crate) length: Duration,
    held: tokio::sync::Mutex<Held>,
}

#[derive(Default)]
struct Held {
    renewals: u64,
    /// In elapsed time, so that no step of the machine's clock ends the lease.
    until: Duration,
}

impl LeaseRenewal {
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
