//! Executing commands.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::task::JoinHandle;

use super::request::{Request, options, stored_id};
use super::wait::{parse_output, wait};
use crate::engine::{Engine, OverrideGuard, attempt};
use crate::model::{Failure, JobId, JobState, Key};
use crate::store::NewJob;

/// A command to execute: awaiting it runs the command here and now, and returns when its job has ended, retries included
/// ([r06](crate::rules#r06)).
///
/// Once polled, dropping the future does not stop the job.
#[must_use = "a command is executed when this is awaited"]
pub struct Execute<T> {
    request: Request,
    output: PhantomData<fn() -> T>,
}

impl<T> Execute<T> {
    pub(super) fn new(request: Request) -> Self {
        Self { request, output: PhantomData }
    }

    options!();

    /// Stores the job and starts its first attempt: for the test kit, which observes each attempt. Returns the stored job's
    /// id, and the attempt's task unless an existing job has the idempotency key or another program handles the command.
    pub(crate) async fn first_attempt(self) -> Result<(JobId, Option<JoinHandle<()>>), Failure> {
        let overrides = self.request.origin.overrides.clone();
        let (engine, job) = self.into_job()?;
        let id = job.id;
        let overriding = overrides.map(|overrides| OverrideGuard::new(&engine.overrides, id, overrides));
        let stored = submit(&engine, job.clone()).await?;
        if stored != id || job.start.is_none() {
            return Ok((stored, None));
        }
        let running = engine.clone();
        let attempt = engine.spawn(async move {
            attempt::run(running, job.into_job(JobState::Running), None).await;
            drop(overriding);
        });
        Ok((id, Some(attempt)))
    }

    /// The job, to run at once.
    fn into_job(self) -> Result<(Arc<Engine>, NewJob), Failure> {
        let is_remote = self.request.draft.as_ref().is_ok_and(|draft| draft.is_remote);
        let (engine, mut job) = self.request.into_job()?;
        // An executed command enters no lane.
        job.order_key = None;
        // A remote command is claimed by the program that handles it.
        job.start = (!is_remote).then(|| engine.worker.clone());
        Ok((engine, job))
    }
}

impl<T: DeserializeOwned + Send + 'static> IntoFuture for Execute<T> {
    type Output = Result<T, Failure>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        async move {
            let overrides = self.request.origin.overrides.clone();
            let (engine, job) = self.into_job()?;
            let id = job.id;
            // The caller and the first attempt hold it.
            let overriding =
                overrides.map(|overrides| Arc::new(OverrideGuard::new(&engine.overrides, id, overrides)));
            let mut watch = engine.waiters.watch(id);
            // From here on the job runs, whether or not the caller still waits.
            let first_attempt = engine.spawn(start(engine.clone(), job, overriding.clone()));
            let ended = tokio::select! {
                biased;
                ended = watch.ended() => ended,
                started = first_attempt => match started {
                    Ok(Started::Existing(existing)) => wait(&engine, existing, None).await,
                    // The attempt has ended and the job has not: a retry follows, here or in another process.
                    _ => watch.ended_anywhere().await,
                },
            };
            parse_output(&ended?)
        }
        .boxed()
    }
}

impl<T> fmt::Debug for Execute<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.request.debug("Execute", f)
    }
}

/// Which job an execution is.
enum Started {
    /// Its own, which is stored. The first attempt has ended, if this program handles the command.
    New,
    /// An existing job with the same idempotency key.
    Existing(JobId),
}

/// Stores a job as running and runs its first attempt, unless another program handles it. Announces the outcome.
async fn start(engine: Arc<Engine>, job: NewJob, _overriding: Option<Arc<OverrideGuard>>) -> Started {
    let id = job.id;
    let running = job.clone();
    match submit(&engine, job).await {
        Ok(existing) if existing != id => return Started::Existing(existing),
        Ok(_) if running.start.is_none() => {}
        Ok(_) => attempt::run(engine, running.into_job(JobState::Running), None).await,
        Err(failure) => engine.waiters.announce(id, &Err(failure)),
    }
    Started::New
}

async fn submit(engine: &Engine, job: NewJob) -> Result<JobId, Failure> {
    engine.check_running()?;
    engine.ensure_lease().await?;
    let (id, name) = (job.id, job.name.clone());
    let submitted = engine.submit(Vec::new(), vec![job]).await?;
    stored_id(id, &name, submitted.first())
}
