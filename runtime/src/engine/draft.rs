//! Commands that are validated and on their way to become jobs.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::id_source::IdSource;
use crate::context::Origin;
use crate::domain::{AnyCommand, Keys};
use crate::model::{Cause, Due, Failure, JobContext, JobId, JobKind, Json, Key};
use crate::store::{NewEvent, NewJob};
use crate::wiring::{CommandPlan, HandlingPlan, Plans};

/// A command that has passed the door: valid, and routed. What is left to make it a job is where it comes from.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) name: Arc<str>,
    pub(crate) aliases: &'static [&'static str],
    pub(crate) payload: Json,
    pub(crate) target: Option<Key>,
    pub(crate) order_key: Option<Key>,
    pub(crate) idempotency_key: Option<Key>,
    pub(crate) priority: i32,
    pub(crate) after: Vec<JobId>,
    pub(crate) due: Due,
    pub(crate) deadline: Option<Timestamp>,
    pub(crate) repeatable: bool,
    /// Whether another program handles it.
    pub(crate) is_remote: bool,
}

impl Draft {
    /// Takes a command, or refuses it with all that is wrong (r11).
    pub(crate) fn of(plans: &Plans, command: AnyCommand) -> Result<Self, Failure> {
        let AnyCommand { type_id, name, json, keys } = command;
        let plan = plans.command_of(type_id, name)?;
        let payload = plan.input.admit(json)?;
        Self::admit(plan, payload, keys)
    }

    /// Takes a command that comes as JSON, or refuses it with all that is wrong.
    pub(crate) fn of_json(plans: &Plans, name: &str, payload: &Value) -> Result<Self, Failure> {
        let plan = plans.command(name)?;
        let payload = plan.input.check(payload)?;
        let command = plan.input.parse(&payload)?;
        Self::admit(plan, payload, (plan.part.keys)(&*command))
    }

    fn admit(plan: &CommandPlan, payload: Json, keys: Keys) -> Result<Self, Failure> {
        Ok(Self {
            name: plan.name.clone(),
            aliases: plan.part.aliases,
            payload,
            target: plan.admit_target(keys.target)?,
            order_key: keys.order_key,
            idempotency_key: keys.idempotency_key,
            priority: 0,
            after: Vec::new(),
            due: Due::AtOnce,
            deadline: None,
            repeatable: plan.repeatable,
            is_remote: plan.part.is_remote,
        })
    }

    pub(crate) fn into_job(self, ids: &IdSource, origin: Origin, now: Timestamp) -> NewJob {
        let job = NewJob::new(ids.job(), JobKind::Command, self.name, self.payload, now);
        NewJob {
            aliases: self.aliases,
            target: self.target,
            order_key: self.order_key,
            idempotency_key: self.idempotency_key,
            correlation: origin.correlation.unwrap_or(job.correlation),
            cause: origin.cause,
            context: origin.context,
            priority: self.priority,
            after: self.after,
            due_at: self.due.from(now),
            deadline: self.deadline,
            repeatable: self.repeatable,
            ..job
        }
    }
}

/// The jobs that handle an event: one for each of its handlers (r03).
pub(crate) fn handler_jobs(
    ids: &IdSource,
    event: &NewEvent,
    handlers: &[HandlingPlan],
    context: Arc<JobContext>,
    max_queued: Option<u64>,
) -> impl Iterator<Item = NewJob> {
    handlers.iter().map(move |handler| {
        let (kind, payload) = (JobKind::EventHandler, event.payload.clone());
        NewJob {
            correlation: event.correlation.clone(),
            cause: Some(Cause::Event(event.id)),
            context: context.clone(),
            max_queued,
            repeatable: handler.repeatable,
            ..NewJob::new(ids.job(), kind, handler.name.clone(), payload, event.emitted_at)
        }
    })
}
