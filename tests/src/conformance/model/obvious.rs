//! A store that is too simple to be wrong: lists, and a look through all of them for every question.

use std::collections::{BTreeMap, HashMap};

use enact::store::{
    Claim, Commit, Cursor, EntityKey, JobCount, NewEvent, NewJob, Next, RunningJob, StoredEntity,
    StoredEvent, Submitted,
};
use enact::{Attempt, Job, JobId, JobState, Key, WorkerId};
use jiff::Timestamp;

use super::super::sample::ENTITIES;
use super::super::subject::Everything;

#[derive(Default)]
pub(super) struct Obvious {
    pub(super) jobs: Vec<(Job, Vec<Attempt>)>,
    entities: BTreeMap<(&'static str, Key), StoredEntity>,
    events: Vec<StoredEvent>,
    leases: HashMap<WorkerId, Timestamp>,
}

/// A reason to refuse a commit.
#[derive(Debug, PartialEq)]
pub(super) enum Refusal {
    Fenced,
    Conflict(u64),
    Mismatch(JobId, JobId),
}

impl Obvious {
    pub(super) fn submit(&mut self, events: Vec<NewEvent>, jobs: Vec<NewJob>) -> Vec<Submitted> {
        for event in events {
            self.events.push(StoredEvent {
                cursor: Cursor::START,
                id: event.id,
                name: event.name,
                payload: event.payload,
                correlation: event.correlation,
                cause: event.cause,
                emitted_at: event.emitted_at,
            });
        }
        let answers = jobs.into_iter().map(|new| self.submit_one(new)).collect();
        self.settle();
        answers
    }

    fn submit_one(&mut self, new: NewJob) -> Submitted {
        let same_key =
            |job: &&Job| job.idempotency_key.is_some() && job.idempotency_key == new.idempotency_key;
        if let Some(job) = self.jobs.iter().map(|(job, _)| job).find(same_key) {
            return if new.is_same_request(&job.name, &job.payload) {
                Submitted::Existing(job.id)
            } else {
                Submitted::Mismatch(job.id)
            };
        }
        let attempts: Vec<Attempt> = new.start.iter().map(|by| begun(1, by, new.created_at)).collect();
        let state = if attempts.is_empty() { JobState::Waiting } else { JobState::Running };
        self.jobs.push((new.into_job(state), attempts));
        Submitted::New
    }

    /// Makes ready what waits neither for a time nor for a job of its lane.
    fn settle(&mut self) {
        for index in 0..self.jobs.len() {
            let (earlier, rest) = self.jobs.split_at_mut(index);
            let job = &mut rest[0].0;
            let in_its_way = |(other, _): &(Job, _)| {
                job.order_key.is_some() && other.order_key == job.order_key && !other.state.has_ended()
            };
            let waits = job.due_at.is_some() || earlier.iter().any(in_its_way);
            if job.state == JobState::Waiting && !waits {
                job.state = JobState::Ready;
            }
        }
    }

    pub(super) fn claim(&mut self, claim: &Claim) -> (Vec<Job>, Option<Timestamp>) {
        for (job, _) in &mut self.jobs {
            job.due_at = job.due_at.filter(|due_at| *due_at > claim.now);
        }
        self.settle();
        let ready = self
            .jobs
            .iter_mut()
            .filter(|(job, _)| job.state == JobState::Ready && claim.names.contains(&job.name))
            .take(claim.limit);
        let claimed = ready.map(|(job, attempts)| {
            job.state = JobState::Running;
            job.attempts += 1;
            job.failure = None;
            attempts.push(begun(job.attempts, &claim.worker, claim.now));
            job.clone()
        });
        (claimed.collect(), self.jobs.iter().filter_map(|(job, _)| job.due_at).min())
    }

