//! Admission of the jobs of a call, and their insertion.

use std::convert::Infallible;
use std::sync::Arc;

use enact::store::{Admission, Insertion, KeyHolder, Limits, Lookups, Start};
use enact::{JobId, JobState, Key};

use super::{Live, NewSpec, Stage, World};
use crate::encode::EncodedJob;
use crate::error::Error;

impl Lookups for &World {
    type Error = Infallible;

    fn key_holder(&mut self, key: &Key) -> Result<Option<KeyHolder>, Infallible> {
        Ok(self.keys.get(key).cloned())
    }

    fn state(&mut self, job: JobId) -> Result<Option<JobState>, Infallible> {
        Ok(World::state(self, job))
    }

    fn queued(&mut self, name: &Arc<str>) -> Result<u64, Infallible> {
        Ok(self.counts.get(name).copied().unwrap_or(0))
    }
}

impl World {
    pub(crate) fn admit(&self, jobs: &[Arc<EncodedJob>], limits: Limits) -> Admission {
        match enact::store::admit(jobs.iter().map(|encoded| &encoded.job), limits, &mut &*self) {
            Ok(admission) => admission,
            Err(never) => match never {},
        }
    }

    /// Inserts the jobs that are new. Returns whether there is something to claim, or a time to wait for, that was not there before. Of jobs
    /// in lanes, this is not known yet.
    pub(crate) fn insert_new(&mut self, jobs: &[Arc<EncodedJob>], new: &[Insertion]) -> Result<bool, Error> {
        let mut has_work = false;
        for Insertion { index, after, is_cancelled } in new {
            has_work |= self.insert(&jobs[*index], after.clone(), *is_cancelled)?;
        }
        Ok(has_work)
    }

    fn insert(
        &mut self,
        encoded: &Arc<EncodedJob>,
        after: Option<Vec<JobId>>,
        is_cancelled: bool,
    ) -> Result<bool, Error> {
        let job = &encoded.job;
        let seq = self.seqs.pop_front().ok_or(Error::InvalidCall("a sequence number is missing"))?;
        let predecessors = after.as_ref().unwrap_or(&job.after);
        let waits = !is_cancelled && job.start.is_none();
        let pending = if waits { self.wait_for(job.id, predecessors) } else { 0 };
        self.specs.push(NewSpec { seq, encoded: encoded.clone(), after });
        if is_cancelled {
            self.cancelled.push((job.id, job.created_at));
            self.states.insert(job.id, JobState::Cancelled);
            return Ok(false);
        }
        if let Some(key) = &job.idempotency_key {
            let holder = KeyHolder { id: job.id, name: job.name.clone(), payload: job.payload.clone() };
            self.keys.insert(key.clone(), holder);
            self.new_keys.push((key.clone(), job.id));
        }
        let mut live = Live {
            seq,
            stage: Stage::Waiting,
            name: job.name.clone(),
            priority: job.priority,
            order_key: job.order_key.as_ref().map(|key| key.as_str().to_owned()),
            attempts: 0,
            spent: 0,
            is_blocked: job.order_key.is_some(),
            pending,
            due_at: job.due_at,
            entity: None,
            worker: None,
            started_at: None,
            repeatable: job.repeatable,
        };
        if let Some(start) = &job.start {
            let (worker, stage) = match start {
                Start::Running(worker) => (worker, Stage::Running),
                Start::Held(worker) => (worker, Stage::Held),
            };
            (live.stage, live.attempts) = (stage, u32::from(stage == Stage::Running));
            (live.worker, live.started_at) = (Some(worker.as_str().to_owned()), Some(job.created_at));
            (live.order_key, live.is_blocked, live.pending, live.due_at) = (None, false, 0, None);
        } else if !live.is_blocked && pending == 0 && live.due_at.is_none() {
            live.stage = Stage::Ready;
        }
        self.has_work |= live.stage == Stage::Ready;
        self.lanes.extend(live.order_key.clone());
        let has_work = live.worker.is_none() && !live.is_blocked && pending == 0;
        self.insert_live(job.id, live);
        self.enter_count(&job.name);
        Ok(has_work)
    }

    /// Makes a new job wait for those of its predecessors that have not succeeded. Returns their number.
    fn wait_for(&mut self, id: JobId, after: &[JobId]) -> i32 {
        let mut waits_for: Vec<JobId> = Vec::new();
        for predecessor in after {
            let has_succeeded = World::state(self, *predecessor) == Some(JobState::Succeeded);
            if !has_succeeded && !waits_for.contains(predecessor) {
                waits_for.push(*predecessor);
            }
        }
        self.predecessors.extend(waits_for.iter().map(|predecessor| (*predecessor, id)));
        i32::try_from(waits_for.len()).unwrap_or(i32::MAX)
    }
}
