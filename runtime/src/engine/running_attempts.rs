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

/// The attempts that are under way here, to tell them that they are no longer wanted. Of a job there may be several: one
/// that was given up does not know yet.
#[derive(Default)]
pub(crate) struct RunningAttempts(Mutex<HashMap<AttemptId, ExecutionContext>>);

impl RunningAttempts {
    /// Notes an attempt until the answer is dropped.
    pub(crate) fn enter<'a>(
        &'a self,
        attempt: AttemptId,
        context: &ExecutionContext,
    ) -> RegisteredAttempt<'a> {
        self.lock().insert(attempt, context.clone());
        RegisteredAttempt { running: self, attempt }
    }

    /// Tells an attempt that it is no longer wanted.
    pub(crate) fn signal(&self, attempt: AttemptId) {
        if let Some(context) = self.lock().get(&attempt) {
            context.cancel();
        }
    }

    /// Tells every attempt of a job.
    pub(crate) fn signal_all(&self, job: JobId) {
        for (_, context) in self.lock().iter().filter(|(attempt, _)| attempt.job == job) {
            context.cancel();
        }
    }

    pub(crate) fn all(&self) -> HashSet<AttemptId> {
        self.lock().keys().copied().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AttemptId, ExecutionContext>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes that an attempt is under way, until it is dropped.
pub(crate) struct RegisteredAttempt<'a> {
    running: &'a RunningAttempts,
    attempt: AttemptId,
}

impl Drop for RegisteredAttempt<'_> {
    fn drop(&mut self) {
        self.running.lock().remove(&self.attempt);
    }
}
