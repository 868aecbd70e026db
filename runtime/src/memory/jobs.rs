//! The jobs and their queues: which are ready, which wait for a time, which wait in a lane, which run.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use crate::store::{Claim, Claimed, NewJob, Next, Submitted};
use crate::{Attempt, Job, JobId, JobState, Key, WorkerId};

/// A job's place in the order of jobs: its index.
pub(super) type Place = usize;

#[derive(Debug)]
pub(super) struct Record {
    pub(super) job: Job,
    pub(super) attempts: Vec<Attempt>,
}

/// The queues hold live jobs only, so that they cost the same however many have ended.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    pub(super) records: Vec<Record>,
    places: HashMap<JobId, Place>,
    idempotency_keys: HashMap<Key, Place>,
    /// `Ready`, by name.
    ready: HashMap<Arc<str>, BTreeSet<Place>>,
    /// `Waiting` for a time.
    due: BTreeSet<(Timestamp, Place)>,
    running: BTreeSet<Place>,
    /// Those of an order key that have not ended. The first has its turn, the others wait for it to end (r26).
    lanes: HashMap<Key, BTreeSet<Place>>,
}

impl Jobs {
    pub(super) fn find(&self, id: JobId) -> Option<&Record> {
        self.places.get(&id).map(|place| &self.records[*place])
    }

    /// The attempt of a job that is under way.
    pub(super) fn running(&self, id: JobId) -> Option<(Place, &Attempt)> {
        let place = *self.places.get(&id)?;
        let Record { job, attempts } = &self.records[place];
        if job.state == JobState::Running { Some((place, attempts.last()?)) } else { None }
    }

    /// Everything that runs, in the order of record.
    pub(super) fn all_running(&self) -> impl Iterator<Item = (&Job, &Attempt)> {
        let records = self.running.iter().map(|place| &self.records[*place]);
        records.filter_map(|Record { job, attempts }| Some((job, attempts.last()?)))
    }

    /// What would become of each of these jobs if they were added (r25).
    pub(super) fn admit(&self, jobs: &[NewJob]) -> Vec<Submitted> {
        let mut taken_before = HashMap::new();
        jobs.iter()
            .map(|new| {
                let Some(key) = &new.idempotency_key else { return Submitted::New };
                let on_record = self.idempotency_keys.get(key).map(|place| &self.records[*place].job);
                let holder = on_record.map(|job| (job.id, &job.name, &job.payload));
                let Some((id, name, payload)) = holder.or_else(|| taken_before.get(key).copied()) else {
                    taken_before.insert(key, (new.id, &new.name, &new.payload));
                    return Submitted::New;
                };
                if new.is_same_request(name, payload) {
                    Submitted::Existing(id)
                } else {
                    Submitted::Mismatch(id)
                }
            })
            .collect()
    }

    /// Adds those of these jobs that were found to be new.
    pub(super) fn add(&mut self, jobs: Vec<NewJob>, answers: &[Submitted]) {
        let admitted = jobs.into_iter().zip(answers).filter(|(_, answer)| **answer == Submitted::New);
        admitted.for_each(|(job, _)| self.add_one(job));
    }

    fn add_one(&mut self, new: NewJob) {
        let place = self.records.len();
        let state = match (&new.start, &new.order_key) {
            (Some(_), _) => JobState::Running,
            (None, Some(lane)) if !self.enter_lane(lane, place) => JobState::Waiting,
            (None, _) => JobState::Ready,
        };
        let attempts =
            new.start.iter().map(|worker| Attempt::begun(1, worker.clone(), new.created_at)).collect();
        self.places.insert(new.id, place);
        if let Some(key) = &new.idempotency_key {
            self.idempotency_keys.insert(key.clone(), place);
        }
        self.records.push(Record { job: new.into_job(state), attempts });
        self.enqueue(place);
    }

