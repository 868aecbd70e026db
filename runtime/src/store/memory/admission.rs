//! Which jobs are put on record, and how they stand there at first.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::jobs::{Jobs, Place, Record};
use crate::model::{Attempt, JobId, JobState, Json, Key};
use crate::store::{NewJob, Submitted};

/// Whether a job may be refused because its queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limits {
    Apply,
    Ignored,
}

/// Those jobs of a call that will have been added before the one that is looked at.
#[derive(Default)]
struct Before<'a> {
    /// Whether each will be `Cancelled` from the start.
    jobs: HashMap<JobId, bool>,
    keys: HashMap<&'a Key, (JobId, &'a str, &'a Json)>,
    queued: HashMap<&'a Arc<str>, u64>,
    existing: Existing,
}

/// The jobs on record that some jobs of a call turned out to be, by the ids that those were submitted with.
#[derive(Default)]
struct Existing(HashMap<JobId, JobId>);

impl Existing {
    fn note(&mut self, submitted: JobId, answer: &Submitted) {
        if let Submitted::Existing(existing) = answer {
            self.0.insert(submitted, *existing);
        }
    }

    /// The job that is meant by an id (r26).
    fn meant(&self, id: JobId) -> JobId {
        self.0.get(&id).copied().unwrap_or(id)
    }
}

impl<'a> Before<'a> {
    fn add(&mut self, new: &'a NewJob, is_cancelled: bool) {
        self.jobs.insert(new.id, is_cancelled);
        if let Some(key) = &new.idempotency_key {
            self.keys.insert(key, (new.id, &new.name, &new.payload));
        }
        if !is_cancelled {
            *self.queued.entry(&new.name).or_default() += 1;
        }
    }
}

impl Jobs {
    /// What would become of each of these jobs if they were added.
    pub(super) fn admit(&self, jobs: &[NewJob], limits: Limits) -> Vec<Submitted> {
        let mut before = Before::default();
        let mut admit = |new| {
            let answer = self.admit_one(new, &before, limits);
            if answer == Submitted::New {
                before.add(new, self.comes_too_late(new, &before));
            }
            before.existing.note(new.id, &answer);
            answer
        };
        jobs.iter().map(&mut admit).collect()
    }

    /// Whether what a job is to come after is cancelled already.
    fn comes_too_late(&self, new: &NewJob, before: &Before<'_>) -> bool {
        let is_cancelled = |id: &JobId| {
            let id = before.existing.meant(*id);
            let on_record = self.find(id).map(|record| record.job.state == JobState::Cancelled);
            on_record.or_else(|| before.jobs.get(&id).copied()).unwrap_or(false)
        };
        new.start.is_none() && new.after.iter().any(is_cancelled)
    }

    /// A request that is known is answered with its job (r25), however many others are queued.
    fn admit_one(&self, new: &NewJob, before: &Before<'_>, limits: Limits) -> Submitted {
        if let Some(holder) = new.idempotency_key.as_ref().and_then(|key| self.holder(key, before)) {
            let (id, name, payload) = holder;
            let is_same = new.is_same_request(name, payload);
            return if is_same { Submitted::Existing(id) } else { Submitted::Mismatch(id) };
        }
        let is_missing = |id: &&JobId| {
            let id = before.existing.meant(**id);
            !self.places.contains_key(&id) && !before.jobs.contains_key(&id)
        };
        if let Some(missing) = new.after.iter().find(is_missing) {
            return Submitted::NoPredecessor(*missing);
        }
        let queued = self.counts.queued(&new.name) + before.queued.get(&new.name).copied().unwrap_or(0);
        match new.max_queued {
            Some(most) if limits == Limits::Apply && queued >= most => Submitted::Full(queued),
            _ => Submitted::New,
        }
    }

    /// The job that has an idempotency key.
    fn holder<'a>(&'a self, key: &Key, before: &Before<'a>) -> Option<(JobId, &'a str, &'a Json)> {
        let on_record = self.idempotency_keys.get(key).map(|place| &self.records[place].job);
        let holder = on_record.map(|job| (job.id, &*job.name, &job.payload));
        holder.or_else(|| before.keys.get(key).copied())
    }

    /// Adds those of these jobs that were found to be new.
    pub(super) fn add(&mut self, jobs: Vec<NewJob>, answers: &[Submitted]) {
        let mut existing = Existing::default();
        for (mut job, answer) in jobs.into_iter().zip(answers) {
            existing.note(job.id, answer);
            if *answer == Submitted::New {
                job.after.iter_mut().for_each(|id| *id = existing.meant(*id));
                self.add_one(job);
            }
        }
    }

    fn add_one(&mut self, new: NewJob) {
        self.last_place += 1;
        let place = self.last_place;
        let awaited = self.not_succeeded(&new.after);
        let state = if new.start.is_some() {
            JobState::Running
        } else if awaited.iter().any(|place| self.records[place].job.state == JobState::Cancelled) {
            JobState::Cancelled
        } else {
            JobState::Waiting
        };

        self.places.insert(new.id, place);
        if let Some(key) = &new.idempotency_key {
            self.idempotency_keys.insert(key.clone(), place);
        }
        let attempts =
            new.start.iter().map(|worker| Attempt::begun(1, worker.clone(), new.created_at)).collect();
        let record = Record { job: new.into_job(state), attempts, awaited: 0, successors: BTreeSet::new() };
        self.counts.add(&record.job);
        self.records.insert(place, record);
        if state == JobState::Waiting {
            self.wait(place, &awaited);
        } else {
            self.enqueue(place);
        }
    }

    /// Those of these jobs that have not succeeded, each once.
    fn not_succeeded(&self, ids: &[JobId]) -> BTreeSet<Place> {
        let places = ids.iter().filter_map(|id| self.places.get(id)).copied();
        places.filter(|place| self.records[place].job.state != JobState::Succeeded).collect()
    }

    /// Lets a new job wait for its turn and for others, if it has to.
    fn wait(&mut self, place: Place, awaited: &BTreeSet<Place>) {
        for predecessor in awaited {
            self.record_mut(*predecessor).successors.insert(place);
        }
        let Record { job, awaited: count, .. } =
            self.records.get_mut(&place).expect("the job was just put on record");
        *count = awaited.len();
        if let Some(lane) = &job.order_key {
            self.lanes.enter(lane, place);
        }
        self.settle(place);
    }
}
