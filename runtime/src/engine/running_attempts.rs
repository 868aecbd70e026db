//! The attempts that run in this process.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use super::polls::Polls;
use crate::model::{FastMap, Job, JobId};

/// Names an attempt of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AttemptId {
    pub(crate) job: JobId,
    pub(crate) number: u32,
}

/// The attempts that run here or are in line for their entity, to signal their cancellation and to watch their polls. One job may
/// have several: a rescued attempt runs on until it is signalled.
#[derive(Default)]
pub(crate) struct RunningAttempts(Mutex<FastMap<AttemptId, RunningAttempt>>);

struct RunningAttempt {
    cancellation: CancellationToken,
    name: Arc<str>,
    polls: Arc<Polls>,
}

impl RunningAttempts {
    /// Registers an attempt until the returned guard is dropped.
    pub(crate) fn register<'a>(&'a self, job: &Job) -> RegisteredAttempt<'a> {
        let id = AttemptId { job: job.id, number: job.attempts };
        let (cancellation, polls) = (CancellationToken::new(), Arc::<Polls>::default());
        let name = job.name.clone();
        let running = RunningAttempt { cancellation: cancellation.clone(), name, polls: polls.clone() };
        self.lock().insert(id, running);
        RegisteredAttempt { running: self, id, cancellation, polls }
    }

    /// Signals an attempt that it is cancelled.
    pub(crate) fn cancel(&self, attempt: AttemptId) {
        if let Some(running) = self.lock().get(&attempt) {
            running.cancellation.cancel();
        }
    }

    /// Signals every attempt of a job that it is cancelled.
    pub(crate) fn cancel_job(&self, job: JobId) {
        for (_, running) in self.lock().iter().filter(|(attempt, _)| attempt.job == job) {
            running.cancellation.cancel();
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

    fn lock(&self) -> MutexGuard<'_, FastMap<AttemptId, RunningAttempt>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps an attempt registered until it is dropped.
pub(crate) struct RegisteredAttempt<'a> {
    running: &'a RunningAttempts,
    pub(super) id: AttemptId,
    /// Cancelled when the attempt can no longer commit.
    pub(super) cancellation: CancellationToken,
    pub(super) polls: Arc<Polls>,
}

impl Drop for RegisteredAttempt<'_> {
    fn drop(&mut self) {
        let mut running = self.running.lock();
        // A job that was released has the same attempt again, which may have begun.
        if running.get(&self.id).is_some_and(|registered| Arc::ptr_eq(&registered.polls, &self.polls)) {
            running.remove(&self.id);
        }
    }
}
