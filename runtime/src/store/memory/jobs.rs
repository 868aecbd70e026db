//! The jobs: what blocks them, and their transitions.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use jiff::Timestamp;

use super::counts::Counts;
use super::lanes::Lanes;
use super::ready::Ready;
use super::seq::Seq;
use super::turns::Turns;
use crate::model::{Attempt, FastMap, Job, JobId, JobState, Key, WorkerId};
use crate::store::{
    Batch, Begin, Claim, Claimable, Claimed, EntityKey, LateEffects, NewDue, Next, Release, RunningJob,
};

#[derive(Debug)]
pub(super) struct Record {
    pub(super) job: Job,
    pub(super) attempts: Vec<Attempt>,
    /// Where it is while it is ready, or cancelled.
    pub(super) place: Place,
    /// The entity whose turn it has.
    pub(super) turn: Option<EntityKey>,
    /// The number of its predecessors that have not succeeded.
    pub(super) pending: usize,
    /// The jobs that wait until it has succeeded.
    pub(super) successors: BTreeSet<Seq>,
}

/// Where a ready or cancelled job is.
#[derive(Debug, Default)]
pub(super) enum Place {
    /// Among the jobs that can be claimed.
    #[default]
    Claimable,
    /// In line for its entity.
    InLine(EntityKey),
    /// Among the jobs that can be claimed, the first of its name that was in line for its entity.
    Promoted(EntityKey),
    /// Held by a worker since this time.
    Held(WorkerId, Timestamp),
    /// Cancelled: this attempt of a worker has not been released. The job keeps its lane and its turn.
    Unreleased { worker: WorkerId, number: u32, since: Timestamp },
}

impl Record {
    pub(super) fn is_unreleased(&self) -> bool {
        matches!(self.place, Place::Unreleased { .. })
    }
}

/// The ready, due and running jobs are kept in queues, so that the cost of a call does not grow with the jobs that have ended.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    /// Boxed: a node of the tree has room for eleven, and is half full when keys only increase.
    pub(super) records: BTreeMap<Seq, Box<Record>>,
    pub(super) seqs: FastMap<JobId, Seq>,
    pub(super) last_seq: Seq,
    /// The last job of each key. It has the key, unless it is cancelled.
    pub(super) idempotency_keys: FastMap<Key, Seq>,
    pub(super) lanes: Lanes,
    pub(super) counts: Counts,
    ready: Ready,
    /// The jobs that wait for a time only.
    due: BTreeSet<(Timestamp, Seq)>,
    pub(super) turns: Turns,
    /// The jobs that each worker runs, holds or has not released.
    running: FastMap<WorkerId, BTreeSet<Seq>>,
    /// Whether a job has become ready or due-only since this was last taken.
    has_work: bool,
}

impl Jobs {
    /// Jobs of equal priority are claimed in an order that depends on the seed.
    pub(super) fn shuffled(seed: u64) -> Self {
        Self { ready: Ready::shuffled(seed), ..Self::default() }
    }

    pub(super) fn find(&self, id: JobId) -> Option<&Record> {
        self.seqs.get(&id).map(|seq| &*self.records[seq])
    }

    pub(super) fn record_mut(&mut self, seq: Seq) -> &mut Record {
        self.records.get_mut(&seq).expect("queues, lanes and successors hold stored jobs only")
    }

