//! The jobs: what blocks them, and their transitions.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::mem;

use jiff::Timestamp;

use super::counts::Counts;
use super::lanes::Lanes;
use super::ready::Ready;
use super::seq::Seq;
use crate::model::{Attempt, Job, JobId, JobState, Key, WorkerId};
use crate::store::{Claim, Claimed, LateEffects, NewDue, Next};

#[derive(Debug)]
pub(super) struct Record {
    pub(super) job: Job,
    pub(super) attempts: Vec<Attempt>,
    /// The number of its predecessors that have not succeeded.
    pub(super) pending: usize,
    /// The jobs that wait until it has succeeded.
    pub(super) successors: BTreeSet<Seq>,
}

/// The ready, due and running jobs are kept in queues, so that the cost of a call does not grow with the jobs that have ended.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    pub(super) records: BTreeMap<Seq, Record>,
    pub(super) seqs: HashMap<JobId, Seq>,
    pub(super) last_seq: Seq,
    pub(super) idempotency_keys: HashMap<Key, Seq>,
    pub(super) lanes: Lanes,
    pub(super) counts: Counts,
    ready: Ready,
    /// The jobs that wait for a time only.
    due: BTreeSet<(Timestamp, Seq)>,
    /// The running jobs of each worker that has any.
    running: HashMap<WorkerId, BTreeSet<Seq>>,
    /// Whether a job has become ready or due-only since this was last taken.
    has_work: bool,
}

impl Jobs {
    /// Jobs of equal priority are claimed in an order that depends on the seed.
    pub(super) fn shuffled(seed: u64) -> Self {
        Self { ready: Ready::shuffled(seed), ..Self::default() }
    }

    pub(super) fn find(&self, id: JobId) -> Option<&Record> {
        self.seqs.get(&id).map(|seq| &self.records[seq])
    }

    pub(super) fn record_mut(&mut self, seq: Seq) -> &mut Record {
        self.records.get_mut(&seq).expect("queues, lanes and successors hold stored jobs only")
    }

    /// The running attempt of a job.
    pub(super) fn running_attempt(&self, id: JobId) -> Option<(Seq, &Attempt)> {
        let seq = *self.seqs.get(&id)?;
        let Record { job, attempts, .. } = &self.records[&seq];
        if job.state == JobState::Running { Some((seq, attempts.last()?)) } else { None }
    }

    pub(super) fn add_late_effects(&mut self, late: LateEffects) {
        let record = self.seqs.get(&late.job).and_then(|seq| self.records.get_mut(seq));
        let attempts = record.into_iter().flat_map(|record| &mut record.attempts);
        for attempt in attempts.filter(|attempt| attempt.number == late.attempt && attempt.ended_at.is_some())
        {
            attempt.late_effects = attempt.late_effects.saturating_add(late.count);
        }
    }

    /// The workers that have running jobs.
    pub(super) fn workers(&self) -> impl Iterator<Item = &WorkerId> {
        self.running.keys()
    }

    pub(super) fn has_running(&self, worker: &WorkerId) -> bool {
        self.running.contains_key(worker)
    }

    /// The running jobs of a worker, by sequence number.
    pub(super) fn running_of(&self, worker: &WorkerId) -> impl Iterator<Item = (&Job, &Attempt)> {
        let seqs = self.running.get(worker).into_iter().flatten();
        let records = seqs.map(|seq| &self.records[seq]);
        records.filter_map(|Record { job, attempts, .. }| Some((job, attempts.last()?)))
    }

    /// Whether there is a job to claim, or a time to wait for, that was not there at the previous call.
    pub(super) fn take_has_work(&mut self) -> bool {
        mem::take(&mut self.has_work)
    }

    pub(super) fn claim(&mut self, claim: &Claim) -> Claimed {
        self.wake(claim.now);
        let mut jobs = Vec::new();
        for seq in self.ready.first(claim) {
            jobs.push(self.begin_attempt(seq, &claim.worker, claim.now));
        }
        Claimed { jobs, next_due: self.due.first().map(|(due_at, _)| *due_at) }
    }

    /// Makes due jobs ready, at most [`Claim::MAX_WOKEN`].
    fn wake(&mut self, now: Timestamp) {
        for _ in 0..Claim::MAX_WOKEN {
            match self.due.first() {
                Some(&(due_at, seq)) if due_at <= now => self.transition(seq, JobState::Ready, None),
                _ => break,
            }
        }
    }

    fn begin_attempt(&mut self, seq: Seq, worker: &WorkerId, now: Timestamp) -> Job {
        let Record { job, attempts, .. } = self.record_mut(seq);
        job.attempts += 1;
        job.failure = None;
        attempts.push(Attempt::begun(job.attempts, worker.clone(), now));
        self.transition(seq, JobState::Running, None);
        self.records[&seq].job.clone()
    }

