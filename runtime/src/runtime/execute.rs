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
use crate::engine::{Arrival, Engine, Here, OverrideGuard, attempt};
use crate::model::{AnyValue, Failure, Job, JobId, JobState, Key};
use crate::store::{NewJob, Start};

/// A command to execute: awaiting it runs the command here and now, and returns when its job has ended, retries included
/// ([r06](crate::rules#r06)).
///
/// Once polled, dropping the future does not stop the job. The command runs in the task that polls this until it first has to wait, and
/// then in a task of its own: a handler that blocks its thread holds up the caller's task.
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
        let (engine, job, command) = self.into_job()?;
        let id = job.id;
        let overriding = overrides.map(|overrides| OverrideGuard::new(&engine.overrides, id, overrides));
        match store(&engine, job).await? {
            Stored::Existing(stored) => Ok((stored, None)),
            Stored::Remote => Ok((id, None)),
            Stored::New(job, arrival) => {
                let running = engine.clone();
                let attempt = engine.spawn(async move {
                    attempt::run(running, *job, arrival, Some(command)).await;
                    drop(overriding);
                });
                Ok((id, Some(attempt)))
            }
        }
    }

    fn into_job(self) -> Result<(Arc<Engine>, NewJob, AnyValue), Failure> {
        let (engine, mut job, command) = self.request.into_job()?;
        // An executed command enters no lane.
        job.order_key = None;
        Ok((engine, job, command))
    }
}

impl<T: DeserializeOwned + Send + 'static> IntoFuture for Execute<T> {
    type Output = Result<T, Failure>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        async move {
            let overrides = self.request.origin.overrides.clone();
            let (engine, job, command) = self.into_job()?;
            let id = job.id;
            // The caller and the first attempt hold it.
            let overriding =
                overrides.map(|overrides| Arc::new(OverrideGuard::new(&engine.overrides, id, overrides)));
            let mut watch = engine.waiters.watch(id);
            // From here on the job runs, whether or not the caller still waits.
            let first = start(engine.clone(), job, command, overriding.clone()).boxed();
            let started = match engine.run_here(first) {
                Here::Ended(started) => started,
                Here::Waits(task) => tokio::select! {
                    biased;
                    ended = watch.ended() => return parse_output(&ended?),
                    started = task => started.ok().flatten(),
                },
            };
            let ended = match started {
                Some(Started::Existing(existing)) => wait(&engine, existing, None).await,
                // If the job has not ended with its attempt, a retry follows, here or in another process.
                Some(Started::New) | None => watch.ended_anywhere().await,
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

/// Stores a job and runs its first attempt, unless another program handles it. Announces the outcome.
async fn start(
    engine: Arc<Engine>,
    job: NewJob,
    command: AnyValue,
    _overriding: Option<Arc<OverrideGuard>>,
) -> Started {
    let id = job.id;
    match store(&engine, job).await {
        Ok(Stored::Existing(existing)) => return Started::Existing(existing),
        Ok(Stored::Remote) => {}
        Ok(Stored::New(job, arrival)) => attempt::run(engine, *job, arrival, Some(command)).await,
        Err(failure) => engine.waiters.announce(id, &Err(failure)),
    }
    Started::New
}

/// An executed command in the store.
enum Stored {
    /// Its own job, and how its attempt comes to its start.
    New(Box<Job>, Arrival),
    /// Its own job, which is claimed by the program that handles it.
    Remote,
    /// An existing job with the same idempotency key.
    Existing(JobId),
}

/// Stores the job of an executed command: running, or held while it is in line for its entity.
async fn store(engine: &Arc<Engine>, mut job: NewJob) -> Result<Stored, Failure> {
    let Some(plan) = engine.plans.job(&job.name) else {
        let id = job.id;
        let stored = submit(engine, job).await?;
        return Ok(if stored == id { Stored::Remote } else { Stored::Existing(stored) });
    };
    let (arrival, state) = match plan.entity_of(&job) {
        None => (Arrival::AtOnce(None), JobState::Running),
        Some(entity) => {
            let mut line = Box::pin(engine.locks.lock(&entity));
            // Takes the place in line.
            match line.as_mut().now_or_never() {
                Some(lock) => (Arrival::AtOnce(Some(lock)), JobState::Running),
                None => (Arrival::InLine(line), JobState::Ready),
            }
        }
    };
    let worker = engine.worker.clone();
    job.start = Some(match state {
        JobState::Running => Start::Running(worker),
        _ => Start::Held(worker),
    });
    let stored = submit(engine, job.clone()).await?;
    Ok(if stored == job.id {
        Stored::New(Box::new(job.into_job(state)), arrival)
    } else {
        Stored::Existing(stored)
    })
}

async fn submit(engine: &Engine, job: NewJob) -> Result<JobId, Failure> {
    engine.check_running()?;
    engine.ensure_lease().await?;
    let (id, name) = (job.id, job.name.clone());
    let submitted = engine.submit(Vec::new(), vec![job]).await?;
    stored_id(id, &name, submitted.first())
}
