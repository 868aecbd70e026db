use std::any::TypeId;

use super::late_call::LateCall;
use super::origin::Origin;
use crate::domain::{AnyCommand, NotStorable, Written};
use crate::model::{Capabilities, EventId, Failure, JobId, Json};
use crate::store::{NewJob, Store};

/// What a context needs of the engine. The engine implements it, so that imports point one way.
pub(crate) trait Host: Send + Sync {
    fn store(&self) -> &dyn Store;

    /// The capabilities of the runtime.
    fn capabilities(&self) -> &Capabilities;

    fn new_event_id(&self) -> EventId;

    fn new_job_id(&self) -> JobId;

    /// How many events and commands an execution may stage.
    fn max_staged(&self) -> usize;

    /// Validates an event. `name` is for the failure if its type is not registered.
    fn validate_event(
        &self,
        type_id: TypeId,
        name: &str,
        json: Result<Written, NotStorable>,
    ) -> Result<Json, Failure>;

    /// Validates a command and creates its job.
    fn draft_job(&self, command: AnyCommand, origin: Origin) -> Result<NewJob, Failure>;

    /// Reports an effect that is lost.
    fn report_late(&self, call: LateCall);
}
