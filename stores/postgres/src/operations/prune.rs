//! Deleting ended jobs.

use enact::JobId;
use enact::store::Prune;

use crate::error::Error;
use crate::operation::{Operation, Progress};
use crate::world::{Needs, World};

/// The second half of [`Store::prune`](enact::store::Store::prune): deletes the jobs that
/// [`prunable`](crate::queries::prunable) has found, as far as they may still be deleted.
pub(crate) struct PruneJobs {
    prune: Prune,
    jobs: Vec<JobId>,
    deleted: u64,
}

impl PruneJobs {
    pub(crate) fn new(prune: Prune, jobs: Vec<JobId>) -> Self {
        Self { prune, jobs, deleted: 0 }
    }
}

impl Operation for PruneJobs {
    type Output = u64;

    fn needs(&self, needs: &mut Needs) {
        needs.pruned.extend(&self.jobs);
    }

    fn is_alone(&self) -> bool {
        true
    }

    fn run(&mut self, world: &mut World) -> Result<Progress, Error> {
        self.deleted = 0;
        for id in &self.jobs {
            // Meanwhile it may have been retried or deleted, or another job may wait for it.
            let end = world.prunable(*id);
            if end.is_some_and(|(state, ended_at)| self.prune.matches(state, ended_at)) {
                world.prune(*id);
                self.deleted += 1;
            }
        }
        Ok(Progress::Done)
    }

    fn output(self) -> u64 {
        self.deleted
    }
}
