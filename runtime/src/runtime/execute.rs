//! Executing commands.

use std::marker::PhantomData;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::task::JoinHandle;

use super::job_handle::{typed, wait, wait_watching};
use super::request::{Request, job_of, options};
use crate::engine::{Engine, OverrideGuard, attempt};
use crate::model::{Failure, JobId, JobState, Key};
use crate::store::NewJob;

/// Runs a command now, here: awaited, it answers when the command's job has ended, its retries included (r06).
///
/// Once it was polled, dropping the future does not stop the job.
#[must_use = "a command is executed when this is awaited"]
pub struct Execute<T> {
    request: Request,
    output: PhantomData<fn() -> T>,
}

impl<T> Execute<T> {
    pub(crate) fn new(request: Request) -> Self {
        Self { request, output: PhantomData }
    }

    options!();
}

impl<T> Execute<T> {
    /// Puts the job on record and begins its first attempt, for who looks at each attempt by itself. Answers with the job
    /// on record, and with the attempt unless the request was on record already, or is for another program.
    pub(crate) async fn first_attempt(self) -> Result<(JobId, Option<JoinHandle<()>>), Failure> {
        let overrides = self.request.origin.overrides.clone();
        let (engine, job) = self.into_job()?;
        let id = job.id;
        let overriding = overrides.map(|overrides| OverrideGuard::new(&engine.overrides, id, overrides));
        let recorded = begin(&engine, job.clone()).await?;
        if recorded != id || job.start.is_none() {
            return Ok((recorded, None));
        }
        let running = engine.clone();
        let attempt = engine.spawn(async move {
            attempt::run(running, job.into_job(JobState::Running), None).await;
            drop(overriding);
        });
        Ok((id, Some(attempt)))
    }

    /// The job as it is put on record to run at once.
    fn into_job(self) -> Result<(Arc<Engine>, NewJob), Failure> {
        let is_remote = self.request.draft.as_ref().is_ok_and(|draft| draft.is_remote);
        let (engine, mut job) = self.request.into_job()?;
        // It enters no lane: it runs now (r06).
        job.order_key = None;
        // What another program handles is for that one to claim.
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
            // Held by whoever waits for the job, and by its first attempt.
            let overriding =
                overrides.map(|overrides| Arc::new(OverrideGuard::new(&engine.overrides, id, overrides)));
            let mut watch = engine.waiters.watch(id);
            // From here on the job goes its way, whether or not somebody still waits for it.
            let first_attempt = engine.spawn(start(engine.clone(), job, overriding.clone()));
            let ended = tokio::select! {
                biased;
                ended = watch.ended() => ended,
                started = first_attempt => match started {
                    // The same request is on record already: what has become of it is the answer.
                    Ok(Started::Existing(existing)) => wait(&engine, existing).await,
                    // It has ended, and the job has not: a retry is to come, here or in another process.
                    _ => wait_watching(&engine, id, &mut watch).await,
                },
            };
            typed(&ended?)
        }
        .boxed()
    }
}

/// What a command that is to run now has come to at first.
enum Started {
    /// Its job is on record, and its first attempt, if it is for this program, has ended.
    New,
    /// This job is the same request.
    Existing(JobId),
}

/// Puts a job on record as running, and runs it; or leaves it to the program that handles it. What becomes of it is
/// announced.
async fn start(engine: Arc<Engine>, job: NewJob, _overriding: Option<Arc<OverrideGuard>>) -> Started {
    let id = job.id;
    let begun = job.clone();
    match begin(&engine, job).await {
        Ok(existing) if existing != id => return Started::Existing(existing),
        Ok(_) if begun.start.is_none() => {}
        Ok(_) => attempt::run(engine, begun.into_job(JobState::Running), None).await,
        Err(failure) => engine.waiters.announce(id, &Err(failure)),
    }
    Started::New
}

async fn begin(engine: &Engine, job: NewJob) -> Result<JobId, Failure> {
    engine.check_running()?;
    engine.ensure_lease().await?;
    let (id, name) = (job.id, job.name.clone());
    let submitted = engine.store.submit(Vec::new(), vec![job]).await?;
    job_of(id, &name, submitted.first())
}
