//! What the engine provides to execution contexts.

use std::any::TypeId;

use super::draft::Draft;
use super::engine::Engine;
use super::running_attempts::AttemptId;
use crate::context::{Host, LateCall, Origin};
use crate::domain::{AnyCommand, NotStorable, Written};
use crate::model::{Capabilities, EventId, Failure, JobId, Json};
use crate::store::{NewJob, Store};

impl Host for Engine {
    fn store(&self) -> &dyn Store {
        &*self.store
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn new_event_id(&self) -> EventId {
        self.ids.event()
    }

    fn new_job_id(&self) -> JobId {
        self.ids.job()
    }

    fn max_staged(&self) -> usize {
        self.size_limits.staged
    }

    fn validate_event(
        &self,
        type_id: TypeId,
        name: &str,
        json: Result<Written, NotStorable>,
    ) -> Result<Json, Failure> {
        self.plans.event_of(type_id, name)?.input.admit(json).map(|(payload, _)| payload)
    }

    fn draft_job(&self, command: AnyCommand, origin: Origin) -> Result<NewJob, Failure> {
        let (job, _) = Draft::of(self, command)?.into_job(origin, self.clock.now());
        Ok(job)
    }

    fn report_late(&self, call: LateCall) {
        let LateCall { job, attempt, name, what, caller } = call;
        if !self.late_calls.count(AttemptId { job, number: attempt }) {
            return;
        }
        let handler = match self.plans.job(&name) {
            Some(plan) => format!("the handler of `{name}` ({})", plan.source),
            None => format!("the handler of `{name}`"),
        };
        let report = format!(
            "`{what}` at {caller} is too late, and has no effect: {handler} had returned; await the task before the handler \
             returns"
        );
        tracing::warn!(%job, attempt, "{report}");
        if self.faults.is_some() {
            self.late_calls.keep_report(report);
        }
    }
}
