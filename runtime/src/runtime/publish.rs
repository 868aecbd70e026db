//! Publishing commands.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::job_handle::JobHandle;
use super::request::{Request, options, stored_id};
use crate::engine::Engine;
use crate::model::{Due, Failure, JobId, Key};
use crate::store::NewJob;

/// A command to publish: awaiting it stores the command's job, and returns when the job is durable, without waiting for it
/// to run ([r02](crate::rules#r02)).
#[must_use = "a command is published when this is awaited"]
pub struct Publish<T> {
    request: Request,
    output: PhantomData<fn() -> T>,
}

impl<T> Publish<T> {
    pub(super) fn new(request: Request) -> Self {
        Self { request, output: PhantomData }
    }

    options!();

    /// Runs the job in the lane of this key, whatever `order_by` the command declares: jobs of one lane run one at a time, in
    /// the order they were published ([r26](crate::rules#r26)). All commands of a store share their lanes.
    pub fn ordered_by<K: Serialize + ?Sized>(self, key: &K) -> Self {
        Self { request: self.request.change(|draft| draft.job.order_key = Key::of(key)), ..self }
    }

    /// Runs the job after another one has succeeded ([r26](crate::rules#r26)). Further calls add further predecessors.
    ///
    /// If a predecessor fails, this job stays `Waiting`, since the other may be [retried](crate::Jobs::retry). If a
    /// predecessor is cancelled, so is this job. A predecessor that does not exist, or was pruned, is `NotFound`.
    pub fn after(self, job: impl Into<JobId>) -> Self {
        let job = job.into();
        Self { request: self.request.change(|draft| draft.job.after.push(job)), ..self }
    }

    /// Delays the job by this long, from when the request is awaited. A delay is no order: jobs published later may run
    /// earlier. It takes as long if the wall clock is set meanwhile, unless this process ends before
    /// ([`Clock`](crate::clock::Clock)).
    pub fn delay(self, pause: Duration) -> Self {
        Self { request: self.request.change(|draft| draft.due = Due::In(pause)), ..self }
    }

    /// Delays the job until this time by the wall clock. A time in the past is no delay.
    pub fn at(self, time: Timestamp) -> Self {
        Self { request: self.request.change(|draft| draft.due = Due::At(time)), ..self }
    }

    /// Sets the job's priority: higher values are claimed first within a queue. Default: 0. Priorities order nothing, and a
    /// steady load of higher ones starves lower ones.
    pub fn priority(self, priority: i32) -> Self {
        Self { request: self.request.change(|draft| draft.job.priority = priority), ..self }
    }

    /// Drops the type of the output, so that commands of several types fit into one
    /// [`publish_all`](crate::Runtime::publish_all).
    pub fn untyped(self) -> Publish<Value> {
        Publish::new(self.request)
    }
}

impl<T: Send + 'static> IntoFuture for Publish<T> {
    type Output = Result<JobHandle<T>, Failure>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        async move {
            let (engine, job) = self.request.into_queued_job()?;
            let (id, name) = (job.id, job.name.clone());
            let submitted = engine.submit(Vec::new(), vec![job]).await?;
            engine.work.notify_one();
            let id = stored_id(id, &name, submitted.first())?;
            Ok(JobHandle::new(engine, id))
        }
        .boxed()
    }
}

impl<T> fmt::Debug for Publish<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.request.debug("Publish", f)
    }
}

/// Publishes several commands in their order, in one transaction.
pub(super) async fn publish_all<T>(
    engine: &Arc<Engine>,
    commands: impl IntoIterator<Item = Publish<T>>,
) -> Vec<Result<JobHandle<T>, Failure>> {
    let drafts: Vec<_> = commands.into_iter().map(|publish| publish.request.into_job_of(engine)).collect();
    let jobs: Vec<_> = drafts.iter().flatten().cloned().collect();
    let submitted = engine.submit(Vec::new(), jobs).await.map_err(Failure::from);
    engine.work.notify_one();
    let mut results = submitted.as_ref().map(|submitted| submitted.iter()).map_err(Clone::clone);
    let handle = |draft: Result<NewJob, Failure>| {
        let job = draft?;
        let submitted = results.as_mut().map_err(|failure| failure.clone())?.next();
        Ok(JobHandle::new(engine.clone(), stored_id(job.id, &job.name, submitted)?))
    };
    drafts.into_iter().map(handle).collect()
}
