//! Cancelling jobs.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::jobs::{Jobs, Record};
use super::seq::Seq;
use crate::model::{Failure, JobId, JobState};
use crate::store::Changed;

impl Jobs {
    pub(super) fn cancel(&mut self, id: JobId, failure: &Failure, now: Timestamp) -> Changed {
        let Some(&seq) = self.seqs.get(&id) else { return Changed::Missing };
        let state = self.records[&seq].job.state;
        if !state.may_become(JobState::Cancelled) {
            return Changed::Illegal(state);
        }
        let mut cancelled = Vec::new();
        let mut queue = VecDeque::from([seq]);
        while let Some(seq) = queue.pop_front() {
            // A successor of two of the jobs is queued twice.
            if self.records[&seq].job.state.may_become(JobState::Cancelled) {
                queue.extend(self.cancel_one(seq, failure, now));
                cancelled.push(self.records[&seq].job.id);
            }
        }
        Changed::Done(cancelled)
    }

    /// Returns the successors, which must be cancelled too.
    fn cancel_one(&mut self, seq: Seq, failure: &Failure, now: Timestamp) -> Vec<Seq> {
        let Record { job, attempts, .. } = self.record_mut(seq);
        if job.state == JobState::Running
            && let Some(running) = attempts.last_mut()
        {
            running.ended_at = Some(now);
            running.failure = Some(failure.clone());
            job.failure = Some(failure.clone());
        }
        self.end_cancelled(seq, now);
        self.leave_predecessors(seq);
        self.records[&seq].successors.iter().copied().collect()
    }

    /// The job does not wait for its predecessors any more.
    fn leave_predecessors(&mut self, seq: Seq) {
        let Record { job, pending, .. } = self.record_mut(seq);
        *pending = 0;
        for predecessor in job.after.clone() {
            if let Some(&predecessor) = self.seqs.get(&predecessor) {
                self.record_mut(predecessor).successors.remove(&seq);
            }
        }
    }
}
