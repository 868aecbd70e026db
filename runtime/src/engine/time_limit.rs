//! How long an attempt may take before its commit.

use std::time::Duration;

use jiff::Timestamp;

use crate::model::clock::Clock;
use crate::model::{Failure, FailureKind};

/// How long everything before the commit may take. What has begun to be committed is not called off.
pub(super) struct TimeLimit<'a>(Option<Limit<'a>>);

struct Limit<'a> {
    clock: &'a dyn Clock,
    /// By the time that has passed.
    until: Duration,
    /// What to say when the time is up.
    exceeded: Failure,
}

impl<'a> TimeLimit<'a> {
    /// The handler's `timeout`, or the time left until the job's deadline if that is less.
    pub(super) fn new(
        clock: &'a dyn Clock,
        timeout: Option<Duration>,
        deadline: Option<Timestamp>,
    ) -> Result<Self, Failure> {
        let timeout = timeout.map(|timeout| (timeout, timed_out(timeout)));
        let deadline = deadline.map(|deadline| {
            let left = Duration::try_from(deadline.duration_since(clock.now())).unwrap_or_default();
            (left, past_deadline(deadline))
        });
        let Some((left, exceeded)) = [timeout, deadline].into_iter().flatten().min_by_key(|(left, _)| *left)
        else {
            return Ok(Self(None));
        };
        if left.is_zero() {
            return Err(exceeded);
        }
        Ok(Self(Some(Limit { clock, until: clock.elapsed().saturating_add(left), exceeded })))
    }

    /// Runs a step to its end, or drops it when the time is up.
    pub(super) async fn hold<T>(&self, step: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let Some(Limit { clock, until, exceeded }) = &self.0 else { return step.await };
        let ended = tokio::select! {
            biased;
            ended = step => ended?,
            () = clock.sleep_until(*until) => return Err(exceeded.clone()),
        };
        // A handler that never waits cannot be dropped while it runs; it is too late all the same.
        if clock.elapsed() < *until { Ok(ended) } else { Err(exceeded.clone()) }
    }
}

fn timed_out(timeout: Duration) -> Failure {
    let message = format!("it took longer than the {timeout:?} that its handler may take");
    Failure::new(FailureKind::TimedOut, "timed_out", message)
}

fn past_deadline(deadline: Timestamp) -> Failure {
    let message =
        format!("it had to end before its deadline, {deadline}, and has not; retried by hand, it has none");
    Failure::new(FailureKind::TimedOut, "deadline_passed", message).permanent()
}