    pub(super) fn claim(&mut self, claim: &Claim) -> Claimed {
        self.wake(claim.now);
        let queues = claim.names.iter().filter_map(|name| self.ready.get(name));
        let mut first: Vec<Place> =
            queues.flat_map(|queue| queue.iter().take(claim.limit).copied()).collect();
        first.sort_unstable();
        first.dedup();
        first.truncate(claim.limit);
        let jobs =
            first.into_iter().map(|place| self.begin_attempt(place, &claim.worker, claim.now)).collect();
        Claimed { jobs, next_due: self.due.first().map(|(due_at, _)| *due_at) }
    }

    /// Makes `Ready` what waited for a time that has come.
    fn wake(&mut self, now: Timestamp) {
        while let Some(&(due_at, place)) = self.due.first()
            && due_at <= now
        {
            self.pass(place, JobState::Ready, None);
        }
    }

    fn begin_attempt(&mut self, place: Place, worker: &WorkerId, now: Timestamp) -> Job {
        self.pass(place, JobState::Running, None);
        let Record { job, attempts } = &mut self.records[place];
        job.attempts += 1;
        job.failure = None;
        attempts.push(Attempt::begun(job.attempts, worker.clone(), now));
        job.clone()
    }

    /// Ends the attempt that is under way.
    pub(super) fn end_attempt(&mut self, place: Place, attempt: Attempt, next: Next) {
        let Record { job, attempts } = &mut self.records[place];
        job.failure.clone_from(&attempt.failure);
        let (state, due_at) = match next {
            Next::Succeeded(output) => {
                job.output = Some(output);
                (JobState::Succeeded, None)
            }
            Next::Failed => (JobState::Failed, None),
            Next::Retry(due_at) => (JobState::Waiting, Some(due_at)),
        };
        if state.has_ended() {
            job.ended_at = attempt.ended_at;
        }
        if let Some(under_way) = attempts.last_mut() {
            *under_way = attempt;
        }
        self.pass(place, state, due_at);
        if state.has_ended() {
            self.leave_lane(place);
        }
    }

    /// Joins a lane; whether the job has its turn at once.
    fn enter_lane(&mut self, lane: &Key, place: Place) -> bool {
        let lane = self.lanes.entry(lane.clone()).or_default();
        lane.insert(place);
        lane.len() == 1
    }

    /// Takes a job that has ended out of its lane, and gives the next its turn.
    fn leave_lane(&mut self, place: Place) {
        let Some(key) = &self.records[place].job.order_key else { return };
        let Some(lane) = self.lanes.get_mut(key) else { return };
        lane.remove(&place);
        let Some(&next) = lane.first() else {
            self.lanes.remove(key);
            return;
        };
        let waits_for_its_turn = {
            let job = &self.records[next].job;
            job.state == JobState::Waiting && job.due_at.is_none()
        };
        if waits_for_its_turn {
            self.pass(next, JobState::Ready, None);
        }
    }

    /// The one way from state to state (r20). Only a job that becomes `Waiting` has a time to wait for.
    fn pass(&mut self, place: Place, next: JobState, due_at: Option<Timestamp>) {
        self.dequeue(place);
        let job = &mut self.records[place].job;
        debug_assert!(job.state.may_become(next), "{} may not become {next}", job.state);
        job.state = next;
        job.due_at = due_at;
        self.enqueue(place);
    }

    fn enqueue(&mut self, place: Place) {
        let job = &self.records[place].job;
        match (job.state, job.due_at) {
            (JobState::Waiting, Some(due_at)) => _ = self.due.insert((due_at, place)),
            (JobState::Ready, _) => _ = self.ready.entry(job.name.clone()).or_default().insert(place),
            (JobState::Running, _) => _ = self.running.insert(place),
            _ => {}
        }
    }

    fn dequeue(&mut self, place: Place) {
        let job = &self.records[place].job;
        match (job.state, job.due_at) {
            (JobState::Waiting, Some(due_at)) => _ = self.due.remove(&(due_at, place)),
            (JobState::Ready, _) => _ = self.ready.get_mut(&job.name).map(|queue| queue.remove(&place)),
            (JobState::Running, _) => _ = self.running.remove(&place),
            _ => {}
        }
    }
}
