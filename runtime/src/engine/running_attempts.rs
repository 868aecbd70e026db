//! The attempts that run in this process.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::context::ExecutionContext;
use crate::model::JobId;

/// Names an attempt of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AttemptId {
    pub(crate) job: JobId,
    pub(crate) number: u32,
}

/// The contexts of the attempts that run here, to signal their cancellation. One job may have several: a rescued attempt
/// runs on until it is signalled.
#[derive(Default)]
pub(crate) struct RunningAttempts(Mutex<HashMap<AttemptId, ExecutionContext>>);

impl RunningAttempts {
    /// Registers an attempt until the returned guard is dropped.
    pub(crate) fn register<'a>(
        &'a self,
        attempt: AttemptId,
        context: &ExecutionContext,
    ) -> RegisteredAttempt<'a> {
        self.lock().insert(attempt, context.clone());
        RegisteredAttempt { running: self, attempt }
    }

    /// Signals an attempt that it is cancelled.
    pub(crate) fn cancel(&self, attempt: AttemptId) {
        if let Some(context) = self.lock().get(&attempt) {
            context.cancel();
        }
    }

    /// Signals every attempt of a job that it is cancelled.
    pub(crate) fn cancel_job(&self, job: JobId) {
        for (_, context) in self.lock().iter().filter(|(attempt, _)| attempt.job == job) {
            context.cancel();
        }
    }

    pub(crate) fn ids(&self) -> HashSet<AttemptId> {
        self.lock().keys().copied().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AttemptId, ExecutionContext>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps an attempt registered until it is dropped.
pub(crate) struct RegisteredAttempt<'a> {
    running: &'a RunningAttempts,
    attempt: AttemptId,
}

impl Drop for RegisteredAttempt<'_> {
    fn drop(&mut self) {
        self.running.lock().remove(&self.attempt);
    }
}
