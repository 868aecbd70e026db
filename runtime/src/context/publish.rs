//! Staging events and commands below a handler.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::execution_context::ExecutionContext;
use crate::domain::{AnyCommand, AnyValue, Event, HasOneHandler};
use crate::model::{Due, EventId, JobId, Key};
use crate::store::NewJob;

/// Emits an event: it is committed with the execution's entity, and handled after that (r15, r18).
///
/// # Panics
/// Outside an execution, and in a context whose attempt has ended (r34). At the boundary, use
/// [`Runtime::emit`](crate::Runtime::emit).
#[track_caller]
pub fn emit<E: Event>(event: E) -> EventId {
    ExecutionContext::below_handler("emit").emit_any(E::NAME, serde_json::to_value(&event), Box::new(event))
}

/// Publishes a command: its job is committed with the execution's entity, and runs after that (r15).
///
/// A command that violates its schema fails the execution with `Invalid`.
///
/// # Panics
/// Outside an execution, and in a context whose attempt has ended (r34). At the boundary, use
/// [`Runtime::publish`](crate::Runtime::publish).
#[track_caller]
pub fn publish<C: HasOneHandler>(command: C) -> StagedJob {
    ExecutionContext::below_handler("publish").publish(command)
}

impl ExecutionContext {
    /// Emits an event; see [`emit`](emit()).
    ///
    /// # Panics
    /// In a scope at the boundary, and when the attempt has ended (r30, r34).
    #[track_caller]
    pub fn emit<E: Event>(&self, event: E) -> EventId {
        self.emit_any(E::NAME, serde_json::to_value(&event), Box::new(event))
    }

    /// What is left of [`emit`](Self::emit) without the event's type, so that it is generated once.
    #[track_caller]
    fn emit_any(&self, name: &str, json: serde_json::Result<Value>, event: AnyValue) -> EventId {
        let host = &self.execution("emit").host;
        let admitted = host.validate_event((*event).type_id(), name, json);
        let id = host.new_event_id();
        self.stage("emit", |staging| staging.event(id, event, admitted, self.job_context().clone()));
        id
    }

    /// Publishes a command; see [`publish`](publish()).
    ///
    /// # Panics
    /// In a scope at the boundary, and when the attempt has ended (r30, r34).
    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "a command is handed over")]
    pub fn publish<C: HasOneHandler>(&self, command: C) -> StagedJob {
        let host = &self.execution("publish").host;
        let job = host.draft_job(AnyCommand::of(&command), self.origin());
        // A refused command has no job: the id is for the caller's logs only.
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

/// A command that a handler has [published](crate::publish()): its job exists once the execution has committed.
#[derive(Clone, Debug)]
pub struct StagedJob {
    context: ExecutionContext,
    id: JobId,
}

impl StagedJob {
    pub(super) fn new(context: ExecutionContext, id: JobId) -> Self {
        Self { context, id }
    }

    /// The id that its job will have; another one if the idempotency key turns out to be taken by the same request.
    pub fn id(&self) -> JobId {
        self.id
    }

    /// Takes the same request only once (r25), whatever key the command itself names.
    ///
    /// # Panics
    /// When the attempt has ended.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the job is staged already")]
    pub fn idempotency_key<K: Serialize + ?Sized>(self, key: &K) -> Self {
        self.change("idempotency_key", |job| job.idempotency_key = Key::of(key))
    }

    /// Runs it behind what was published under the same key before (r26), whatever key the command itself names.
    ///
    /// # Panics
    /// When the attempt has ended.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the job is staged already")]
    pub fn ordered_by<K: Serialize + ?Sized>(self, key: &K) -> Self {
        self.change("ordered_by", |job| job.order_key = Key::of(key))
    }

    /// Runs it once this job has succeeded (r26): one that is staged before it, or on record. Called again, it waits for all of
    /// them. If that one fails, this one waits on; if it is cancelled, so is this one. If there is none, the execution fails with
    /// `NotFound`.
    ///
    /// # Panics
    /// When the attempt has ended.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the job is staged already")]
    pub fn after(self, predecessor: impl Into<JobId>) -> Self {
        let predecessor = predecessor.into();
        self.change("after", |job| job.after.push(predecessor))
    }

    /// Runs it no sooner than after this pause, from now on. It orders nothing.
    ///
    /// # Panics
    /// When the attempt has ended.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the job is staged already")]
    pub fn delay(self, pause: Duration) -> Self {
        self.change("delay", |job| job.due_at = Due::In(pause).from(job.created_at))
    }

    /// Runs it no sooner than at this time.
    ///
    /// # Panics
    /// When the attempt has ended.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the job is staged already")]
    pub fn at(self, time: Timestamp) -> Self {
        self.change("at", |job| job.due_at = Due::At(time).from(job.created_at))
    }

    /// Has it begin before jobs of its queue that are ready, too, and of a lower priority; 0 is that of whoever has not said.
    ///
    /// # Panics
    /// When the attempt has ended.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the job is staged already")]
    pub fn priority(self, priority: i32) -> Self {
        self.change("priority", |job| job.priority = priority)
    }

    /// Its attempts must have ended by this time, or the job ends as `TimedOut`.
    ///
    /// # Panics
    /// When the attempt has ended.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the job is staged already")]
    pub fn deadline(self, time: Timestamp) -> Self {
        self.change("deadline", |job| job.deadline = Some(time))
    }

    #[track_caller]
    fn change(self, what: &'static str, act: impl FnOnce(&mut NewJob)) -> Self {
        self.context.stage(what, |staging| {
            // A refused command has no job to change; it fails the attempt.
            if let Some(job) = staging.jobs.iter_mut().rfind(|job| job.id == self.id) {
                act(job);
            }
        });
        self
    }
}
