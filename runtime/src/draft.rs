use std::any::TypeId;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::clock::after;
use crate::context::Origin;
use crate::ids::Ids;
use crate::plans::{CommandPlan, Plans};
use crate::registration::Keys;
use crate::store::NewJob;
use crate::{Command, Failure, JobId, JobKind, Json, Key};
use jiff::Timestamp;

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

/// When a job is to run at the earliest.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Due {
    AtOnce,
    In(Duration),
    At(Timestamp),
}

impl Due {
    /// The time to wait for, for what is put on record now; `None` if it has come.
    pub(crate) fn from(self, now: Timestamp) -> Option<Timestamp> {
        let due_at = match self {
            Self::AtOnce => return None,
            Self::In(pause) => after(now, pause),
            Self::At(time) => time,
        };
        (due_at > now).then_some(due_at)
    }
}

impl Draft {
    /// Takes a command, or refuses it with all that is wrong (r11).
    pub(crate) fn of<C: Command>(plans: &Plans, command: &C) -> Result<Self, Failure> {
        let plan = plans.command_of(TypeId::of::<C>(), C::NAME)?;
        let payload = plan.input.admit(serde_json::to_value(command))?;
        Self::admit(plan, payload, Keys::of(command))
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

    pub(crate) fn into_job(self, ids: &Ids, origin: Origin, now: Timestamp) -> NewJob {
        let job = NewJob::new(ids.job(), JobKind::Command, self.name, self.payload, now);
        NewJob {
            aliases: self.aliases,
            target: self.target,
            order_key: self.order_key,
            idempotency_key: self.idempotency_key,
            correlation: origin.correlation.unwrap_or(job.correlation),
            cause: origin.cause,
            context: origin.seed,
            priority: self.priority,
            after: self.after,
            due_at: self.due.from(now),
            deadline: self.deadline,
            repeatable: self.repeatable,
            ..job
        }
    }
}
