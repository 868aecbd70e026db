use std::collections::VecDeque;

use enact::store::{Changed, StoreError};
use enact::{Failure, JobId, JobState};
use jiff::Timestamp;

use crate::encode::json;
use crate::error::Error;
use crate::operation::Operation;
use crate::statements::Statements;
use crate::statements::live_jobs::Cancelled;

/// [`Store::cancel`](enact::store::Store::cancel).
pub(crate) struct CancelJobs {
    jobs: Vec<JobId>,
    failure: String,
    now: Timestamp,
}

impl CancelJobs {
    pub(crate) fn new(jobs: Vec<JobId>, failure: &Failure, now: Timestamp) -> Result<Self, StoreError> {
        Ok(Self { jobs, failure: json("the failure of a cancelled attempt", failure)?, now })
    }

    /// Cancels a job and all its successors. Returns their ids, its own first.
    fn cancel_with_successors(&self, seq: i64, statements: &mut Statements<'_>) -> Result<Vec<JobId>, Error> {
        let Statements { specs, live, attempts, turns, cache, .. } = statements;
        let mut cancelled = Vec::new();
        let mut queue = VecDeque::from([seq]);
        while let Some(seq) = queue.pop_front() {
            // A successor whose spec was deleted by hand is not there any more.
            let Some(keys) = specs.keys(seq)? else { continue };
            // A successor of two of the jobs is queued twice.
            let Some(was) = live.cancel(seq, &keys)? else { continue };
            live.insert_cancelled(seq, keys.name, self.now)?;
            cache.remove_job(seq, keys.id);
            if keys.has_predecessors {
                live.delete_predecessors(seq)?;
            }
            queue.extend(live.successors(seq)?);
            live.delete_successors(seq)?;
            let was_lane_head = match was {
                Cancelled::Running(attempt) => {
                    if attempt.has_begun {
                        attempts.insert_aborted(seq, &attempt, self.now, &self.failure)?;
                    }
                    // Its lane and the turn of its entity pass on when it is released.
                    None
                }
                Cancelled::Ready { promoted } => {
                    if let Some(entity) = promoted {
                        turns.demote(&entity, keys.name)?;
                    }
                    Some(true)
                }
                Cancelled::Waiting { was_lane_head } => Some(was_lane_head),
            };
            if let Some(was_lane_head) = was_lane_head
                && let Some(lane) = live.lane_of_head(seq, keys.order_key, &keys.unreadable)?
            {
                live.leave_lane(&lane, seq, was_lane_head)?;
            }
            cancelled.push(keys.id);
        }
        Ok(cancelled)
    }
}

impl Operation for CancelJobs {
    type Output = Vec<Changed>;

    fn run(&self, statements: &mut Statements<'_>) -> Result<Vec<Changed>, Error> {
        let cancel = |id: &JobId| {
            Ok(match statements.live.find(*id)? {
                None => Changed::Missing,
                Some((_, state)) if !state.may_become(JobState::Cancelled) => Changed::Illegal(state),
                Some((seq, _)) => Changed::Done(self.cancel_with_successors(seq, statements)?),
            })
        };
        self.jobs.iter().map(cancel).collect()
    }
}
