//! The jobs: what they wait for, and the one way from state to state.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::mem;

use jiff::Timestamp;

use super::lanes::Lanes;
use super::query::Counts;
use super::ready::Ready;
use crate::model::{Attempt, Job, JobId, JobState, Key, WorkerId};
use crate::store::{Claim, Claimed, Next};

/// A job's place in the order of jobs. Counts from 1, and is never given twice.
pub(super) type Place = u64;

#[derive(Debug)]
pub(super) struct Record {
    pub(super) job: Job,
    pub(super) attempts: Vec<Attempt>,
    /// How many of those that it comes after have not succeeded.
    pub(super) awaited: usize,
    /// Those that wait until it has succeeded.
    pub(super) successors: BTreeSet<Place>,
}

/// What is asked for often (which are ready, which are due, which run) is kept in queues that hold live jobs only, so that
/// it costs the same however many have ended.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    pub(super) records: BTreeMap<Place, Record>,
    pub(super) places: HashMap<JobId, Place>,
    pub(super) last_place: Place,
    pub(super) idempotency_keys: HashMap<Key, Place>,
    pub(super) lanes: Lanes,
    pub(super) counts: Counts,
    ready: Ready,
    /// `Waiting` for a time, and for nothing else.
    due: BTreeSet<(Timestamp, Place)>,
    /// `Running`, by worker. A worker that runs nothing is not in it.
    running: HashMap<WorkerId, BTreeSet<Place>>,
    /// Whether a job has become `Ready`, or has come to wait for nothing but a time, since somebody last asked.
    has_work: bool,
}

impl Jobs {
    /// Jobs that are handed out in an order drawn from the seed (r26).
    pub(super) fn shuffled(seed: u64) -> Self {
        Self { ready: Ready::shuffled(seed), ..Self::default() }
    }

    pub(super) fn find(&self, id: JobId) -> Option<&Record> {
        self.places.get(&id).map(|place| &self.records[place])
    }

    pub(super) fn record_mut(&mut self, place: Place) -> &mut Record {
        self.records.get_mut(&place).expect("queues, lanes and successors name places on record only")
    }

    /// The attempt of a job that is under way.
    pub(super) fn under_way(&self, id: JobId) -> Option<(Place, &Attempt)> {
        let place = *self.places.get(&id)?;
        let Record { job, attempts, .. } = &self.records[&place];
        if job.state == JobState::Running { Some((place, attempts.last()?)) } else { None }
    }

    /// Who runs something.
    pub(super) fn workers(&self) -> impl Iterator<Item = &WorkerId> {
        self.running.keys()
    }

    pub(super) fn runs_something(&self, worker: &WorkerId) -> bool {
        self.running.contains_key(worker)
    }

    /// What a worker runs, in the order of record.
    pub(super) fn run_by(&self, worker: &WorkerId) -> impl Iterator<Item = (&Job, &Attempt)> {
        let places = self.running.get(worker).into_iter().flatten();
        let records = places.map(|place| &self.records[place]);
        records.filter_map(|Record { job, attempts, .. }| Some((job, attempts.last()?)))
    }

    /// Whether there is something to claim, or to wait for, that there was not when this was last asked.
    pub(super) fn has_new_work(&mut self) -> bool {
        mem::take(&mut self.has_work)
    }

    pub(super) fn claim(&mut self, claim: &Claim) -> Claimed {
        self.wake(claim.now);
        let mut jobs = Vec::new();
        for place in self.ready.first(claim) {
            jobs.push(self.begin_attempt(place, &claim.worker, claim.now));
        }
        Claimed { jobs, next_due: self.due.first().map(|(due_at, _)| *due_at) }
    }

    /// Makes `Ready` what waited for nothing but a time that has come, no more of it than a call may.
    fn wake(&mut self, now: Timestamp) {
        for _ in 0..Claim::MOST_WOKEN {
            match self.due.first() {
                Some(&(due_at, place)) if due_at <= now => self.pass(place, JobState::Ready, None),
                _ => break,
            }
        }
    }

    fn begin_attempt(&mut self, place: Place, worker: &WorkerId, now: Timestamp) -> Job {
        let Record { job, attempts, .. } = self.record_mut(place);
        job.attempts += 1;
        job.failure = None;
        attempts.push(Attempt::begun(job.attempts, worker.clone(), now));
        self.pass(place, JobState::Running, None);
        self.records[&place].job.clone()
    }

