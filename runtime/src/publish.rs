use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::context::{ExecutionContext, Origin};
use crate::draft::{Draft, Due};
use crate::engine::{Ended, Engine, Overriding, Watch, ended};
use crate::store::{NewJob, Submitted};
use crate::worker::LOOK_ELSEWHERE;
use crate::{Failure, FailureKind, Job, JobId, JobState, Json, Key, attempt};

/// A command on its way to become a job. What is wrong with the command itself is known from the start, and is answered
/// when it is to become one (r11).
pub(crate) struct Request {
    engine: Arc<Engine>,
    draft: Result<Draft, Failure>,
    origin: Origin,
}

impl Request {
    pub(crate) fn new(
        engine: &Arc<Engine>,
        what: &str,
        draft: impl FnOnce() -> Result<Draft, Failure>,
    ) -> Self {
        let context = ExecutionContext::current();
        let draft = engine
            .check_running()
            .and_then(|()| check_boundary(context.as_ref(), what))
            .and_then(|()| draft());
        let origin = context.map(|context| context.origin()).unwrap_or_default();
        Self { engine: engine.clone(), draft, origin }
    }

    fn change(mut self, act: impl FnOnce(&mut Draft)) -> Self {
        if let Ok(draft) = &mut self.draft {
            act(draft);
        }
        self
    }

    fn into_job(self) -> Result<(Arc<Engine>, NewJob), Failure> {
        self.engine.check_running()?;
        let now = self.engine.clock.now();
        let job = self.draft?.into_job(&self.engine.ids, self.origin, now);
        check_deadline(&job)?;
        Ok((self.engine, job))
    }

    /// Its job, for the runtime that it was made by: another one may have another domain, and another store.
    fn into_job_of(self, engine: &Arc<Engine>) -> Result<NewJob, Failure> {
        if !Arc::ptr_eq(&self.engine, engine) {
            let message = "the command was given to another runtime than the one that is to publish it; call \
                           `publish` and `publish_all` on the same one";
            return Err(Failure::new(FailureKind::Refused, "other_runtime", message));
        }
        self.into_queued_job().map(|(_, job)| job)
    }

    /// The job of a command that is to wait for its turn: if there is room for it.
    fn into_queued_job(self) -> Result<(Arc<Engine>, NewJob), Failure> {
        let (engine, mut job) = self.into_job()?;
        job.max_queued = Some(engine.max_queued);
        Ok((engine, job))
    }
}

/// Refuses what cannot end in time, whatever happens.
fn check_deadline(job: &NewJob) -> Result<(), Failure> {
    let Some(deadline) = job.deadline else { return Ok(()) };
    let begins = job.due_at.unwrap_or(job.created_at);
    if begins < deadline {
        return Ok(());
    }
    let message = format!(
        "`{}` cannot begin before {begins}, which is not before its deadline, {deadline}; give it a later one, or a \
         shorter delay",
        job.name
    );
    Err(Failure::new(FailureKind::Refused, "deadline_before_start", message))
}

/// What is done at the boundary would be done even if the execution around it failed (r14, r15).
pub(crate) fn check_boundary(context: Option<&ExecutionContext>, what: &str) -> Result<(), Failure> {
    if context.is_none_or(|context| !context.is_inside()) {
        return Ok(());
    }
    let message = format!(
        "`Runtime::{what}` was called inside an execution, where it would take effect even if that fails; \
         `enact::publish` and `enact::emit` stage a command or an event for its commit"
    );
    Err(Failure::new(FailureKind::Refused, "inside_execution", message))
}

/// An execution holds its place, its lane and its entity while it lasts, and may be what the job waits for.
fn check_waiting(context: Option<&ExecutionContext>) -> Result<(), Failure> {
    if context.is_none_or(|context| !context.is_inside()) {
        return Ok(());
    }
    let message = "`JobHandle::outcome` was called inside an execution: it would hold up the execution, and may wait \
                   for itself; handle an event instead";
    Err(Failure::new(FailureKind::Refused, "inside_execution", message))
}

