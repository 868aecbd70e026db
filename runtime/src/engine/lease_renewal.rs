//! When this worker renews its lease.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};

use crate::model::WorkerId;
use crate::store::{Lease, Store, StoreError};

/// The lease of this worker, as far as this process has renewed it.
pub(crate) struct LeaseRenewal {
    pub(crate) length: Duration,
    held: Arc<Held>,
}

#[derive(Default)]
struct Held(Mutex<State>);

#[derive(Default)]
struct State {
    /// The number of the last renewal that the store has confirmed.
    renewals: u64,
    /// The end of the lease in elapsed time, so that no step of the machine's clock ends it.
    until: Duration,
    /// The number of the last renewal that was tried. Each has a number of its own: an observer notices it even if an earlier one
    /// was stored without a confirmation.
    tried: u64,
    /// The renewal that runs.
    renewing: Option<WeakShared<Renewing>>,
}

type Renewing = BoxFuture<'static, Result<(), StoreError>>;

impl LeaseRenewal {
    pub(crate) fn new(length: Duration) -> Self {
        Self { length, held: Arc::default() }
    }

    /// The number of the last renewal.
    pub(crate) fn renewals(&self) -> u64 {
        self.held.lock().renewals
    }

    /// Whether the lease was held and has expired.
    pub(crate) fn has_expired(&self, elapsed: Duration) -> bool {
        let state = self.held.lock();
        state.renewals > 0 && state.until < elapsed
    }

    /// Renews the lease if less than half of it is left.
    ///
    /// Concurrent calls share a renewal, and each of them can complete it: a call in a task whose thread is blocked delays no other.
    pub(crate) async fn ensure(
        &self,
        store: &Arc<dyn Store>,
        worker: &WorkerId,
        elapsed: Duration,
    ) -> Result<(), StoreError> {
        while let Some(renewing) = self.renewing(store, worker, elapsed) {
            renewing.await?;
        }
        Ok(())
    }

    /// The renewal to wait for; `None` if at least half of the lease is left.
    fn renewing(
        &self,
        store: &Arc<dyn Store>,
        worker: &WorkerId,
        elapsed: Duration,
    ) -> Option<Shared<Renewing>> {
        let mut state = self.held.lock();
        if state.renewals > 0 && state.until >= elapsed.saturating_add(self.length / 2) {
            return None;
        }
        if let Some(renewing) = state.renewing.as_ref().and_then(WeakShared::upgrade) {
            return Some(renewing);
        }
        state.tried += 1;
        let lease = Lease { worker: worker.clone(), renewals: state.tried, length: self.length };
        let renewing = renew(store.clone(), lease, elapsed, self.held.clone()).boxed().shared();
        state.renewing = renewing.downgrade();
        Some(renewing)
    }
}

/// Renews the lease from the time `elapsed` on.
async fn renew(
    store: Arc<dyn Store>,
    lease: Lease,
    elapsed: Duration,
    held: Arc<Held>,
) -> Result<(), StoreError> {
    let Lease { renewals, length, .. } = lease;
    // Unwind safe: nothing of a call that panics is kept.
    let stored = AssertUnwindSafe(async { store.renew(lease).await }).catch_unwind().await;
    let stored = stored.unwrap_or_else(|_| Err(StoreError::new("the store panicked (see the log)")));
    let mut state = held.lock();
    state.renewing = None;
    if stored.is_ok() {
        state.renewals = renewals;
        state.until = elapsed.saturating_add(length);
    }
    stored
}

impl Held {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
