//! Publishing commands.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::job_handle::JobHandle;
use super::request::{Request, job_of, options};
use crate::engine::Engine;
use crate::model::{Due, Failure, JobId, Key};
use crate::store::NewJob;

/// Hands a command off: awaited, it answers when the command's job is durable, and does not wait for it to run (r02).
#[must_use = "a command is published when this is awaited"]
pub struct Publish<T> {
    request: Request,
    output: PhantomData<fn() -> T>,
}

impl<T> Publish<T> {
    pub(crate) fn new(request: Request) -> Self {
        Self { request, output: PhantomData }
    }

    options!();

    /// Runs it behind what was published under the same key before, whatever key the command itself names (r26). Keys
    /// are shared by all commands of a store.
    pub fn ordered_by<K: Serialize + ?Sized>(self, key: &K) -> Self {
        Self { request: self.request.change(|draft| draft.job.order_key = Key::of(key)), ..self }
    }

    /// Runs it once this job has succeeded (r26). Called again, it waits for all of them. If that one fails, this one waits on,
    /// for it may be [retried](crate::Jobs::retry); if that one is cancelled, so is this one. One that there is not, or that
    /// was pruned, is `NotFound`.
    pub fn after(self, job: impl Into<JobId>) -> Self {
        let job = job.into();
        Self { request: self.request.change(|draft| draft.job.after.push(job)), ..self }
    }

    /// Runs it no sooner than after this pause. It orders nothing: what was published later may run before.
    pub fn delay(self, pause: Duration) -> Self {
        Self { request: self.request.change(|draft| draft.due = Due::In(pause)), ..self }
    }

    /// Runs it no sooner than at this time; at once, if that has come.
    pub fn at(self, time: Timestamp) -> Self {
        Self { request: self.request.change(|draft| draft.due = Due::At(time)), ..self }
    }

    /// Has it begin before jobs of its queue that are ready, too, and of a lower priority; 0 is that of whoever has not said.
    /// It orders nothing, and under a steady flood of higher ones a lower one waits for ever.
    pub fn priority(self, priority: i32) -> Self {
        Self { request: self.request.change(|draft| draft.job.priority = priority), ..self }
    }

    /// The same, without the type of its output: commands of several types go into one
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
            let submitted = engine.store.submit(Vec::new(), vec![job]).await?;
            engine.work.notify_one();
            let id = job_of(id, &name, submitted.first())?;
            Ok(JobHandle::new(engine, id))
        }
        .boxed()
    }
}

/// Publishes several in their order, in one transaction.
pub(crate) async fn publish_all<T>(
    engine: &Arc<Engine>,
    requests: impl IntoIterator<Item = Publish<T>>,
) -> Vec<Result<JobHandle<T>, Failure>> {
    let drafted: Vec<_> = requests.into_iter().map(|publish| publish.request.into_job_of(engine)).collect();
    let jobs: Vec<_> = drafted.iter().flatten().cloned().collect();
    let submitted = engine.store.submit(Vec::new(), jobs).await.map_err(Failure::from);
    engine.work.notify_one();
    let mut answers = submitted.as_ref().map(|submitted| submitted.iter()).map_err(Clone::clone);
    let answer = |drafted: Result<NewJob, Failure>| {
        let job = drafted?;
        let answer = answers.as_mut().map_err(|failure| failure.clone())?.next();
        Ok(JobHandle::new(engine.clone(), job_of(job.id, &job.name, answer)?))
    };
    drafted.into_iter().map(answer).collect()
}
