//! Capabilities that callers provide for what they execute.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::{Capabilities, JobId};

/// The capabilities that callers bring along for what they execute, while they wait for it. They are in no record: what
/// another process runs, it runs with its own (r31).
#[derive(Default)]
pub(crate) struct Overrides(Mutex<HashMap<JobId, Arc<Capabilities>>>);

impl Overrides {
    /// What the attempts of a job have in the place of the runtime's capabilities.
    pub(crate) fn of(&self, job: JobId) -> Option<Arc<Capabilities>> {
        self.lock().get(&job).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<JobId, Arc<Capabilities>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Holds the overrides of a job until it is dropped.
pub(crate) struct OverrideGuard {
    overrides: Arc<Overrides>,
    job: JobId,
}

impl OverrideGuard {
    pub(crate) fn new(overrides: &Arc<Overrides>, job: JobId, capabilities: Arc<Capabilities>) -> Self {
        overrides.lock().insert(job, capabilities);
        Self { overrides: overrides.clone(), job }
    }
}

impl Drop for OverrideGuard {
    fn drop(&mut self) {
        self.overrides.lock().remove(&self.job);
    }
}
