//! An attempt that was executed, as the store has it.

use std::fmt;
use std::panic::Location;

use super::stored::{expect_nothing_late, expect_store};
use crate::model::{Attempt, Failure, Job, JobId};
use crate::runtime::Runtime;

/// An attempt that was executed, as the store has it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExecutedAttempt {
    /// The job, right after the attempt.
    pub job: Job,
    /// The attempt; `None` if there was none, because another program handles the command.
    pub attempt: Option<Attempt>,
}

impl ExecutedAttempt {
    /// Reads the attempt with this number, or else the last one.
    pub(super) async fn read(
        runtime: &Runtime,
        id: JobId,
        number: Option<u32>,
        place: &'static Location<'static>,
    ) -> Self {
        expect_nothing_late(runtime, place);
        let store = &runtime.engine().store;
        let Some(job) = expect_store(store.job(id).await, place) else {
            panic!("{place}: job {id} was deleted while it ran");
        };
        let mut attempts = expect_store(store.attempts(id).await, place);
        let attempt = match number {
            Some(number) => attempts.into_iter().find(|attempt| attempt.number == number),
            None => attempts.pop(),
        };
        Self { job, attempt }
    }

    pub(super) fn failure(&self) -> Option<&Failure> {
        self.attempt.as_ref().and_then(|attempt| attempt.failure.as_ref())
    }
}

/// The job, its attempt and its state, in one line.
impl fmt::Display for ExecutedAttempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { job, attempt } = self;
        write!(f, "`{}` (job {}", job.name, job.id)?;
        if let Some(attempt) = attempt {
            write!(f, ", attempt {}", attempt.number)?;
        }
        f.write_str("): ")?;
        match (self.failure(), attempt.as_ref().and_then(|attempt| attempt.reached)) {
            (Some(failure), Some(step)) => write!(f, "failed at step {step}: {failure:?}; now ")?,
            (Some(failure), None) => write!(f, "failed: {failure:?}; now ")?,
            (None, _) => {}
        }
        match job.due_at {
            Some(due_at) => write!(f, "{} until {due_at}", job.state),
            None => write!(f, "{}", job.state),
        }
    }
}
