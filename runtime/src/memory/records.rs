//! Everything that the store keeps, and the calls that touch more than jobs.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use jiff::Timestamp;

use super::jobs::{Jobs, Place};
use crate::store::{
    Commit, CommitError, Cursor, EntityKey, EntityWrite, NewEvent, NewJob, RunningJob, StoredEntity,
    StoredEvent, Submitted,
};
use crate::{Key, WorkerId};

#[derive(Debug, Default)]
pub(super) struct Records {
    pub(super) jobs: Jobs,
    entities: HashMap<&'static str, BTreeMap<Key, StoredEntity>>,
    /// In commit order: an event's cursor is its index and one.
    events: Vec<StoredEvent>,
    /// How long each worker's lease lasts.
    leases: HashMap<WorkerId, Timestamp>,
}

impl Records {
    pub(super) fn submit(&mut self, events: Vec<NewEvent>, jobs: Vec<NewJob>) -> Vec<Submitted> {
        let answers = self.jobs.admit(&jobs);
        self.append(events);
        self.jobs.add(jobs, &answers);
        answers
    }

    /// Checks everything, then changes everything: whole or not at all.
    pub(super) fn commit(&mut self, commit: Commit) -> Result<(), CommitError> {
        let place = self.fence(&commit)?;
        self.check_version(commit.write.as_ref())?;
        let answers = self.jobs.admit(&commit.jobs);
        check_idempotency(&commit.jobs, &answers)?;

        self.jobs.end_attempt(place, commit.attempt, commit.next);
        self.write(commit.write);
        self.append(commit.events);
        self.jobs.add(commit.jobs, &answers);
        Ok(())
    }

    /// The place of the job, if the attempt is the one under way (r23).
    fn fence(&self, commit: &Commit) -> Result<Place, CommitError> {
        let attempt = &commit.attempt;
        let may_commit = commit.lapsed_at.is_none_or(|now| self.has_lapsed(&attempt.worker, now));
        match self.jobs.running(commit.job) {
            Some((place, running))
                if may_commit && running.number == attempt.number && running.worker == attempt.worker =>
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

    fn append(&mut self, events: Vec<NewEvent>) {
        for event in events {
            self.events.push(StoredEvent {
                cursor: Cursor::from_u64(self.events.len() as u64 + 1),
                id: event.id,
                name: event.name,
                payload: event.payload,
                correlation: event.correlation,
                cause: event.cause,
                emitted_at: event.emitted_at,
            });
        }
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

    pub(super) fn events(&self, after: Cursor, limit: usize) -> Vec<StoredEvent> {
        let behind = usize::try_from(after.as_u64()).unwrap_or(usize::MAX);
        self.events.iter().skip(behind).take(limit).cloned().collect()
    }

    pub(super) fn renew(&mut self, worker: &WorkerId, until: Timestamp) {
        self.leases.insert(worker.clone(), until);
    }

    pub(super) fn lapsed(&self, now: Timestamp, limit: usize) -> Vec<RunningJob> {
        let running = self.jobs.all_running();
        running
            .filter(|(_, attempt)| self.has_lapsed(&attempt.worker, now))
            .take(limit)
            .map(|(job, attempt)| RunningJob {
                job: job.clone(),
                worker: attempt.worker.clone(),
                started_at: attempt.started_at,
            })
            .collect()
    }

    fn has_lapsed(&self, worker: &WorkerId, now: Timestamp) -> bool {
        self.leases.get(worker).is_none_or(|until| *until < now)
    }
}

fn check_idempotency(jobs: &[NewJob], answers: &[Submitted]) -> Result<(), CommitError> {
    for (job, answer) in jobs.iter().zip(answers) {
        if let Submitted::Mismatch(existing) = *answer {
            return Err(CommitError::Mismatch { staged: job.id, existing });
        }
    }
    Ok(())
}