macro_rules! options {
    () => {
        /// Takes the same request only once, whatever key the command itself names: the same key with the same payload
        /// answers with the existing job, with another payload it is an `IdempotencyMismatch` (r25). Keys are shared
        /// by all commands of a store, and live as long as their job.
        pub fn idempotency_key<K: Serialize + ?Sized>(self, key: &K) -> Self {
            Self { request: self.request.change(|draft| draft.idempotency_key = Key::of(key)), ..self }
        }

        /// Its attempts must have ended by this time: one that is still under way is dropped before its commit, none begins
        /// later, and the job ends as `TimedOut`. Retried by hand, it has no deadline any more. One that cannot be met is
        /// `Refused`.
        pub fn deadline(self, time: Timestamp) -> Self {
            Self { request: self.request.change(|draft| draft.deadline = Some(time)), ..self }
        }
    };
}

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
        Self { request: self.request.change(|draft| draft.order_key = Key::of(key)), ..self }
    }

    /// Runs it once this job has succeeded (r26). Called again, it waits for all of them. If that one fails, this one waits on,
    /// for it may be [retried](crate::Jobs::retry); if that one is cancelled, so is this one. One that there is not, or that
    /// was pruned, is `NotFound`.
    pub fn after(self, job: impl Into<JobId>) -> Self {
        let job = job.into();
        Self { request: self.request.change(|draft| draft.after.push(job)), ..self }
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
        Self { request: self.request.change(|draft| draft.priority = priority), ..self }
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
        let overriding = overrides.map(|overrides| Overriding::begin(&engine, id, overrides));
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
            let overriding = overrides.map(|overrides| Arc::new(Overriding::begin(&engine, id, overrides)));
            let mut watch = engine.endings.watch(id);
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
async fn start(engine: Arc<Engine>, job: NewJob, _overriding: Option<Arc<Overriding>>) -> Started {
    let id = job.id;
    let begun = job.clone();
    match begin(&engine, job).await {
        Ok(existing) if existing != id => return Started::Existing(existing),
        Ok(_) if begun.start.is_none() => {}
        Ok(_) => attempt::run(engine, begun.into_job(JobState::Running), None).await,
        Err(failure) => engine.endings.announce(id, &Err(failure)),
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

/// The id under which a request stands on record.
pub(crate) fn job_of(id: JobId, name: &str, submitted: Option<&Submitted>) -> Result<JobId, Failure> {
    match submitted {
        Some(Submitted::New) => Ok(id),
        Some(Submitted::Existing(existing)) => Ok(*existing),
        Some(Submitted::Mismatch(existing)) => {
            let message = format!(
                "the idempotency key belongs to job {existing}, which is another request; use a key of its own for \
                 each request"
            );
            Err(Failure::new(FailureKind::IdempotencyMismatch, "idempotency_mismatch", message))
        }
        Some(Submitted::Full(queued)) => {
            let message = format!(
                "{queued} jobs of `{name}` wait or run already, as many as may; publish it again later, or give \
                 `RuntimeBuilder::max_queued` a higher limit"
            );
            Err(Failure::new(FailureKind::QueueFull, "queue_full", message))
        }
        Some(Submitted::NoPredecessor(job)) => {
            let message =
                format!("there is no job {job} to run after: it never was on record, or was pruned");
            Err(Failure::new(FailureKind::NotFound, "no_such_job", message))
        }
        None => {
            Err(Failure::new(FailureKind::Unavailable, "no_answer", "the store has not said what it did"))
        }
    }
}

async fn wait(engine: &Engine, id: JobId) -> Ended {
    let mut watch = engine.endings.watch(id);
    let job = engine.store.job(id).await?.ok_or_else(|| no_such_job(id))?;
    match ended(job) {
        Some(ended) => ended,
        None => wait_watching(engine, id, &mut watch).await,
    }
}

/// Waits for an end that is announced here, and looks now and then whether another process has brought it about.
async fn wait_watching(engine: &Engine, id: JobId, watch: &mut Watch<'_>) -> Ended {
    loop {
        let look = engine.clock.elapsed() + LOOK_ELSEWHERE;
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

pub(crate) fn no_such_job(id: JobId) -> Failure {
    let message = format!("there is no job {id} on record: there never was, or it was pruned");
    Failure::new(FailureKind::NotFound, "no_such_job", message)
}

fn typed<T: DeserializeOwned>(output: &Json) -> Result<T, Failure> {
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