    /// Ends the running attempt.
    pub(super) fn end_attempt(&mut self, seq: Seq, attempt: Attempt, next: Next) {
        let Record { job, attempts, .. } = self.record_mut(seq);
        job.failure.clone_from(&attempt.failure);
        let ended_at = attempt.ended_at;
        if let Some(running) = attempts.last_mut() {
            *running = attempt;
        }
        match next {
            Next::Succeeded(output) => {
                job.output = Some(output);
                self.end(seq, JobState::Succeeded, ended_at);
                self.release_successors(seq);
            }
            Next::Failed => self.end(seq, JobState::Failed, ended_at),
            Next::Retry(due_at) => self.transition(seq, JobState::Waiting, Some(due_at)),
        }
    }

    /// Ends a job. The next job of its lane becomes the head.
    pub(super) fn end(&mut self, seq: Seq, state: JobState, ended_at: Option<Timestamp>) {
        self.record_mut(seq).job.ended_at = ended_at;
        self.transition(seq, state, None);
        if let Some(lane) = &self.records[&seq].job.order_key
            && let Some(next) = self.lanes.leave(lane, seq)
        {
            self.update(next);
        }
    }

    /// Unblocks the successors of a job that has succeeded.
    fn release_successors(&mut self, seq: Seq) {
        for successor in mem::take(&mut self.record_mut(seq).successors) {
            self.record_mut(successor).pending -= 1;
            self.update(successor);
        }
    }

    /// Whether no other job blocks this one.
    pub(super) fn is_unblocked(&self, seq: Seq) -> bool {
        let Record { job, pending, .. } = &self.records[&seq];
        *pending == 0 && job.order_key.as_ref().is_none_or(|lane| self.lanes.is_head(lane, seq))
    }

    /// Updates a waiting job after a blocker may have ended.
    pub(super) fn update(&mut self, seq: Seq) {
        let job = &self.records[&seq].job;
        if job.state == JobState::Waiting && job.due_at.is_none() && self.is_unblocked(seq) {
            self.transition(seq, JobState::Ready, None);
        } else {
            self.enqueue(seq);
        }
    }

    /// Changes the time that a job waits for.
    pub(super) fn change_due(&mut self, due: &NewDue) {
        let Some(&seq) = self.seqs.get(&due.job) else { return };
        if self.records[&seq].job.due_at == Some(due.from) {
            self.dequeue(seq);
            self.record_mut(seq).job.due_at = Some(due.to);
            self.enqueue(seq);
        }
    }

    /// The only function that changes a state. Only a job that becomes `Waiting` has a time to wait for.
    ///
    /// # Panics
    /// If the transition is not legal, which callers rule out.
    pub(super) fn transition(&mut self, seq: Seq, next: JobState, due_at: Option<Timestamp>) {
        self.dequeue(seq);
        let job = &mut self.records.get_mut(&seq).expect("the job is stored").job;
        assert!(job.state.may_become(next), "illegal transition from {} to {next}", job.state);
        self.counts.remove(job);
        job.state = next;
        job.due_at = due_at;
        self.counts.add(job);
        self.enqueue(seq);
    }

    /// Adds a job to the queue of its state.
    pub(super) fn enqueue(&mut self, seq: Seq) {
        let Record { job, attempts, .. } = &self.records[&seq];
        match (job.state, job.due_at) {
            (JobState::Waiting, Some(due_at)) if self.is_unblocked(seq) => {
                self.has_work |= self.due.insert((due_at, seq));
            }
            (JobState::Ready, _) => {
                self.ready.insert(job, seq);
                self.has_work = true;
            }
            (JobState::Running, _) => {
                if let Some(attempt) = attempts.last() {
                    self.running.entry(attempt.worker.clone()).or_default().insert(seq);
                }
            }
            _ => {}
        }
    }

    /// Removes a job from the queue of its state.
    pub(super) fn dequeue(&mut self, seq: Seq) {
        let Record { job, attempts, .. } = &self.records[&seq];
        match (job.state, job.due_at) {
            (JobState::Waiting, Some(due_at)) => _ = self.due.remove(&(due_at, seq)),
            (JobState::Ready, _) => self.ready.remove(job, seq),
            (JobState::Running, _) => {
                if let Some(attempt) = attempts.last()
                    && let Some(seqs) = self.running.get_mut(&attempt.worker)
                {
                    seqs.remove(&seq);
                    if seqs.is_empty() {
                        self.running.remove(&attempt.worker);
                    }
                }
            }
            _ => {}
        }
    }
}
