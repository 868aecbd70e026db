//! Announces the ends of jobs to callers that wait in this process.

use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::model::{Failure, FailureKind, FastMap, Job, JobId, JobState, Json};

/// How a job has ended: with its output, or with the failure of its last attempt.
pub(crate) type Ended = Result<Json, Failure>;

/// How a stored job has ended; `None` if it has not.
pub(crate) fn ended(job: Job) -> Option<Ended> {
    let unexplained =
        || Failure::new(FailureKind::Error, "unexplained", "the job has failed, and no failure is stored");
    match job.state {
        JobState::Waiting | JobState::Ready | JobState::Running | JobState::Unknown(_) => None,
        JobState::Succeeded => Some(Ok(job.output.unwrap_or_else(Json::null))),
        JobState::Failed => Some(Err(job.failure.unwrap_or_else(unexplained))),
        JobState::Cancelled => Some(Err(cancelled())),
    }
}

/// The failure of a cancelled job, and of the attempt that ran then.
pub(crate) fn cancelled() -> Failure {
    Failure::new(FailureKind::Cancelled, "cancelled", "the job was cancelled")
}

/// The failure of a call about a job that does not exist.
pub(crate) fn no_such_job(id: JobId) -> Failure {
    Failure::new(
        FailureKind::NotFound,
        "no_such_job",
        format!("there is no job {id}; it may have been pruned"),
    )
}

/// The callers that wait for jobs in this process.
#[derive(Default)]
pub(crate) struct Waiters(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    jobs: FastMap<JobId, WaitedJob>,
    /// Set when nothing more is announced: waiting ends at once.
    is_closed: bool,
}

/// A job that callers wait for.
#[derive(Default)]
struct WaitedJob {
    senders: Vec<oneshot::Sender<Ended>>,
    /// Whether the job is stored, so that its end can be read.
    is_stored: bool,
}

impl Waiters {
    /// Waits for the announcement of a job's end. An announcement after this call is not missed.
    pub(crate) fn watch(&self, job: JobId) -> Watch<'_> {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = self.lock();
        if waiting.is_closed {
            // Received by the watch below.
            let _ = sender.send(Err(shut_down()));
        } else {
            waiting.jobs.entry(job).or_default().senders.push(sender);
        }
        Watch { waiters: self, job, receiver }
    }

    pub(crate) fn announce(&self, job: JobId, ended: &Ended) {
        let waited = self.lock().jobs.remove(&job);
        for sender in waited.into_iter().flat_map(|waited| waited.senders) {
            // Fails if the receiver has stopped waiting.
            let _ = sender.send(ended.clone());
        }
    }

    /// The stored jobs that callers wait for.
    pub(crate) fn stored(&self) -> Vec<JobId> {
        self.lock().jobs.iter().filter(|(_, waited)| waited.is_stored).map(|(job, _)| *job).collect()
    }

    /// Ends all waiting, now and later: the runtime announces nothing more.
    pub(crate) fn close(&self) {
        let jobs = {
            let mut waiting = self.lock();
            waiting.is_closed = true;
            std::mem::take(&mut waiting.jobs)
        };
        for sender in jobs.into_values().flat_map(|waited| waited.senders) {
            let _ = sender.send(Err(shut_down()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The failure of a wait that the end of the runtime has ended. The job is not affected.
pub(crate) fn shut_down() -> Failure {
    let message = "the runtime has shut down, or its last clone was dropped, before the job ended; a stored job runs when a \
                   runtime starts on the store";
    Failure::new(FailureKind::Unavailable, "shut_down", message)
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
            Err(_) => Err(shut_down()),
        }
    }

    /// How the job has ended, in this process or in another. The job is stored, or was.
    pub(crate) async fn ended_anywhere(&mut self) -> Ended {
        if let Some(waited) = self.waiters.lock().jobs.get_mut(&self.job) {
            waited.is_stored = true;
        }
        self.ended().await
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.receiver.close();
        if let Entry::Occupied(mut waited) = self.waiters.lock().jobs.entry(self.job) {
            waited.get_mut().senders.retain(|sender| !sender.is_closed());
            if waited.get().senders.is_empty() {
                waited.remove();
            }
        }
    }
}