    pub(super) fn commit(&mut self, commit: Commit) -> Result<(), Vec<Refusal>> {
        let reasons = self.reasons_to_refuse(&commit);
        if !reasons.is_empty() {
            return Err(reasons);
        }
        let found = self.jobs.iter_mut().find(|(job, _)| job.id == commit.job);
        let (job, attempts) = found.expect("the job is on record");
        job.failure.clone_from(&commit.attempt.failure);
        job.ended_at = commit.attempt.ended_at;
        attempts.pop();
        attempts.push(commit.attempt);
        match commit.next {
            Next::Succeeded(output) => {
                job.state = JobState::Succeeded;
                job.output = Some(output);
            }
            Next::Failed => job.state = JobState::Failed,
            Next::Retry(due_at) => {
                job.state = JobState::Waiting;
                job.due_at = Some(due_at);
                job.ended_at = None;
            }
        }
        if let Some(write) = commit.write {
            let entity = StoredEntity { version: write.expected + 1, body: write.body };
            self.entities.insert((write.key.entity, write.key.id), entity);
        }
        self.submit(commit.events, commit.jobs);
        Ok(())
    }

    fn reasons_to_refuse(&self, commit: &Commit) -> Vec<Refusal> {
        let mut reasons = Vec::new();
        let is_held = self.jobs.iter().any(|(job, attempts)| {
            job.id == commit.job
                && job.state == JobState::Running
                && attempts.last().is_some_and(|running| {
                    running.number == commit.attempt.number && running.worker == commit.attempt.worker
                })
        });
        let may_end = commit.lapsed_at.is_none_or(|now| self.has_lapsed(&commit.attempt.worker, now));
        if !is_held || !may_end {
            reasons.push(Refusal::Fenced);
        }
        if let Some(write) = &commit.write {
            let found = self.version(&write.key);
            if found != write.expected {
                reasons.push(Refusal::Conflict(found));
            }
        }
        let mut trial = Self { jobs: self.jobs.clone(), ..Self::default() };
        for staged in commit.jobs.iter().cloned() {
            let id = staged.id;
            if let Submitted::Mismatch(existing) = trial.submit_one(staged) {
                reasons.push(Refusal::Mismatch(id, existing));
            }
        }
        reasons
    }

    pub(super) fn renew(&mut self, worker: &WorkerId, until: Timestamp) {
        self.leases.insert(worker.clone(), until);
    }

    fn has_lapsed(&self, worker: &WorkerId, now: Timestamp) -> bool {
        self.leases.get(worker).is_none_or(|until| *until < now)
    }

    pub(super) fn lapsed(&self, now: Timestamp, limit: usize) -> Vec<RunningJob> {
        let running = self.jobs.iter().filter(|(job, _)| job.state == JobState::Running);
        let lapsed = running.filter_map(|(job, attempts)| {
            let Attempt { worker, started_at, .. } = attempts.last()?;
            let running = RunningJob { job: job.clone(), worker: worker.clone(), started_at: *started_at };
            self.has_lapsed(worker, now).then_some(running)
        });
        lapsed.take(limit).collect()
    }

    pub(super) fn version(&self, key: &EntityKey) -> u64 {
        self.entities.get(&(key.entity, key.id.clone())).map_or(0, |entity| entity.version)
    }

    pub(super) fn everything(&self) -> Everything {
        let of_type = |entity| {
            let of_type = self.entities.iter().filter(move |((of, _), _)| *of == entity);
            (entity, of_type.map(|((_, key), found)| (key.clone(), found.clone())).collect())
        };
        Everything {
            jobs: self.jobs.clone(),
            entities: ENTITIES.into_iter().map(of_type).collect(),
            events: self.events.clone(),
            counts: self.counts(),
        }
    }

    fn counts(&self) -> Vec<JobCount> {
        let mut counts = BTreeMap::new();
        for (job, _) in &self.jobs {
            let count = JobCount { kind: job.kind, name: job.name.clone(), state: job.state, count: 0 };
            counts.entry((job.kind.as_str(), job.name.clone(), job.state)).or_insert(count).count += 1;
        }
        counts.into_values().collect()
    }
}

fn begun(number: u32, worker: &WorkerId, started_at: Timestamp) -> Attempt {
    Attempt {
        number,
        worker: worker.clone(),
        started_at,
        ended_at: None,
        reached: None,
        version_read: None,
        version_written: None,
        strategies: Vec::new(),
        events: Vec::new(),
        failure: None,
    }
}
