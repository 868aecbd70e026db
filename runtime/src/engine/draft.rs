//! The jobs of validated commands and events.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::engine::Engine;
use super::id_source::IdSource;
use crate::context::Origin;
use crate::domain::{AnyCommand, Keys};
use crate::model::{AnyValue, Cause, Due, Failure, JobContext, JobKind, Json};
use crate::store::{NewEvent, NewJob};
use crate::wiring::{CommandPlan, HandlingPlan};

/// The job of a validated command, before it is known when and where it is published.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) job: NewJob,
    pub(crate) due: Due,
    /// The command as it was read from the job's payload.
    command: AnyValue,
}

impl Draft {
    /// Validates a command.
    pub(crate) fn of(engine: &Engine, command: AnyCommand) -> Result<Self, Failure> {
        let AnyCommand { type_id, name, json, keys } = command;
        let plan = engine.plans.command_of(type_id, name)?;
        let (payload, command) = plan.input.admit(json)?;
        Self::new(engine, plan, payload, command, keys)
    }

    /// Validates a command that comes as JSON.
    pub(crate) fn of_json(engine: &Engine, name: &str, payload: &Value) -> Result<Self, Failure> {
        let plan = engine.plans.command(name)?;
        let payload = plan.input.check(payload)?;
        let command = plan.input.parse(&payload)?;
        let keys = (plan.part.keys)(&*command);
        Self::new(engine, plan, payload, command, keys)
    }

    fn new(
        engine: &Engine,
        plan: &CommandPlan,
        payload: Json,
        command: AnyValue,
        keys: Keys,
    ) -> Result<Self, Failure> {
        let target = plan.admit_target(keys.target)?;
        let (id, name) = (engine.ids.job(), plan.name.clone());
        let mut job = NewJob::new(id, JobKind::Command, name, payload, engine.clock.now());
        job.aliases = plan.part.aliases;
        job.comparison = Some(plan.comparison.clone());
        job.target = target;
        job.order_key = keys.order_key;
        job.idempotency_key = keys.idempotency_key;
        job.repeatable = plan.repeatable;
        Ok(Self { job, due: Due::AtOnce, command })
    }

    /// The job as it is published now, and the command as it was read from its payload.
    pub(crate) fn into_job(self, origin: Origin, now: Timestamp) -> (NewJob, AnyValue) {
        let mut job = self.job;
        if let Some(correlation) = origin.correlation {
            job.correlation = correlation;
        }
        job.cause = origin.cause;
        job.depth = origin.depth;
        job.context = origin.context;
        job.created_at = now;
        job.due_at = self.due.from(now);
        job.is_pause = self.due.is_pause();
        (job, self.command)
    }
}

/// The jobs that handle an event, one for each handler.
pub(crate) fn handler_jobs(
    ids: &IdSource,
    event: &NewEvent,
    handlers: &[HandlingPlan],
    depth: u32,
    context: Arc<JobContext>,
    max_queued: Option<u64>,
) -> impl Iterator<Item = NewJob> {
    handlers.iter().map(move |handler| {
        let (kind, payload) = (JobKind::EventHandler, event.payload.clone());
        let mut job = NewJob::new(ids.job(), kind, handler.name.clone(), payload, event.emitted_at);
        job.correlation = event.correlation.clone();
        job.cause = Some(Cause::Event(event.id));
        job.depth = depth;
        job.context = context.clone();
        job.max_queued = max_queued;
        job.repeatable = handler.repeatable;
        job
    })
}
