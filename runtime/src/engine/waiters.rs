//! Announces the ends of jobs to callers that wait in this process.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::model::{Failure, FailureKind, Job, JobId, JobState, Json};

/// How a job has ended: with its output, or with the failure of its last attempt.
pub(crate) type Ended = Result<Json, Failure>;

/// How a stored job has ended; `None` if it has not.
pub(crate) fn ended(job: Job) -> Option<Ended> {
    let unexplained =
        || Failure::new(FailureKind::Error, "unexplained", "the job has failed, and no failure is stored");
    match job.state {
        JobState::Waiting | JobState::Ready | JobState::Running => None,
        JobState::Succeeded => Some(Ok(job.output.unwrap_or_else(Json::null))),
        JobState::Failed => Some(Err(job.failure.unwrap_or_else(unexplained))),
        JobState::Cancelled => Some(Err(cancelled())),
    }
}

/// The failure of a cancelled job, and of the attempt that ran then.
pub(crate) fn cancelled() -> Failure {
    Failure::new(FailureKind::Cancelled, "cancelled", "the job was cancelled")
}

/// The callers that wait for jobs in this process.
#[derive(Default)]
pub(crate) struct Waiters(Mutex<Senders>);

type Senders = HashMap<JobId, Vec<oneshot::Sender<Ended>>>;

impl Waiters {
    /// Waits for the announcement of a job's end. An announcement after this call is not missed.
    pub(crate) fn watch(&self, job: JobId) -> Watch<'_> {
        let (sender, receiver) = oneshot::channel();
        self.lock().entry(job).or_default().push(sender);
        Watch { waiters: self, job, receiver }
    }

    pub(crate) fn announce(&self, job: JobId, ended: &Ended) {
        let waiting = self.lock().remove(&job);
        for sender in waiting.into_iter().flatten() {
            // Fails if the receiver has stopped waiting.
            let _ = sender.send(ended.clone());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Senders> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for the announcement of a job's end.
pub(crate) struct Watch<'a> {
    waiters: &'a Waiters,
    job: JobId,
    receiver: oneshot::Receiver<Ended>,
}

impl Watch<'_> {
    /// How the job has ended, once that is announced. Cancel safe.
    pub(crate) async fn ended(&mut self) -> Ended {
        match (&mut self.receiver).await {
            Ok(ended) => ended,
            // A sender is only dropped after it has sent.
            Err(_) => std::future::pending().await,
        }
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.receiver.close();
        if let Entry::Occupied(mut waiting) = self.waiters.lock().entry(self.job) {
            waiting.get_mut().retain(|sender| !sender.is_closed());
            if waiting.get().is_empty() {
                waiting.remove();
            }
        }
    }
}
