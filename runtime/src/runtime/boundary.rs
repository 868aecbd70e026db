//! Failures of calls at the boundary.

use crate::context::ExecutionContext;
use crate::model::{Failure, FailureKind};

/// Refuses a call inside an execution: its effect would remain even if the execution failed.
pub(crate) fn check_boundary(context: Option<&ExecutionContext>, what: &str) -> Result<(), Failure> {
    if !is_inside(context) {
        return Ok(());
    }
    let message = format!(
        "`Runtime::{what}` was called inside an execution, and would take effect even if the execution fails; \
         stage a command with `enact::publish` or an event with `enact::emit`"
    );
    Err(inside_execution(message))
}

/// Refuses to wait inside an execution, which holds a permit, its lane and its entity: the job may be waiting for them.
pub(super) fn check_waiting(context: Option<&ExecutionContext>) -> Result<(), Failure> {
    if !is_inside(context) {
        return Ok(());
    }
    let message = "`JobHandle::outcome` was called inside an execution, which would block until the job ends and may \
                   deadlock; continue in an event handler";
    Err(inside_execution(message))
}

fn is_inside(context: Option<&ExecutionContext>) -> bool {
    context.is_some_and(ExecutionContext::is_inside)
}

fn inside_execution(message: impl Into<String>) -> Failure {
    Failure::new(FailureKind::Refused, "inside_execution", message)
}
