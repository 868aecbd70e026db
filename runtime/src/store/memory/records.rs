//! Everything that the store keeps, and the calls that change more than jobs.

use std::collections::BTreeMap;
use std::iter;
use std::ops::Bound;
use std::sync::Arc;

use jiff::Timestamp;

use super::events::Events;
use super::jobs::Jobs;
use super::leases::Leases;
use super::seq::Seq;
use crate::model::{FastMap, Key, WorkerId};
use crate::store::{
    Admission, Commit, CommitError, Committed, EntityKey, EntityWrite, Lease, Limits, NewEvent, NewJob,
    NewTick, Release, RunningJob, SchedulePosition, StoredEntity, Submitted, Ticked,
};

#[derive(Debug, Default)]
pub(super) struct Records {
    pub(super) jobs: Jobs,
    pub(super) events: Events,
    pub(super) leases: Leases,
    entities: FastMap<&'static str, BTreeMap<Key, StoredEntity>>,
    /// Where each schedule is, by its names.
    positions: FastMap<Arc<str>, SchedulePosition>,
}

impl Records {
    pub(super) fn shuffled(seed: u64) -> Self {
        Self { jobs: Jobs::shuffled(seed), ..Self::default() }
    }

    pub(super) fn submit(&mut self, events: Vec<NewEvent>, jobs: Vec<NewJob>) -> Vec<Submitted> {
        let admission = self.jobs.admit(&jobs, Limits::Apply);
        if events.is_empty() || !admission.refuses_events() {
            self.events.append(events);
            self.jobs.insert_all(jobs, admission.new);
        }
        admission.submitted
    }

    /// Checks everything before it changes anything.
    pub(super) fn commit(&mut self, commit: Commit) -> Result<Committed, CommitError> {
        let admitted = self.check(&commit);
        commit.link.set_stored(admitted.is_ok());
        let (seq, admission) = admitted?;

        self.jobs.take_has_work();
        self.jobs.end_attempt(seq, commit.attempt, commit.next);
        self.write(commit.write);
        self.events.append(commit.events);
        self.jobs.insert_all(commit.jobs, admission.new);
        Ok(Committed { has_work: self.jobs.take_has_work() })
    }

    fn check(&self, commit: &Commit) -> Result<(Seq, Admission), CommitError> {
        let seq = self.fence(commit)?;
        if commit.follows.as_ref().is_some_and(|link| !link.is_stored()) {
            return Err(CommitError::Unfounded);
        }
        self.check_version(commit.write.as_ref())?;
        let admission = self.jobs.admit(&commit.jobs, Limits::Ignore);
        match admission.commit_error(commit.jobs.iter()) {
            Some(error) => Err(error),
            None => Ok((seq, admission)),
        }
    }

    /// As [`Store::release`](crate::store::Store::release).
    pub(super) fn release(&mut self, release: &Release) -> bool {
        let has_renewed = |observed| self.leases.of(&release.worker).renewals != observed;
        !release.lapsed.is_some_and(has_renewed) && self.jobs.release(release)
    }

    /// The job, if it is running the attempt.
    fn fence(&self, commit: &Commit) -> Result<Seq, CommitError> {
        let attempt = &commit.attempt;
        let has_renewed = |observed| self.leases.of(&attempt.worker).renewals != observed;
        match self.jobs.running_attempt(commit.job) {
            Some((seq, running))
                if running.number == attempt.number
                    && running.worker == attempt.worker
                    && !commit.lapsed.is_some_and(has_renewed) =>
            {
                Ok(seq)
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
        let NewTick { schedule, aliases, last, at, unless_running, jobs } = tick;
        let names = || iter::once(schedule.clone()).chain(aliases.iter().map(|alias| Arc::from(*alias)));
        let stored =
            names().filter_map(|name| self.positions.get(&name)).copied().max_by_key(|found| found.tick);
        if stored.map(|stored| stored.tick) != last {
            return Ticked::Stale(stored.map(|stored| stored.tick));
        }
        let earlier = stored.and_then(|stored| stored.job);
        let has_ended = |job| self.jobs.find(job).is_none_or(|record| record.job.state.has_ended());
        let may_overlap = !unless_running || jobs.is_empty();
        let running = earlier.filter(|job| !may_overlap && !has_ended(*job));
        let (job, ticked) = if let Some(running) = running {
            (earlier, Ticked::Overlaps(running))
        } else {
            let ids: Vec<_> = jobs.iter().map(|job| job.id).collect();
            let submitted = self.submit(Vec::new(), jobs);
            (SchedulePosition::last_job(ids.into_iter(), &submitted).or(earlier), Ticked::Done(submitted))
        };
        for name in names() {
            self.positions.insert(name, SchedulePosition { tick: at, job });
        }
        ticked
    }

    pub(super) fn last_tick(&self, schedule: &str) -> Option<Timestamp> {
        self.positions.get(schedule).map(|position| position.tick)
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
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let found =
            self.entities.get(entity).into_iter().flat_map(|all| all.range((start, Bound::Unbounded)));
        found.take(limit).map(|(key, entity)| (key.clone(), entity.clone())).collect()
    }

    pub(super) fn leases(&self) -> Vec<Lease> {
        let without = self.jobs.workers().filter(|worker| !self.leases.has(worker));
        self.leases.all().cloned().chain(without.map(|worker| self.leases.of(worker))).collect()
    }

    /// As [`Store::retire`](crate::store::Store::retire).
    pub(super) fn retire(&mut self, worker: &WorkerId, renewals: u64) {
        if !self.jobs.has_running(worker) {
            self.leases.retire(worker, renewals);
        }
    }

    pub(super) fn running(&self, worker: &WorkerId, limit: usize) -> Vec<RunningJob> {
        self.jobs.running_of(worker).take(limit).collect()
    }
}
