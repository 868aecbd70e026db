//! Retrying failed jobs by hand.

use super::jobs::Jobs;
use super::seq::Seq;
use crate::model::{JobId, JobState};
use crate::store::Changed;

impl Jobs {
    pub(super) fn retry(&mut self, id: JobId) -> Changed {
        let Some(&seq) = self.seqs.get(&id) else { return Changed::Missing };
        let job = &mut self.record_mut(seq).job;
        if job.state != JobState::Failed {
            return Changed::Illegal(job.state);
        }
        job.spent = job.attempts;
        job.ended_at = None;
        self.reenter_lane(seq);
        let state = if self.is_unblocked(seq) { JobState::Ready } else { JobState::Waiting };
        self.transition(seq, state, None);
        Changed::Done(vec![id])
    }

    /// Returns a job to its position in its lane. The first job of the lane becomes the head instead of a later one that is
    /// waiting.
    fn reenter_lane(&mut self, seq: Seq) {
        let Some(lane) = self.records[&seq].job.order_key.clone() else { return };
        let head = self.lanes.head(&lane);
        self.lanes.enter(&lane, seq);
        let Some(head) = head.filter(|head| *head > seq) else { return };
        if self.records[&head].job.state != JobState::Waiting {
            return;
        }
        self.dequeue(head);
        if let Some(first) = self.lanes.reset_head(&lane)
            && first != seq
        {
            self.update(first);
        }
    }
}
