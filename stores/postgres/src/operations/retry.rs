//! Retrying failed jobs by hand.

use enact::store::Changed;
use enact::{JobId, JobState};

use crate::error::Error;
use crate::operation::{Operation, Progress};
use crate::world::{Needs, World};

/// [`Store::retry`](enact::store::Store::retry).
pub(crate) struct RetryJobs {
    jobs: Vec<JobId>,
    changed: Vec<Changed>,
}

impl RetryJobs {
    pub(crate) fn new(jobs: Vec<JobId>) -> Self {
        Self { jobs, changed: Vec::new() }
    }

    fn rest(&self) -> &[JobId] {
        self.jobs.get(self.changed.len()..).unwrap_or_default()
    }
}

impl Operation for RetryJobs {
    type Output = Vec<Changed>;

    fn needs(&self, needs: &mut Needs) {
        needs.jobs.extend(self.rest());
        needs.live.extend(self.rest());
    }

    fn is_alone(&self) -> bool {
        true
    }

    /// A job of a lane returns to it before the next one does, because it may become its head.
    fn run(&mut self, world: &mut World) -> Result<Progress, Error> {
        while let Some(id) = self.rest().first().copied() {
            let changed = match (world.state(id), world.found(id).cloned()) {
                (None, _) | (_, None) => Changed::Missing,
                (Some(state), _) if !state.may_become(JobState::Ready) || !state.has_ended() => {
                    Changed::Illegal(state)
                }
                (Some(_), Some(found)) => {
                    world.reopen(id, &found);
                    if found.order_key.is_some() {
                        self.changed.push(Changed::Done(vec![id]));
                        return Ok(Progress::Again);
                    }
                    Changed::Done(vec![id])
                }
            };
            self.changed.push(changed);
        }
        Ok(Progress::Done)
    }

    fn refused(&mut self) {
        self.changed.clear();
    }

    fn output(self) -> Vec<Changed> {
        self.changed
    }
}
