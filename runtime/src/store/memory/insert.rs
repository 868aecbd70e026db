//! Submitting jobs.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;

use super::jobs::{Jobs, Place, Record};
use super::seq::Seq;
use crate::model::{Attempt, JobId, JobState, Key};
use crate::store::{Admission, Insertion, KeyHolder, Limits, Lookups, NewJob, Start, admit};

impl Lookups for &Jobs {
    type Error = Infallible;

    fn key_holder(&mut self, key: &Key) -> Result<Option<KeyHolder>, Infallible> {
        let holder = self.idempotency_keys.get(key).map(|seq| &self.records[seq].job);
        let holder = holder.filter(|job| job.state != JobState::Cancelled);
        Ok(holder.map(|job| KeyHolder { id: job.id, name: job.name.clone(), payload: job.payload.clone() }))
    }

    fn state(&mut self, job: JobId) -> Result<Option<JobState>, Infallible> {
        Ok(self.find(job).map(|record| record.job.state))
    }

    fn queued(&mut self, name: &Arc<str>) -> Result<u64, Infallible> {
        Ok(self.counts.queued(name))
    }
}

impl Jobs {
    pub(super) fn admit(&self, jobs: &[NewJob], limits: Limits) -> Admission {
        match admit(jobs.iter(), limits, &mut &*self) {
            Ok(admission) => admission,
            Err(never) => match never {},
        }
    }

    pub(super) fn insert_all(&mut self, jobs: Vec<NewJob>, new: Vec<Insertion>) {
        let mut new = new.into_iter().peekable();
        for (index, mut job) in jobs.into_iter().enumerate() {
            let Some(insertion) = new.next_if(|insertion| insertion.index == index) else { continue };
            if let Some(after) = insertion.after {
                job.after = after;
            }
            self.insert(job, insertion.is_cancelled);
        }
    }

    fn insert(&mut self, new: NewJob, is_cancelled: bool) {
        self.last_seq += 1;
        let seq = self.last_seq;
        let pending = self.not_succeeded(&new.after);
        let state = match &new.start {
            Some(Start::Running(_)) => JobState::Running,
            Some(Start::Held(_)) => JobState::Ready,
            None if is_cancelled => JobState::Cancelled,
            None => JobState::Waiting,
        };

        self.seqs.insert(new.id, seq);
        if let Some(key) = &new.idempotency_key {
            self.idempotency_keys.insert(key.clone(), seq);
        }
        let (mut attempts, mut place) = (Vec::new(), Place::Claimable);
        match &new.start {
            Some(Start::Running(worker)) => {
                attempts = vec![Attempt::begun(1, worker.clone(), new.created_at)];
            }
            Some(Start::Held(worker)) => place = Place::Held(worker.clone(), new.created_at),
            None => {}
        }
        let job = new.into_job(state);
        let record = Record { job, attempts, place, turn: None, pending: 0, successors: BTreeSet::new() };
        self.counts.add(&record.job);
        self.records.insert(seq, Box::new(record));
        if state == JobState::Waiting {
            self.block(seq, &pending);
        } else {
            self.enqueue(seq);
        }
    }

    /// The jobs that have not succeeded, each once.
    fn not_succeeded(&self, ids: &[JobId]) -> BTreeSet<Seq> {
        let seqs = ids.iter().filter_map(|id| self.seqs.get(id)).copied();
        seqs.filter(|seq| self.records[seq].job.state != JobState::Succeeded).collect()
    }

    /// Makes a new job wait for its predecessors and its lane. It becomes ready if neither blocks it.
    fn block(&mut self, seq: Seq, predecessors: &BTreeSet<Seq>) {
        for predecessor in predecessors {
            self.record_mut(*predecessor).successors.insert(seq);
        }
        let Record { job, pending, .. } =
            &mut **self.records.get_mut(&seq).expect("the job was just inserted");
        *pending = predecessors.len();
        if let Some(lane) = &job.spec.order_key {
            self.lanes.enter(lane, seq);
        }
        self.update(seq);
    }
}
