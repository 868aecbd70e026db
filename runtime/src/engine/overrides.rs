//! Capabilities that callers provide for what they execute.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::{Capabilities, FastMap, JobId};

/// The capabilities that callers provide for jobs that they execute, while they wait. They are not stored: a retry in
/// another process runs with that process's own.
#[derive(Default)]
pub(crate) struct Overrides(Mutex<FastMap<JobId, Arc<Capabilities>>>);

impl Overrides {
    /// The capabilities that replace the runtime's in the attempts of a job.
    pub(crate) fn of(&self, job: JobId) -> Option<Arc<Capabilities>> {
        self.lock().get(&job).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, FastMap<JobId, Arc<Capabilities>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps the overrides of a job until it is dropped.
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
