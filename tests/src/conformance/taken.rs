use enact::store::{Commit, Next};
use enact::{Attempt, Failure, Job, Step, WorkerId};
use jiff::{SignedDuration, Timestamp};

use super::sample::json;

/// An attempt that is under way, as its worker knows it.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    pub(super) job: Job,
    pub(super) worker: WorkerId,
    pub(super) started_at: Timestamp,
}

impl Taken {
    /// The attempt as it ends, one second after it began, or at the end of time.
    pub(super) fn ended(&self) -> Attempt {
        let second_after = self.started_at.checked_add(SignedDuration::from_secs(1));
        let mut attempt = Attempt::begun(self.job.attempts, self.worker.clone(), self.started_at);
        attempt.ended_at = Some(second_after.unwrap_or(self.started_at));
        attempt.reached = Some(Step::Commit);
        attempt
    }

    fn ends(&self, attempt: Attempt, next: Next) -> Commit {
        Commit {
            job: self.job.id,
            attempt,
            lapsed: None,
            next,
            write: None,
            events: Vec::new(),
            jobs: Vec::new(),
        }
    }

    fn failed(&self) -> Attempt {
        let mut attempt = self.ended();
        attempt.reached = Some(Step::Handle);
        attempt.failure = Some(Failure::denied("the handler says no"));
        attempt
    }

    pub(super) fn succeeds(&self) -> Commit {
        self.ends(self.ended(), Next::Succeeded(json("done")))
    }

    pub(super) fn fails(&self) -> Commit {
        self.ends(self.failed(), Next::Failed)
    }

    pub(super) fn retries(&self, due_at: Timestamp) -> Commit {
        self.ends(self.failed(), Next::Retry(due_at))
    }

    /// Given up in its worker's stead, which had renewed its lease so often when it was last seen.
    pub(super) fn is_lost(&self, renewals: u64) -> Commit {
        Commit { lapsed: Some(renewals), ..self.fails() }
    }
}
