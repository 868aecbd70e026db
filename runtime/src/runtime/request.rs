//! A command that is about to become a job.

use std::sync::Arc;

use super::boundary::check_boundary;
use crate::context::{ExecutionContext, Origin};
use crate::engine::{Draft, Engine};
use crate::model::{Failure, FailureKind, JobId};
use crate::store::{NewJob, Submitted};

/// A command on its way to become a job. What is wrong with the command itself is known from the start, and is answered
/// when it is to become one (r11).
pub(crate) struct Request {
    engine: Arc<Engine>,
    pub(super) draft: Result<Draft, Failure>,
    pub(super) origin: Origin,
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

    pub(super) fn change(mut self, act: impl FnOnce(&mut Draft)) -> Self {
        if let Ok(draft) = &mut self.draft {
            act(draft);
        }
        self
    }

    pub(super) fn into_job(self) -> Result<(Arc<Engine>, NewJob), Failure> {
        self.engine.check_running()?;
        let now = self.engine.clock.now();
        let job = self.draft?.into_job(self.origin, now);
        check_deadline(&job)?;
        Ok((self.engine, job))
    }

    /// Its job, for the runtime that it was made by: another one may have another domain, and another store.
    pub(super) fn into_job_of(self, engine: &Arc<Engine>) -> Result<NewJob, Failure> {
        if !Arc::ptr_eq(&self.engine, engine) {
            let message = "the command was given to another runtime than the one that is to publish it; call \
                           `publish` and `publish_all` on the same one";
            return Err(Failure::new(FailureKind::Refused, "other_runtime", message));
        }
        self.into_queued_job().map(|(_, job)| job)
    }

    /// The job of a command that is to wait for its turn: if there is room for it.
    pub(super) fn into_queued_job(self) -> Result<(Arc<Engine>, NewJob), Failure> {
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

macro_rules! options {
    () => {
        /// Takes the same request only once, whatever key the command itself names: the same key with the same payload
        /// answers with the existing job, with another payload it is an `IdempotencyMismatch` (r25). Keys are shared
        /// by all commands of a store, and live as long as their job.
        pub fn idempotency_key<K: Serialize + ?Sized>(self, key: &K) -> Self {
            Self { request: self.request.change(|draft| draft.job.idempotency_key = Key::of(key)), ..self }
        }

        /// Its attempts must have ended by this time: one that is still under way is dropped before its commit, none begins
        /// later, and the job ends as `TimedOut`. Retried by hand, it has no deadline any more. One that cannot be met is
        /// `Refused`.
        pub fn deadline(self, time: Timestamp) -> Self {
            Self { request: self.request.change(|draft| draft.job.deadline = Some(time)), ..self }
        }
    };
}

pub(super) use options;