    /// Ends the attempt that is under way.
    pub(super) fn end_attempt(&mut self, place: Place, attempt: Attempt, next: Next) {
        let Record { job, attempts, .. } = self.record_mut(place);
        job.failure.clone_from(&attempt.failure);
        let ended_at = attempt.ended_at;
        if let Some(under_way) = attempts.last_mut() {
            *under_way = attempt;
        }
        match next {
            Next::Succeeded(output) => {
                job.output = Some(output);
                self.end(place, JobState::Succeeded, ended_at);
                self.release_successors(place);
            }
            Next::Failed => self.end(place, JobState::Failed, ended_at),
            Next::Retry(due_at) => self.pass(place, JobState::Waiting, Some(due_at)),
        }
    }

    /// Ends a job, and gives the turn in its lane to the next.
    pub(super) fn end(&mut self, place: Place, state: JobState, ended_at: Option<Timestamp>) {
        self.record_mut(place).job.ended_at = ended_at;
        self.pass(place, state, None);
        if let Some(lane) = &self.records[&place].job.order_key
            && let Some(next) = self.lanes.leave(lane, place)
        {
            self.settle(next);
        }
    }

    /// A job has succeeded: those that come after it need not wait for it any more.
    fn release_successors(&mut self, place: Place) {
        for successor in mem::take(&mut self.record_mut(place).successors) {
            self.record_mut(successor).awaited -= 1;
            self.settle(successor);
        }
    }

    /// Whether a job that is not under way waits for no other job.
    pub(super) fn is_free(&self, place: Place) -> bool {
        let Record { job, awaited, .. } = &self.records[&place];
        *awaited == 0 && job.order_key.as_ref().is_none_or(|lane| self.lanes.has_turn(lane, place))
    }

    /// Looks again at a waiting job, which may have ceased to wait for another.
    pub(super) fn settle(&mut self, place: Place) {
        let job = &self.records[&place].job;
        if job.state == JobState::Waiting && job.due_at.is_none() && self.is_free(place) {
            self.pass(place, JobState::Ready, None);
        } else {
            self.enqueue(place);
        }
    }

    /// The one way from state to state (r20). Only a job that becomes `Waiting` has a time to wait for.
    ///
    /// # Panics
    /// If there is no such way. Every caller knows that there is: no job changes its state by another.
    pub(super) fn pass(&mut self, place: Place, next: JobState, due_at: Option<Timestamp>) {
        self.dequeue(place);
        let job = &mut self.records.get_mut(&place).expect("the place is on record").job;
        assert!(job.state.may_become(next), "a job that is {} may not become {next}", job.state);
        self.counts.remove(job);
        job.state = next;
        job.due_at = due_at;
        self.counts.add(job);
        self.enqueue(place);
    }

    /// Puts a job into the queue of its state.
    pub(super) fn enqueue(&mut self, place: Place) {
        let Record { job, attempts, .. } = &self.records[&place];
        match (job.state, job.due_at) {
            (JobState::Waiting, Some(due_at)) if self.is_free(place) => {
                self.has_work |= self.due.insert((due_at, place));
            }
            (JobState::Ready, _) => {
                self.ready.insert(job, place);
                self.has_work = true;
            }
            (JobState::Running, _) => {
                if let Some(attempt) = attempts.last() {
                    self.running.entry(attempt.worker.clone()).or_default().insert(place);
                }
            }
            _ => {}
        }
    }

    /// Takes a job out of the queue of its state.
    pub(super) fn dequeue(&mut self, place: Place) {
        let Record { job, attempts, .. } = &self.records[&place];
        match (job.state, job.due_at) {
            (JobState::Waiting, Some(due_at)) => _ = self.due.remove(&(due_at, place)),
            (JobState::Ready, _) => self.ready.remove(job, place),
            (JobState::Running, _) => {
                if let Some(attempt) = attempts.last()
                    && let Some(places) = self.running.get_mut(&attempt.worker)
                {
                    places.remove(&place);
                    if places.is_empty() {
                        self.running.remove(&attempt.worker);
                    }
                }
            }
            _ => {}
        }
    }
}
