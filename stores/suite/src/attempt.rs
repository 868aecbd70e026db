use enact::store::{Commit, Next};
use enact::{Attempt, Failure, Job, Step, WorkerId};
use jiff::{SignedDuration, Timestamp};

use crate::sample::{With, json};

/// A running attempt as its worker knows it.
#[derive(Clone, Debug)]
pub(crate) struct RunningAttempt {
    pub(crate) job: Job,
    pub(crate) worker: WorkerId,
    pub(crate) started_at: Timestamp,
}

impl RunningAttempt {
    /// The attempt with an end one second after its start, or at its start where there is no later time.
    pub(crate) fn ended(&self) -> Attempt {
        let second_after = self.started_at.checked_add(SignedDuration::from_secs(1));
        Attempt::begun(self.job.attempts, self.worker.clone(), self.started_at).with(|attempt| {
            attempt.ended_at = Some(second_after.unwrap_or(self.started_at));
            attempt.reached = Some(Step::Commit);
        })
    }

    fn ends(&self, attempt: Attempt, next: Next) -> Commit {
        Commit::ending(self.job.id, attempt, next)
    }

    fn failed(&self) -> Attempt {
        self.ended().with(|attempt| {
            attempt.reached = Some(Step::Handle);
            attempt.failure = Some(Failure::denied("the handler says no"));
        })
    }

    pub(crate) fn succeeds(&self) -> Commit {
        self.ends(self.ended(), Next::Succeeded(json("done")))
    }

    pub(crate) fn fails(&self) -> Commit {
        self.ends(self.failed(), Next::Failed)
    }

    pub(crate) fn retries(&self, due_at: Timestamp) -> Commit {
        self.ends(self.failed(), Next::Retry(due_at))
    }

    pub(crate) fn is_put_back(&self, due_at: Timestamp) -> Commit {
        self.ends(self.ended(), Next::PutBack(due_at))
    }

    /// The commit that rescues the attempt after its lease was last seen with `renewals`.
    pub(crate) fn is_rescued(&self, renewals: u64) -> Commit {
        Commit { lapsed: Some(renewals), ..self.fails() }
    }
}
