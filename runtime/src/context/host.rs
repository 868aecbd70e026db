//! What a context needs of the engine that runs it.

use std::any::TypeId;

use serde_json::Value;

use super::origin::Origin;
use crate::domain::AnyCommand;
use crate::model::{Capabilities, EventId, Failure, JobId, Json};
use crate::store::{NewJob, Store};

/// The engine as a context sees it.
pub(crate) trait Host: Send + Sync {
    fn store(&self) -> &dyn Store;

    /// The capabilities that the runtime was provided with.
    fn capabilities(&self) -> &Capabilities;

    fn new_event_id(&self) -> EventId;

    fn new_job_id(&self) -> JobId;

    /// Validates an event. `name` is its type's name, for the error if the type is not registered.
    fn validate_event(
        &self,
        type_id: TypeId,
        name: &str,
        json: serde_json::Result<Value>,
    ) -> Result<Json, Failure>;

    /// Validates a command and makes its job.
    fn draft_job(&self, command: AnyCommand, origin: Origin) -> Result<NewJob, Failure>;
}
