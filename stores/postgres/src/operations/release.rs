//! Taking back an attempt, or a hold.

use enact::JobState;
use enact::store::Release;

use crate::error::Error;
use crate::operation::{Operation, Progress};
use crate::world::{Needs, Stage, World};

/// [`Store::release`](enact::store::Store::release).
pub(crate) struct ReleaseAttempt {
    release: Release,
    was_attempt: bool,
}

impl ReleaseAttempt {
    pub(crate) fn new(release: Release) -> Self {
        Self { release, was_attempt: false }
    }

    /// Returns whether it was that attempt, or that hold.
    fn release(&self, world: &mut World) -> bool {
        let Release { job, worker, number, lapsed, hold } = &self.release;
        let is_attempt = world.live(*job).is_some_and(|live| live.is_attempt(worker.as_str(), *number));
        let is_justified = lapsed.is_none_or(|renewals| world.has_lapsed(worker, renewals));
        if !is_attempt || !is_justified {
            return false;
        }
        let Some(live) = world.live_mut(*job) else { return false };
        match (live.stage, *hold) {
            (Stage::Unreleased, true) => return false,
            (Stage::Held, true) => {}
            (Stage::Unreleased, false) => world.end(*job, JobState::Cancelled),
            (_, true) => (live.stage, live.attempts) = (Stage::Held, number.saturating_sub(1)),
            (_, false) => {
                live.attempts = number.saturating_sub(1);
                let entity = live.entity.take();
                live.leave_worker(Stage::Ready);
                world.leave_entity(entity);
                world.has_work = true;
            }
        }
        true
    }
}

impl Operation for ReleaseAttempt {
    type Output = bool;

    fn needs(&self, needs: &mut Needs) {
        needs.live.insert(self.release.job);
        if self.release.lapsed.is_some() {
            needs.leases.insert(self.release.worker.clone());
        }
    }

    fn run(&mut self, world: &mut World) -> Result<Progress, Error> {
        self.was_attempt = self.release(world);
        Ok(Progress::Done)
    }

    fn output(self) -> bool {
        self.was_attempt
    }
}
