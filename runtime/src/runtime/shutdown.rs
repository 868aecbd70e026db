//! Shutting a runtime down.

use std::time::Duration;

use super::tasks::Tasks;
use crate::engine::Engine;
use crate::model::{Failure, FailureKind};

/// How long to wait for aborted attempts to be released.
pub(super) const ABORT_GRACE: Duration = Duration::from_secs(5);

/// Starts nothing more, waits for running attempts until the deadline, aborts the others, and waits until they are released.
pub(super) async fn shut_down(engine: &Engine, tasks: &Tasks, deadline: Duration) -> Result<(), Failure> {
    engine.stop.cancel();
    let end = engine.clock.elapsed().saturating_add(deadline);
    let aborted = tokio::select! {
        biased;
        () = engine.all_ended(&tasks.dispatcher) => 0,
        () = engine.clock.sleep_until(end) => engine.attempts.len(),
    };
    engine.abort.cancel();
    let end = engine.clock.elapsed().saturating_add(ABORT_GRACE);
    let message = tokio::select! {
        biased;
        () = tasks.others.wait() => match aborted {
            0 => return Ok(()),
            aborted => format!("{aborted} executions still ran at the deadline of the shutdown, and were aborted"),
        },
        () = engine.clock.sleep_until(end) => format!(
            "{} executions could not be aborted: they block their threads, or the store does not respond",
            engine.attempts.len()
        ),
    };
    Err(Failure::new(FailureKind::TimedOut, "shutdown_deadline", message))
}
