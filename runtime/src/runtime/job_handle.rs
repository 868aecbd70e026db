//! A handle to a job.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::boundary::check_waiting;
use super::wait::{ExpectedCommand, parse_output, stored_job, wait};
use crate::context::ExecutionContext;
use crate::domain::HasOneHandler;
use crate::engine::Engine;
use crate::model::{Failure, Job, JobId, JobState};

/// A handle to a job: reads it, and waits for its outcome. Cheap to clone.
///
/// It keeps the store open, but not the runtime running: after a shutdown, or when the last clone of the
/// [`Runtime`](crate::Runtime) is dropped, it reads what is stored, and does not wait.
pub struct JobHandle<T> {
    engine: Arc<Engine>,
    id: JobId,
    /// What the job must be of; `None` if it was published for this handle, or the output is untyped.
    expected: Option<ExpectedCommand>,
    output: PhantomData<fn() -> T>,
}

impl<T> JobHandle<T> {
    pub(super) fn new(engine: Arc<Engine>, id: JobId) -> Self {
        Self { engine, id, expected: None, output: PhantomData }
    }

    pub(super) fn of<C: HasOneHandler<Output = T>>(engine: Arc<Engine>, id: JobId) -> Self {
        Self { engine, id, expected: Some(ExpectedCommand::of::<C>()), output: PhantomData }
    }

    /// The job's id.
    pub fn id(&self) -> JobId {
        self.id
    }

    /// Reads the stored job.
    ///
    /// # Errors
    /// `NotFound` if there is no such job; `Unavailable` if the store cannot be reached.
    pub async fn job(&self) -> Result<Job, Failure> {
        stored_job(&self.engine, self.id).await
    }

    /// Reads the stored job's state.
    ///
    /// # Errors
    /// As [`job`](Self::job).
    pub async fn state(&self) -> Result<JobState, Failure> {
        Ok(self.job().await?.state)
    }
}

impl<T: DeserializeOwned> JobHandle<T> {
    /// Waits until the job has ended, retries included, and returns its handler's output ([r02](crate::rules#r02)).
    ///
    /// An end in another process is noticed about a second later, or up to five seconds if many thousands of jobs are waited for. The
    /// store is read once for all callers that wait.
    ///
    /// # Errors
    /// The failure of the job's last attempt. Besides:
    ///
    /// - `NotFound` if there is no such job.
    /// - `Refused` with the code `other_command` if the handle is of [`Jobs::handle_of`](crate::Jobs::handle_of) and the job
    ///   is of another command.
    /// - `Refused` with the code `inside_execution` inside an execution, where waiting may deadlock; continue in an event
    ///   handler.
    /// - `Error` with the code `unreadable_output` if the stored output does not fit `T`.
    /// - `Unavailable` if the store cannot be reached, or if the runtime ends first: it shuts down, or its last clone is dropped, while
    ///   the job does not run here. The job is not affected.
    pub async fn outcome(&self) -> Result<T, Failure> {
        check_waiting(ExecutionContext::current().as_ref())?;
        parse_output(&wait(&self.engine, self.id, self.expected).await?)
    }
}

impl<T> From<&JobHandle<T>> for JobId {
    fn from(handle: &JobHandle<T>) -> Self {
        handle.id
    }
}

impl<T> Clone for JobHandle<T> {
    fn clone(&self) -> Self {
        Self { engine: self.engine.clone(), id: self.id, expected: self.expected, output: PhantomData }
    }
}

impl<T> fmt::Debug for JobHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JobHandle({})", self.id)
    }
}
