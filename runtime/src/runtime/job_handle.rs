//! A handle to a job.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::boundary::{check_waiting, no_such_job};
use crate::context::ExecutionContext;
use crate::engine::{Ended, Engine, POLL_INTERVAL, Watch, ended};
use crate::model::{Failure, FailureKind, Job, JobId, JobState, Json};

pub(super) async fn wait(engine: &Engine, id: JobId) -> Ended {
    let mut watch = engine.waiters.watch(id);
    let job = engine.store.job(id).await?.ok_or_else(|| no_such_job(id))?;
    match ended(job) {
        Some(ended) => ended,
        None => wait_watching(engine, id, &mut watch).await,
    }
}

/// Waits for an end that is announced here, and looks now and then whether another process has brought it about.
pub(super) async fn wait_watching(engine: &Engine, id: JobId, watch: &mut Watch<'_>) -> Ended {
    loop {
        let look = engine.clock.elapsed() + POLL_INTERVAL;
        tokio::select! {
            biased;
            ended = watch.ended() => return ended,
            () = engine.abort.cancelled() => return Err(shut_down()),
            () = engine.clock.sleep_until(look) => {}
        }
        // One that is not on record any more has ended, and was pruned.
        if let Some(ended) = ended(engine.store.job(id).await?.ok_or_else(|| no_such_job(id))?) {
            return ended;
        }
    }
}

fn shut_down() -> Failure {
    let message = "the runtime has shut down before the job ended; the job is on record";
    Failure::new(FailureKind::Unavailable, "shut_down", message)
}

pub(super) fn typed<T: DeserializeOwned>(output: &Json) -> Result<T, Failure> {
    output.parse().map_err(|error| {
        let message =
            format!("the job succeeded, but its output is not of the type that its command has now: {error}");
        Failure::new(FailureKind::Error, "unreadable_output", message)
    })
}

/// A job, as the one who published it sees it. Cheap to clone.
pub struct JobHandle<T> {
    engine: Arc<Engine>,
    id: JobId,
    output: PhantomData<fn() -> T>,
}

impl<T> JobHandle<T> {
    pub(crate) fn new(engine: Arc<Engine>, id: JobId) -> Self {
        Self { engine, id, output: PhantomData }
    }

    /// Its id.
    pub fn id(&self) -> JobId {
        self.id
    }

    /// The job as it stands on record.
    ///
    /// # Errors
    /// If the store cannot be reached.
    pub async fn job(&self) -> Result<Job, Failure> {
        self.engine.store.job(self.id).await?.ok_or_else(|| no_such_job(self.id))
    }

    /// Its state on record.
    ///
    /// # Errors
    /// If the store cannot be reached.
    pub async fn state(&self) -> Result<JobState, Failure> {
        Ok(self.job().await?.state)
    }
}

impl<T: DeserializeOwned> JobHandle<T> {
    /// Waits until the job has ended, its retries included, and answers with what its handler returned (r02).
    ///
    /// # Errors
    /// The failure of its last attempt. `Unavailable` if the store cannot be reached, or the runtime shuts down first:
    /// the job goes on nevertheless. `Refused` inside an execution, which would be held up by the job, and may be what the
    /// job waits for; handle an event instead.
    pub async fn outcome(&self) -> Result<T, Failure> {
        check_waiting(ExecutionContext::current().as_ref())?;
        typed(&wait(&self.engine, self.id).await?)
    }
}

impl<T> From<&JobHandle<T>> for JobId {
    fn from(handle: &JobHandle<T>) -> Self {
        handle.id
    }
}

impl<T> Clone for JobHandle<T> {
    fn clone(&self) -> Self {
        Self::new(self.engine.clone(), self.id)
    }
}

impl<T> fmt::Debug for JobHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JobHandle({})", self.id)
    }
}
