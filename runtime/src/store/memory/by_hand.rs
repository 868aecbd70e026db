//! What people do to jobs: calling them off (r24), letting them run again (r22), deleting them.

use std::collections::VecDeque;
use std::ops::Bound;

use jiff::Timestamp;

use super::jobs::{Jobs, Place, Record};
use crate::model::{Failure, JobId, JobState};
use crate::store::{Changed, PageToken, Prune, Pruned};

impl Jobs {
    pub(super) fn cancel(&mut self, id: JobId, failure: &Failure, now: Timestamp) -> Changed {
        let Some(&place) = self.places.get(&id) else { return Changed::Missing };
        let state = self.records[&place].job.state;
        if !state.may_become(JobState::Cancelled) {
            return Changed::Illegal(state);
        }
        let mut cancelled = Vec::new();
        let mut left = VecDeque::from([place]);
        while let Some(place) = left.pop_front() {
            // Two of its predecessors may be called off at once.
            if self.records[&place].job.state.may_become(JobState::Cancelled) {
                left.extend(self.cancel_one(place, failure, now));
                cancelled.push(self.records[&place].job.id);
            }
        }
        Changed::Done(cancelled)
    }

    /// Calls one job off. Answers which ones wait for it, and must be called off, too.
    fn cancel_one(&mut self, place: Place, failure: &Failure, now: Timestamp) -> Vec<Place> {
        let Record { job, attempts, .. } = self.record_mut(place);
        if job.state == JobState::Running
            && let Some(under_way) = attempts.last_mut()
        {
            under_way.ended_at = Some(now);
            under_way.failure = Some(failure.clone());
            job.failure = Some(failure.clone());
        }
        self.end(place, JobState::Cancelled, Some(now));
        self.waits_no_more(place);
        self.records[&place].successors.iter().copied().collect()
    }

    /// Forgets what a job waited for that will not run.
    fn waits_no_more(&mut self, place: Place) {
        let Record { job, awaited, .. } = self.record_mut(place);
        *awaited = 0;
        for predecessor in job.after.clone() {
            if let Some(&predecessor) = self.places.get(&predecessor) {
                self.record_mut(predecessor).successors.remove(&place);
            }
        }
    }

    pub(super) fn retry(&mut self, id: JobId) -> Changed {
        let Some(&place) = self.places.get(&id) else { return Changed::Missing };
        let job = &mut self.record_mut(place).job;
        if job.state != JobState::Failed {
            return Changed::Illegal(job.state);
        }
        job.spent = job.attempts;
        job.ended_at = None;
        self.stand_again(place);
        let state = if self.is_free(place) { JobState::Ready } else { JobState::Waiting };
        self.pass(place, state, None);
        Changed::Done(vec![id])
    }

    /// Lets a job stand where it stood in its lane. The turn is taken from one behind it that only waits (r26).
    fn stand_again(&mut self, place: Place) {
        let Some(lane) = self.records[&place].job.order_key.clone() else { return };
        let before = self.lanes.turn(&lane);
        self.lanes.enter(&lane, place);
        let Some(before) = before.filter(|before| *before > place) else { return };
        if self.records[&before].job.state != JobState::Waiting {
            return;
        }
        self.dequeue(before);
        if let Some(first) = self.lanes.restart(&lane)
            && first != place
        {
            self.settle(first);
        }
    }

    pub(super) fn prune(&mut self, prune: &Prune) -> Pruned {
        let behind = prune.after.map_or(0, PageToken::as_u64);
        let mut old = self
            .records
            .range((Bound::Excluded(behind), Bound::Unbounded))
            .take_while(|(_, record)| !prune.ends_at(record.job.created_at));
        let (mut last, mut doomed) = (behind, Vec::new());
        for (place, record) in old.by_ref().take(prune.limit) {
            last = *place;
            if is_named(prune, record) {
                doomed.push(*place);
            }
        }
        let next = old.next().map(|_| PageToken::from_u64(last));
        for place in &doomed {
            self.delete(*place);
        }
        Pruned { deleted: doomed.len() as u64, next }
    }

    /// Deletes a job that has ended, and that nobody waits for.
    fn delete(&mut self, place: Place) {
        let Some(Record { job, .. }) = self.records.remove(&place) else { return };
        self.counts.remove(&job);
        self.places.remove(&job.id);
        if let Some(key) = &job.idempotency_key {
            self.idempotency_keys.remove(key);
        }
    }
}

fn is_named(prune: &Prune, Record { job, successors, .. }: &Record) -> bool {
    successors.is_empty() && job.ended_at.is_some_and(|ended_at| prune.names(job.state, ended_at))
}
