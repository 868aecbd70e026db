//! Cancelling jobs and their successors.

use std::collections::VecDeque;
use std::sync::Arc;

use enact::store::{Changed, StoreError};
use enact::{Attempt, Failure, JobId, JobState, WorkerId};
use jiff::Timestamp;

use crate::encode::{EncodedAttempt, json};
use crate::error::Error;
use crate::operation::{Operation, Progress};
use crate::world::{EndedAttempt, Needs, Stage, World};

/// [`Store::cancel`](enact::store::Store::cancel).
pub(crate) struct CancelJobs {
    jobs: Vec<JobId>,
    attempt: Arc<EncodedAttempt>,
    now: Timestamp,
    changed: Vec<Changed>,
}

impl CancelJobs {
    pub(crate) fn new(jobs: Vec<JobId>, failure: &Failure, now: Timestamp) -> Result<Self, StoreError> {
        let failure = Some(json("the failure of a cancelled attempt", failure)?);
        let attempt = Arc::new(EncodedAttempt { failure, ..EncodedAttempt::default() });
        Ok(Self { jobs, attempt, now, changed: Vec::new() })
    }

    /// Cancels a job and all its successors. Returns their ids, its own first.
    fn cancel_with_successors(&self, job: JobId, world: &mut World) -> Vec<JobId> {
        let mut cancelled = Vec::new();
        let mut queue = VecDeque::from([job]);
        while let Some(id) = queue.pop_front() {
            // A successor of two of the jobs is queued twice.
            if !world.state(id).is_some_and(|state| state.may_become(JobState::Cancelled)) {
                continue;
            }
            if let Some(live) = world.live(id).filter(|live| live.stage == Stage::Running) {
                let worker = WorkerId::from_text(live.worker.as_deref().unwrap_or_default());
                let started_at = live.started_at.unwrap_or(self.now);
                let ended = EndedAttempt {
                    job: id,
                    attempt: Attempt::begun(live.attempts, worker, started_at),
                    encoded: self.attempt.clone(),
                    ended_at: self.now,
                    output: None,
                };
                world.attempts.push(ended);
            }
            queue.extend(world.cancel(id, self.now));
            cancelled.push(id);
        }
        cancelled
    }
}

impl Operation for CancelJobs {
    type Output = Vec<Changed>;

    fn needs(&self, needs: &mut Needs) {
        needs.jobs.extend(&self.jobs);
        needs.cancelled.extend(&self.jobs);
    }

    fn is_alone(&self) -> bool {
        true
    }

    fn run(&mut self, world: &mut World) -> Result<Progress, Error> {
        let mut changed = Vec::with_capacity(self.jobs.len());
        for id in &self.jobs {
            changed.push(match world.state(*id) {
                None => Changed::Missing,
                Some(state) if !state.may_become(JobState::Cancelled) => Changed::Illegal(state),
                Some(_) => Changed::Done(self.cancel_with_successors(*id, world)),
            });
        }
        self.changed = changed;
        Ok(Progress::Done)
    }

    fn output(self) -> Vec<Changed> {
        self.changed
    }
}
