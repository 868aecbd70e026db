//! What publishing and executing share: a command on its way to a job.

use std::fmt;
use std::sync::Arc;

use super::boundary::check_boundary;
use crate::context::{ExecutionContext, Origin};
use crate::engine::{Draft, Engine};
use crate::model::{AnyValue, Failure, FailureKind, JobId};
use crate::store::{NewJob, Submitted};

/// A command on its way to a job. It is validated when the request is made; a refusal is returned when it is awaited.
pub(crate) struct Request {
    engine: Arc<Engine>,
    pub(super) draft: Result<Draft, Failure>,
    pub(super) origin: Origin,
}

impl Request {
    pub(super) fn new(
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

    /// The job, and the command as it was read from the job's payload.
    pub(super) fn into_job(self) -> Result<(Arc<Engine>, NewJob, AnyValue), Failure> {
        self.engine.check_running()?;
        let now = self.engine.clock.now();
        let (job, command) = self.draft?.into_job(self.origin, now);
        check_deadline(&job)?;
        self.engine.check_job(&job)?;
        self.engine.size_limits.check_depth(&job.name, job.depth)?;
        Ok((self.engine, job, command))
    }

    /// The job to publish, which counts against the limit of queued jobs.
    pub(super) fn into_queued_job(self) -> Result<(Arc<Engine>, NewJob), Failure> {
        let (engine, mut job, _) = self.into_job()?;
        job.max_queued = Some(engine.max_queued);
        engine.pauses.hold_new(&*engine.clock, [&job]);
        Ok((engine, job))
    }

    /// As [`into_queued_job`](Self::into_queued_job), for the runtime that made the request: another runtime may have
    /// another store.
    pub(super) fn into_job_of(self, engine: &Arc<Engine>) -> Result<NewJob, Failure> {
        if !Arc::ptr_eq(&self.engine, engine) {
            let message = "the command was made by `publish` of another runtime; call `publish` and `publish_all` on the \
                           same runtime";
            return Err(Failure::new(FailureKind::Refused, "other_runtime", message));
        }
        self.into_queued_job().map(|(_, job)| job)
    }

    /// Writes the command's name and options. The payload is not shown, nor are its keys, which may be fields of it, nor
    /// the message of a refusal, which may quote it.
    pub(super) fn debug(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct(name);
        match &self.draft {
            Ok(draft) => shown
                .field("command", &draft.job.name)
                .field("priority", &draft.job.priority)
                .field("after", &draft.job.after)
                .field("due", &draft.due)
                .field("deadline", &draft.job.deadline),
            Err(failure) => shown.field("refused", &format_args!("{} ({})", failure.kind(), failure.code())),
        };
        shown.finish_non_exhaustive()
    }
}

/// Refuses a deadline that no attempt can meet.
fn check_deadline(job: &NewJob) -> Result<(), Failure> {
    let Some(deadline) = job.deadline else { return Ok(()) };
    let earliest = job.due_at.unwrap_or(job.created_at);
    if earliest < deadline {
        return Ok(());
    }
    let message = format!(
        "`{}` cannot start before {earliest}, and its deadline is {deadline}; set a later deadline or a shorter delay",
        job.name
    );
    Err(Failure::new(FailureKind::Refused, "deadline_before_start", message))
}

/// The id of the job that is stored for a request.
pub(super) fn stored_id(id: JobId, name: &str, submitted: Option<&Submitted>) -> Result<JobId, Failure> {
    match submitted {
        Some(Submitted::New) => Ok(id),
        Some(Submitted::Existing(existing)) => Ok(*existing),
        Some(Submitted::Mismatch(existing)) => {
            let message = format!(
                "the idempotency key of this `{name}` belongs to job {existing}, which is a different request; use \
                 another key, or cancel that job if it has not ended"
            );
            Err(Failure::new(FailureKind::IdempotencyMismatch, "idempotency_mismatch", message))
        }
        Some(Submitted::Full(queued)) => {
            let message = format!(
                "{queued} jobs of `{name}` are queued, which is the limit; publish it later, or raise \
                 `RuntimeBuilder::max_queued`"
            );
            Err(Failure::new(FailureKind::QueueFull, "queue_full", message))
        }
        Some(Submitted::NoPredecessor(job)) => {
            let message =
                format!("`{name}` cannot run after job {job}: there is no such job; it may have been pruned");
            Err(Failure::new(FailureKind::NotFound, "no_such_job", message))
        }
        None => {
            let message = format!("the store returned no result for `{name}`, which is a bug of the store");
            Err(Failure::new(FailureKind::Unavailable, "no_answer", message))
        }
    }
}

macro_rules! options {
    () => {
        /// Accepts the same request only once, whatever idempotency key the command declares: with the same payload the key
        /// returns the existing job, with another payload the request fails with `IdempotencyMismatch`
        /// ([r25](crate::rules#r25)). All commands of a store share their keys; a key belongs to its job until that is
        /// [cancelled](crate::Jobs::cancel) or pruned.
        pub fn idempotency_key<K: Serialize + ?Sized>(self, key: &K) -> Self {
            Self { request: self.request.change(|draft| draft.job.idempotency_key = Key::of(key)), ..self }
        }

        /// Sets the time by which the job's attempts must have ended. An attempt that still runs then is dropped before its
        /// commit, no other one starts, and the job ends as `TimedOut`. A retry by hand removes the deadline. A deadline
        /// that cannot be met is `Refused`.
        pub fn deadline(self, time: Timestamp) -> Self {
            Self { request: self.request.change(|draft| draft.job.deadline = Some(time)), ..self }
        }
    };
}

pub(super) use options;
