//! What may only be called outside an execution.

use crate::context::ExecutionContext;
use crate::model::{Failure, FailureKind, JobId};

/// What is done at the boundary would be done even if the execution around it failed (r14, r15).
pub(crate) fn check_boundary(context: Option<&ExecutionContext>, what: &str) -> Result<(), Failure> {
    if context.is_none_or(|context| !context.is_inside()) {
        return Ok(());
    }
    let message = format!(
        "`Runtime::{what}` was called inside an execution, where it would take effect even if that fails; \
         `enact::publish` and `enact::emit` stage a command or an event for its commit"
    );
    Err(Failure::new(FailureKind::Refused, "inside_execution", message))
}

/// An execution holds its place, its lane and its entity while it lasts, and may be what the job waits for.
pub(super) fn check_waiting(context: Option<&ExecutionContext>) -> Result<(), Failure> {
    if context.is_none_or(|context| !context.is_inside()) {
        return Ok(());
    }
    let message = "`JobHandle::outcome` was called inside an execution: it would hold up the execution, and may wait \
                   for itself; handle an event instead";
    Err(Failure::new(FailureKind::Refused, "inside_execution", message))
}

pub(crate) fn no_such_job(id: JobId) -> Failure {
    let message = format!("there is no job {id} on record: there never was, or it was pruned");
    Failure::new(FailureKind::NotFound, "no_such_job", message)
}