    /// The running attempt of a job.
    pub(super) fn running_attempt(&self, id: JobId) -> Option<(Seq, &Attempt)> {
        let seq = *self.seqs.get(&id)?;
        let Record { job, attempts, .. } = &*self.records[&seq];
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

    /// The workers that run, hold or have not released jobs.
    pub(super) fn workers(&self) -> impl Iterator<Item = &WorkerId> {
        self.running.keys()
    }

    pub(super) fn has_running(&self, worker: &WorkerId) -> bool {
        self.running.contains_key(worker)
    }

    /// The jobs that a worker runs, holds or has not released, by sequence number.
    pub(super) fn running_of(&self, worker: &WorkerId) -> impl Iterator<Item = RunningJob> {
        let seqs = self.running.get(worker).into_iter().flatten();
        seqs.filter_map(|seq| {
            let Record { job, place, .. } = &*self.records[seq];
            let mut job = job.clone();
            if let Place::Unreleased { number, .. } = place {
                job.attempts = *number;
            }
            Some(RunningJob { job, worker: worker.clone(), started_at: self.since(*seq)? })
        })
    }

    /// Since when a worker runs or holds a job, or did when it was cancelled.
    fn since(&self, seq: Seq) -> Option<Timestamp> {
        let Record { job, attempts, place, .. } = &*self.records[&seq];
        match place {
            Place::Unreleased { since, .. } => Some(*since),
            Place::Held(_, since) if job.state == JobState::Ready => Some(*since),
            _ => attempts.last().map(|attempt| attempt.started_at),
        }
    }

    /// Whether there is a job to claim, or a time to wait for, that was not there at the previous call.
    pub(super) fn take_has_work(&mut self) -> bool {
        mem::take(&mut self.has_work)
    }

    pub(super) fn claim(&mut self, claim: &Claim) -> Claimed {
        self.wake(claim.now);
        let mut claimed =
            Claimed { jobs: Vec::new(), batches: Vec::new(), unreadable: Vec::new(), next_due: None };
        let mut room = claim.room.clone();
        let mut put_in_line = 0;
        for (queue, room) in room.iter_mut().enumerate() {
            while *room > 0
                && put_in_line < Claim::MAX_WOKEN
                && let Some(seq) = self.ready.first(claim, queue)
            {
                if self.take_turn(seq, claim) {
                    claimed.jobs.push(self.begin_attempt(seq, &claim.worker, claim.now));
                    *room -= 1;
                } else {
                    put_in_line += 1;
                }
            }
        }
        // Afterwards, since jobs of other queues may have been put in line.
        for job in &claimed.jobs {
            let Some(Claimable { queue, .. }) = claim.names.get(&job.name).copied() else { continue };
            let jobs = self.claim_behind(job, queue, claim, room[queue].min(claim.batch));
            room[queue] -= jobs.len();
            if !jobs.is_empty() {
                claimed.batches.push(Batch { first: job.id, jobs });
            }
        }
        claimed.next_due = if put_in_line == Claim::MAX_WOKEN {
            Some(claim.now)
        } else {
            self.due.first().map(|(due_at, _)| *due_at)
        };
        claimed
    }

    /// Lets the worker hold the first jobs in line for the entity whose turn a job has taken, as far as they belong to its batch.
    fn claim_behind(&mut self, first: &Job, queue: usize, claim: &Claim, limit: usize) -> Vec<Job> {
        if limit == 0 {
            return Vec::new();
        }
        let turn = self.seqs.get(&first.id).and_then(|seq| self.records[seq].turn.clone());
        let Some(entity) = turn else { return Vec::new() };
        let expected = Claimable { queue, entity: Some(entity.entity) };
        let mut jobs = Vec::new();
        for seq in self.turns.first_in_line(&entity, limit) {
            if claim.names.get(&self.records[&seq].job.name) != Some(&expected) {
                break;
            }
            self.turns.share(&entity);
            self.move_to(seq, Place::Held(claim.worker.clone(), claim.now));
            let record = self.record_mut(seq);
            record.turn = Some(entity.clone());
            jobs.push(Job { failure: None, ..record.job.clone() });
        }
        jobs
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

    /// Takes the turn of the job's entity, or puts the job in line for it. Returns whether the job may begin.
    fn take_turn(&mut self, seq: Seq, claim: &Claim) -> bool {
        let job = &self.records[&seq].job;
        let entity = claim.names.get(&job.name).and_then(|claimable| claimable.entity);
        let (Some(entity), Some(id)) = (entity, job.target.clone()) else { return true };
        let key = EntityKey { entity, id };
        if self.turns.take(&key) {
            self.record_mut(seq).turn = Some(key);
            return true;
        }
        self.move_to(seq, Place::InLine(key));
        false
    }

    /// Moves a ready job to another place.
    fn move_to(&mut self, seq: Seq, place: Place) {
        self.dequeue(seq);
        self.record_mut(seq).place = place;
        self.enqueue(seq);
    }

    /// Ends the turn of a job, if it has one.
    fn end_turn(&mut self, seq: Seq) {
        let Some(entity) = self.record_mut(seq).turn.take() else { return };
        for (.., promoted) in self.turns.end(&entity) {
            self.move_from_line(promoted, &entity);
        }
    }

    /// The job has just left the line.
    fn move_from_line(&mut self, seq: Seq, entity: &EntityKey) {
        self.record_mut(seq).place = Place::Promoted(entity.clone());
        self.enqueue(seq);
    }

    /// As [`Store::begin`](crate::store::Store::begin).
    pub(super) fn begin(&mut self, begin: &Begin) -> bool {
        let Some(&seq) = self.seqs.get(&begin.job) else { return false };
        let is_held = self.is_held(seq, &begin.worker, begin.number);
        if is_held {
            self.begin_attempt(seq, &begin.worker, begin.now);
        }
        is_held
    }

    /// Whether a worker holds a job, and would begin this attempt next.
    fn is_held(&self, seq: Seq, by: &WorkerId, number: u32) -> bool {
        let Record { job, place, .. } = &*self.records[&seq];
        job.state == JobState::Ready
            && matches!(place, Place::Held(worker, _) if worker == by)
            && job.attempts + 1 == number
    }

    /// As [`Store::release`](crate::store::Store::release), if a rescue is justified.
    pub(super) fn release(&mut self, release: &Release) -> bool {
        let Release { job, worker, number, hold, .. } = release;
        let Some(&seq) = self.seqs.get(job) else { return false };
        if let Place::Unreleased { worker: by, number: unreleased, .. } = &self.records[&seq].place {
            let is_it = by == worker && unreleased == number && !hold;
            if is_it {
                self.move_to(seq, Place::Claimable);
                self.end_turn(seq);
                self.leave_lane(seq);
            }
            return is_it;
        }
        let is_running = self
            .running_attempt(*job)
            .is_some_and(|(_, running)| running.number == *number && running.worker == *worker);
        if !is_running && !self.is_held(seq, worker, *number) {
            return false;
        }
        let place = match self.since(seq) {
            Some(since) if *hold => Place::Held(worker.clone(), since),
            _ => Place::Claimable,
        };
        if is_running {
            self.record_mut(seq).place = place;
            self.transition(seq, JobState::Ready, None);
            let Record { job, attempts, .. } = self.record_mut(seq);
            attempts.pop();
            job.attempts -= 1;
            job.failure = attempts.last().and_then(|attempt| attempt.failure.clone());
        } else {
            self.move_to(seq, place);
        }
        if !hold {
            self.end_turn(seq);
        }
        true
    }

    fn begin_attempt(&mut self, seq: Seq, worker: &WorkerId, now: Timestamp) -> Job {
        let Record { job, attempts, .. } = self.record_mut(seq);
        job.attempts += 1;
        job.failure = None;
        if attempts.is_empty() {
            // Most jobs have one attempt.
            attempts.reserve_exact(1);
        }
        attempts.push(Attempt::begun(job.attempts, worker.clone(), now));
        self.transition(seq, JobState::Running, None);
        let Record { job, place, .. } = self.record_mut(seq);
        *place = Place::Claimable;
        job.clone()
    }

    /// Ends the running attempt.
    pub(super) fn end_attempt(&mut self, seq: Seq, attempt: Attempt, next: Next) {
        if let Next::PutBack(due_at) = next {
            return self.put_back(seq, due_at);
        }
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
            Next::Retry(due_at) | Next::PutBack(due_at) => {
                self.transition(seq, JobState::Waiting, Some(due_at));
            }
        }
    }

    /// Puts a job back whose attempt has not begun.
    fn put_back(&mut self, seq: Seq, due_at: Timestamp) {
        self.transition(seq, JobState::Waiting, Some(due_at));
        let Record { job, attempts, .. } = self.record_mut(seq);
        attempts.pop();
        job.attempts = job.attempts.saturating_sub(1);
        job.failure = attempts.last().and_then(|attempt| attempt.failure.clone());
    }

    /// Cancels a job. If a worker runs or holds it, it keeps its lane and its turn until it is released.
    pub(super) fn end_cancelled(&mut self, seq: Seq, now: Timestamp) {
        let Record { job, attempts, place, .. } = &*self.records[&seq];
        let holder = match (job.state, place) {
            (JobState::Running, _) => attempts.last().map(|attempt| (&attempt.worker, attempt.number)),
            (JobState::Ready, Place::Held(worker, _)) => Some((worker, job.attempts + 1)),
            _ => None,
        };
        let unreleased = holder.zip(self.since(seq)).map(|((worker, number), since)| Place::Unreleased {
            worker: worker.clone(),
            number,
            since,
        });
        if let Some(unreleased) = unreleased {
            self.dequeue(seq);
            self.record_mut(seq).place = unreleased;
        }
        self.end(seq, JobState::Cancelled, Some(now));
    }

    /// Ends a job. The next job of its lane becomes the head.
    pub(super) fn end(&mut self, seq: Seq, state: JobState, ended_at: Option<Timestamp>) {
        let record = self.record_mut(seq);
        record.job.ended_at = ended_at;
        let is_unreleased = record.is_unreleased();
        self.transition(seq, state, None);
        if !is_unreleased {
            self.leave_lane(seq);
        }
    }

    fn leave_lane(&mut self, seq: Seq) {
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
        let Record { job, pending, .. } = &*self.records[&seq];
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
        let record = self.records.get_mut(&seq).expect("the job is stored");
        let is_unreleased = record.is_unreleased();
        let job = &mut record.job;
        assert!(job.state.may_become(next), "illegal transition from {} to {next}", job.state);
        self.counts.remove(job);
        job.state = next;
        job.due_at = due_at;
        self.counts.add(job);
        self.enqueue(seq);
        if !matches!(next, JobState::Ready | JobState::Running) && !is_unreleased {
            self.end_turn(seq);
        }
    }

    /// Adds a job to the queue of its state.
    pub(super) fn enqueue(&mut self, seq: Seq) {
        let Record { job, attempts, place, .. } = &*self.records[&seq];
        match (job.state, job.due_at) {
            (JobState::Waiting, Some(due_at)) if self.is_unblocked(seq) => {
                self.has_work |= self.due.insert((due_at, seq));
            }
            (JobState::Ready, _) => match place {
                Place::Claimable | Place::Promoted(_) => {
                    self.ready.insert(job, seq);
                    self.has_work = true;
                }
                Place::InLine(entity) => self.turns.enter(entity, &job.spec.name, self.ready.order(job, seq)),
                Place::Held(worker, _) => insert_running(&mut self.running, worker, seq),
                Place::Unreleased { .. } => {}
            },
            (JobState::Cancelled, _) => {
                if let Place::Unreleased { worker, .. } = place {
                    insert_running(&mut self.running, worker, seq);
                }
            }
            (JobState::Running, _) => {
                if let Some(attempt) = attempts.last() {
                    insert_running(&mut self.running, &attempt.worker, seq);
                }
            }
            _ => {}
        }
    }

    /// Removes a job from the queue of its state.
    pub(super) fn dequeue(&mut self, seq: Seq) {
        let Record { job, attempts, place, .. } = &*self.records[&seq];
        match (job.state, job.due_at, place) {
            (JobState::Waiting, Some(due_at), _) => _ = self.due.remove(&(due_at, seq)),
            (JobState::Ready, _, Place::Claimable) => self.ready.remove(job, seq),
            (JobState::Ready, _, Place::InLine(entity)) => {
                self.turns.leave(entity, &job.spec.name, self.ready.order(job, seq));
            }
            (JobState::Ready, _, Place::Promoted(entity)) => {
                self.ready.remove(job, seq);
                let entity = entity.clone();
                if let Some((.., next)) = self.turns.demote(&entity, &job.spec.name) {
                    self.move_from_line(next, &entity);
                }
            }
            (JobState::Ready, _, Place::Held(worker, _))
            | (JobState::Cancelled, _, Place::Unreleased { worker, .. }) => {
                remove_running(&mut self.running, worker, seq);
            }
            (JobState::Running, ..) => {
                if let Some(attempt) = attempts.last() {
                    remove_running(&mut self.running, &attempt.worker, seq);
                }
            }
            _ => {}
        }
    }
}

fn insert_running(running: &mut FastMap<WorkerId, BTreeSet<Seq>>, worker: &WorkerId, seq: Seq) {
    running.entry(worker.clone()).or_default().insert(seq);
}

fn remove_running(running: &mut FastMap<WorkerId, BTreeSet<Seq>>, worker: &WorkerId, seq: Seq) {
    if let Some(seqs) = running.get_mut(worker) {
        seqs.remove(&seq);
        if seqs.is_empty() {
            running.remove(worker);
        }
    }
}
