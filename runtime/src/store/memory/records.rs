//! Everything that the store keeps, and the calls that touch more than jobs.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use jiff::Timestamp;

use super::admission::Limits;
use super::events::Events;
use super::jobs::{Jobs, Place};
use super::leases::Leases;
use crate::model::{Key, WorkerId};
use crate::store::{
    Commit, CommitError, Committed, EntityKey, EntityWrite, Lease, NewEvent, NewJob, NewTick, RunningJob,
    StoredEntity, Submitted, Ticked,
};

#[derive(Debug, Default)]
pub(super) struct Records {
    pub(super) jobs: Jobs,
    pub(super) events: Events,
    pub(super) leases: Leases,
    entities: HashMap<&'static str, BTreeMap<Key, StoredEntity>>,
    /// The last tick of each schedule.
    ticks: HashMap<Arc<str>, Timestamp>,
}

impl Records {
    pub(super) fn shuffled(seed: u64) -> Self {
        Self { jobs: Jobs::shuffled(seed), ..Self::default() }
    }

    pub(super) fn submit(&mut self, events: Vec<NewEvent>, jobs: Vec<NewJob>) -> Vec<Submitted> {
        let answers = self.jobs.admit(&jobs, Limits::Apply);
        let cannot_be_added = |answer| matches!(answer, &Submitted::Full(_) | &Submitted::NoPredecessor(_));
        if events.is_empty() || !answers.iter().any(cannot_be_added) {
            self.events.append(events);
            self.jobs.add(jobs, &answers);
        }
        answers
    }

    /// Checks everything, then changes everything: whole or not at all.
    pub(super) fn commit(&mut self, commit: Commit) -> Result<Committed, CommitError> {
        let place = self.fence(&commit)?;
        self.check_version(commit.write.as_ref())?;
        let answers = self.jobs.admit(&commit.jobs, Limits::Ignored);
        check_staged(&commit.jobs, &answers)?;

        self.jobs.has_new_work();
        self.jobs.end_attempt(place, commit.attempt, commit.next);
        self.write(commit.write);
        self.events.append(commit.events);
        self.jobs.add(commit.jobs, &answers);
        Ok(Committed { has_work: self.jobs.has_new_work() })
    }

    /// The place of the job, if the attempt is the one under way (r23).
    fn fence(&self, commit: &Commit) -> Result<Place, CommitError> {
        let attempt = &commit.attempt;
        let has_renewed = |seen| self.leases.of(&attempt.worker).renewals != seen;
        match self.jobs.under_way(commit.job) {
            Some((place, under_way))
                if under_way.number == attempt.number
                    && under_way.worker == attempt.worker
                    && !commit.lapsed.is_some_and(has_renewed) =>
            {
                Ok(place)
            }
            _ => Err(CommitError::Fenced),
        }
    }

    fn check_version(&self, write: Option<&EntityWrite>) -> Result<(), CommitError> {
        let Some(write) = write else { return Ok(()) };
        let found = self.load(&write.key).map_or(0, |entity| entity.version);
        if found == write.expected { Ok(()) } else { Err(CommitError::Conflict { found }) }
    }

    fn write(&mut self, write: Option<EntityWrite>) {
        if let Some(EntityWrite { key, expected, body }) = write {
            let entity = StoredEntity { version: expected + 1, body };
            self.entities.entry(key.entity).or_default().insert(key.id, entity);
        }
    }

    pub(super) fn tick(&mut self, tick: NewTick) -> Ticked {
        let last = self.ticks.get(&tick.schedule).copied();
        if last != tick.last {
            return Ticked::Stale(last);
        }
        self.ticks.insert(tick.schedule, tick.at);
        Ticked::Done(self.submit(Vec::new(), tick.jobs))
    }

    pub(super) fn load(&self, key: &EntityKey) -> Option<&StoredEntity> {
        self.entities.get(key.entity)?.get(&key.id)
    }

    pub(super) fn entities(
        &self,
        entity: &str,
        after: Option<&Key>,
        limit: usize,
    ) -> Vec<(Key, StoredEntity)> {
        let behind = after.map_or(Bound::Unbounded, Bound::Excluded);
        let found =
            self.entities.get(entity).into_iter().flat_map(|all| all.range((behind, Bound::Unbounded)));
        found.take(limit).map(|(key, entity)| (key.clone(), entity.clone())).collect()
    }

    pub(super) fn leases(&self) -> Vec<Lease> {
        self.jobs.workers().map(|worker| self.leases.of(worker)).collect()
    }

    /// Takes a worker off that has renewed its lease so often, and runs nothing.
    pub(super) fn retire(&mut self, worker: &WorkerId, renewals: u64) {
        if !self.jobs.runs_something(worker) {
            self.leases.retire(worker, renewals);
        }
    }

    pub(super) fn running(&self, worker: &WorkerId, limit: usize) -> Vec<RunningJob> {
        let running = self.jobs.run_by(worker).take(limit);
        running
            .map(|(job, attempt)| RunningJob {
                job: job.clone(),
                worker: attempt.worker.clone(),
                started_at: attempt.started_at,
            })
            .collect()
    }
}

/// Of the jobs that an attempt has staged, each must be new, or the same request as one on record.
fn check_staged(jobs: &[NewJob], answers: &[Submitted]) -> Result<(), CommitError> {
    for (job, answer) in jobs.iter().zip(answers) {
        match *answer {
            Submitted::New | Submitted::Existing(_) | Submitted::Full(_) => {}
            Submitted::Mismatch(existing) => {
                return Err(CommitError::Mismatch { staged: job.id, existing });
            }
            Submitted::NoPredecessor(after) => {
                return Err(CommitError::NoPredecessor { staged: job.id, after });
            }
        }
    }
    Ok(())
}
