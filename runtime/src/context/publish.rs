//! Staging events and commands below a handler: `emit` and `publish`.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::execution_context::ExecutionContext;
use crate::domain::{AnyCommand, Event, HasOneHandler, NotStorable, Written};
use crate::model::{AnyValue, Due, EventId, JobId, Key};
use crate::store::NewJob;

/// Stages an event. It is committed with the execution, and handled after that ([r18](crate::rules#r18)).
///
/// # Panics
/// Outside an execution, and after the attempt has ended: a task that calls it must be awaited by the handler
/// ([r31](crate::rules#r31)). At the boundary, use [`Runtime::emit`](crate::Runtime::emit).
#[track_caller]
pub fn emit<E: Event>(event: E) -> EventId {
    ExecutionContext::below_handler("emit").emit_any(E::NAME, Written::of(&event), AnyValue::new(event))
}

/// Stages a command. Its job is committed with the execution, and runs after that ([r15](crate::rules#r15)).
///
/// A command that violates its schema fails the execution with `Invalid`.
///
/// # Panics
/// Outside an execution, and after the attempt has ended: a task that calls it must be awaited by the handler
/// ([r31](crate::rules#r31)). At the boundary, use [`Runtime::publish`](crate::Runtime::publish).
#[track_caller]
pub fn publish<C: HasOneHandler>(command: C) -> StagedJob {
    ExecutionContext::below_handler("publish").publish(command)
}

impl ExecutionContext {
    /// Stages an event; see [`emit`](emit()).
    ///
    /// # Panics
    /// In a scope at the boundary, and after the attempt has ended.
    #[track_caller]
    pub fn emit<E: Event>(&self, event: E) -> EventId {
        self.emit_any(E::NAME, Written::of(&event), AnyValue::new(event))
    }

    /// The part of [`emit`](Self::emit) that does not depend on the event's type, and is compiled once.
    #[track_caller]
    fn emit_any(&self, name: &str, json: Result<Written, NotStorable>, event: AnyValue) -> EventId {
        let host = &self.attempt_scope("emit").host;
        let payload = host.validate_event((*event).type_id(), name, json);
        let id = host.new_event_id();
        self.stage("emit", |staging| staging.event(id, event, payload, self.job_context().clone()));
        id
    }

    /// Stages a command; see [`publish`](publish()).
    ///
    /// # Panics
    /// In a scope at the boundary, and after the attempt has ended.
    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "the call takes ownership")]
    pub fn publish<C: HasOneHandler>(&self, command: C) -> StagedJob {
        let host = &self.attempt_scope("publish").host;
        let job = host.draft_job(AnyCommand::of(&command), self.origin());
        // An invalid command has no job, but the caller still gets an id.
        let id = job.as_ref().map_or_else(|_| host.new_job_id(), |job| job.id);
        self.stage("publish", |staging| staging.command(job));
        StagedJob::new(self.clone(), id)
    }
}

impl From<&StagedJob> for JobId {
    fn from(staged: &StagedJob) -> Self {
        staged.id
    }
}

/// A command [published](crate::publish()) by a handler. Its job exists once the execution has committed.
///
/// # Panics
/// The methods that change the job panic after the attempt has ended.
#[derive(Clone, Debug)]
pub struct StagedJob {
    context: ExecutionContext,
    id: JobId,
}

impl StagedJob {
    pub(super) fn new(context: ExecutionContext, id: JobId) -> Self {
        Self { context, id }
    }

    /// The id of the future job. If a job with the same idempotency key exists, that job is used, and its id is another.
    pub fn id(&self) -> JobId {
        self.id
    }

    /// Sets the idempotency key, in place of the command's own ([r25](crate::rules#r25)).
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the job is staged already")]
    pub fn idempotency_key<K: Serialize + ?Sized>(self, key: &K) -> Self {
        self.change("idempotency_key", |job| job.idempotency_key = Key::of(key))
    }

    /// Sets the lane, in place of the command's own: jobs with one key run one at a time, in the order they were published
    /// ([r26](crate::rules#r26)).
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the job is staged already")]
    pub fn ordered_by<K: Serialize + ?Sized>(self, key: &K) -> Self {
        self.change("ordered_by", |job| job.order_key = Key::of(key))
    }

    /// Adds a predecessor, staged earlier or stored: the job runs once all its predecessors have succeeded
    /// ([r26](crate::rules#r26)). It keeps waiting if one fails, and is cancelled if one is cancelled. If the predecessor does
    /// not exist, the execution fails with `NotFound`.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the job is staged already")]
    pub fn after(self, predecessor: impl Into<JobId>) -> Self {
        let predecessor = predecessor.into();
        self.change("after", |job| job.after.push(predecessor))
    }

    /// Delays the job by at least this long from now.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the job is staged already")]
    pub fn delay(self, pause: Duration) -> Self {
        self.change("delay", |job| {
            job.due_at = Due::In(pause).from(job.created_at);
            job.is_pause = true;
        })
    }

    /// Delays the job until this time.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the job is staged already")]
    pub fn at(self, time: Timestamp) -> Self {
        self.change("at", |job| {
            job.due_at = Due::At(time).from(job.created_at);
            job.is_pause = false;
        })
    }

    /// Sets the priority: higher values are claimed first within a queue. Default: 0.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the job is staged already")]
    pub fn priority(self, priority: i32) -> Self {
        self.change("priority", |job| job.priority = priority)
    }

    /// Sets the deadline: if the job's attempts have not ended by this time, it fails with `TimedOut`.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the job is staged already")]
    pub fn deadline(self, time: Timestamp) -> Self {
        self.change("deadline", |job| job.deadline = Some(time))
    }

    #[track_caller]
    fn change(self, what: &'static str, change: impl FnOnce(&mut NewJob)) -> Self {
        self.context.stage(what, |staging| {
            // An invalid command has no job. It fails the attempt.
            if let Some(job) = staging.jobs.iter_mut().rfind(|job| job.id == self.id) {
                change(job);
            }
        });
        self
    }
}
