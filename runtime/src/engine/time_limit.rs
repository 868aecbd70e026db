//! The time limit of an attempt.

use std::pin::Pin;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::clock::Clock;
use crate::model::{Failure, FailureKind};

/// Limits the time until the commit begins. A commit that has begun is not cancelled.
pub(super) struct TimeLimit<'a>(Option<Limit<'a>>);

struct Limit<'a> {
    clock: &'a dyn Clock,
    /// In elapsed time.
    until: Duration,
    exceeded: Failure,
}

impl<'a> TimeLimit<'a> {
    /// The handler's timeout, or the time left until the job's deadline if that is less.
    pub(super) fn new(
        clock: &'a dyn Clock,
        timeout: Option<Duration>,
        deadline: Option<Timestamp>,
    ) -> Result<Self, Failure> {
        let timeout = timeout.map(|timeout| (timeout, timed_out(timeout)));
        let deadline = deadline.map(|deadline| {
            let left = Duration::try_from(deadline.duration_since(clock.now())).unwrap_or_default();
            (left, deadline_passed(deadline))
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

    /// Runs a step to its end, unless the time is up before. The step stays where its owner has it: it is large.
    pub(super) async fn apply<T>(
        &self,
        step: Pin<&mut impl Future<Output = Result<T, Failure>>>,
    ) -> Result<T, Failure> {
        let Some(Limit { clock, until, exceeded }) = &self.0 else { return step.await };
        let ended = tokio::select! {
            biased;
            ended = step => ended?,
            () = clock.sleep_until(*until) => return Err(exceeded.clone()),
        };
        // A handler that never awaits cannot be dropped while it runs. It fails when it returns.
        if clock.elapsed() < *until { Ok(ended) } else { Err(exceeded.clone()) }
    }
}

fn timed_out(timeout: Duration) -> Failure {
    let message = format!("the attempt took longer than its handler's timeout of {timeout:?}");
    Failure::new(FailureKind::TimedOut, "timed_out", message)
}

fn deadline_passed(deadline: Timestamp) -> Failure {
    let message =
        format!("the job's deadline {deadline} has passed; a retry by hand runs it without a deadline");
    Failure::new(FailureKind::TimedOut, "deadline_passed", message).permanent()
}
