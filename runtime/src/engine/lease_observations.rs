//! Which workers have let their lease expire.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::model::WorkerId;
use crate::store::Lease;

/// When the leases of other workers were seen to be renewed. Measured in time that has elapsed here, so that clocks
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
