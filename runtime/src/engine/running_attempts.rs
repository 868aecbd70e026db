//! The attempts that run in this process.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::polls::Polls;
use crate::context::ExecutionContext;
use crate::model::{Job, JobId};

/// Names an attempt of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AttemptId {
    pub(crate) job: JobId,
    pub(crate) number: u32,
}

/// The attempts that run here, to signal their cancellation and to watch their polls. One job may have several: a rescued attempt
/// runs on until it is signalled.
#[derive(Default)]
pub(crate) struct RunningAttempts(Mutex<HashMap<AttemptId, RunningAttempt>>);

struct RunningAttempt {
    context: ExecutionContext,
    name: Arc<str>,
    polls: Arc<Polls>,
}

impl RunningAttempts {
    /// Registers an attempt until the returned guard is dropped.
    pub(crate) fn register<'a>(&'a self, job: &Job, context: &ExecutionContext) -> RegisteredAttempt<'a> {
        let id = AttemptId { job: job.id, number: job.attempts };
        let polls = Arc::<Polls>::default();
        let running =
            RunningAttempt { context: context.clone(), name: job.name.clone(), polls: polls.clone() };
        self.lock().insert(id, running);
        RegisteredAttempt { running: self, id, polls }
    }

    /// Signals an attempt that it is cancelled.
    pub(crate) fn cancel(&self, attempt: AttemptId) {
        if let Some(running) = self.lock().get(&attempt) {
            running.context.cancel();
        }
    }

    /// Signals every attempt of a job that it is cancelled.
    pub(crate) fn cancel_job(&self, job: JobId) {
        for (_, running) in self.lock().iter().filter(|(attempt, _)| attempt.job == job) {
            running.context.cancel();
        }
    }

    pub(crate) fn ids(&self) -> HashSet<AttemptId> {
        self.lock().keys().copied().collect()
    }

    /// The attempts for whose polls `select` returns something, with the names of their jobs.
    pub(super) fn select<T>(
        &self,
        mut select: impl FnMut(&Polls) -> Option<T>,
    ) -> Vec<(AttemptId, Arc<str>, T)> {
        let running = self.lock();
        let selected = running.iter().filter_map(|(id, running)| {
            select(&running.polls).map(|selected| (*id, running.name.clone(), selected))
        });
        selected.collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AttemptId, RunningAttempt>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps an attempt registered until it is dropped.
pub(crate) struct RegisteredAttempt<'a> {
    running: &'a RunningAttempts,
    pub(super) id: AttemptId,
    pub(super) polls: Arc<Polls>,
}

impl Drop for RegisteredAttempt<'_> {
    fn drop(&mut self) {
        self.running.lock().remove(&self.id);
    }
}
