//! Admission of the jobs of a call, and their insertion.

use std::sync::Arc;

use enact::store::{Admission, Insertion, KeyHolder, Limits, Lookups, Start};
use enact::{JobId, JobState, Key};

use crate::encode::EncodedJob;
use crate::error::Error;
use crate::statements::Statements;
use crate::statements::live_jobs::{AttemptStart, Blockers, LiveJob, LiveJobs};

impl Lookups for Statements<'_> {
    type Error = Error;

    fn key_holder(&mut self, key: &Key) -> Result<Option<KeyHolder>, Error> {
        self.specs.key_holder(key)
    }

    fn state(&mut self, job: JobId) -> Result<Option<JobState>, Error> {
        Ok(self.live.find(job)?.map(|(_, state)| state))
    }

    fn queued(&mut self, name: &Arc<str>) -> Result<u64, Error> {
        self.live.names.live(name)
    }
}

pub(super) fn admit(
    jobs: &[EncodedJob],
    limits: Limits,
    statements: &mut Statements<'_>,
) -> Result<Admission, Error> {
    enact::store::admit(jobs.iter().map(|encoded| &encoded.job), limits, statements)
}

/// Inserts the jobs that are new. Returns whether there is something to claim, or a time to wait for, that was not there before.
pub(super) fn insert_new(
    jobs: &[EncodedJob],
    new: &[Insertion],
    statements: &mut Statements<'_>,
) -> Result<bool, Error> {
    let mut has_work = false;
    for Insertion { index, after, is_cancelled } in new {
        let encoded = &jobs[*index];
        let resolved = after.as_ref().map(|after| encoded.with_predecessors(after));
        has_work |= insert(resolved.as_ref().unwrap_or(encoded), *is_cancelled, statements)?;
    }
    Ok(has_work)
}

fn insert(encoded: &EncodedJob, is_cancelled: bool, statements: &mut Statements<'_>) -> Result<bool, Error> {
    let Statements { specs, live, counters, cache, .. } = statements;
    let job = &encoded.job;
    let seq = counters.next_job()?;
    let name = live.names.id(job.kind, &job.name)?;
    specs.insert(seq, name, encoded)?;
    let order_key = job.order_key.as_ref().map(Key::as_str);
    let live_job = LiveJob { seq, name, priority: job.priority.into(), order_key, attempts: 0, spent: 0 };
    if let Some(start) = &job.start {
        let (worker, has_begun) = match start {
            Start::Running(worker) => (worker, true),
            Start::Held(worker) => (worker, false),
        };
        let start = AttemptStart { worker, at: job.created_at, has_begun, entity: None, shares_turn: false };
        live.insert_running(&LiveJob { attempts: has_begun.into(), order_key: None, ..live_job }, start)?;
        cache.insert_running(seq, job.id);
        return Ok(false);
    }
    if is_cancelled {
        live.insert_cancelled(seq, name, job.created_at)?;
        return Ok(false);
    }
    let pending = wait_for_predecessors(seq, &job.after, live)?;
    let in_lane = match order_key {
        Some(lane) => !live.lanes.enter(lane, seq)?,
        None => false,
    };
    let has_work = live.insert(&live_job, Blockers { in_lane, pending, due_at: job.due_at })?;
    cache.insert_submitted(seq, job.clone(), encoded.text_bytes());
    Ok(has_work)
}

/// Makes a new job wait for those of its predecessors that have not succeeded. Returns their number.
fn wait_for_predecessors(seq: i64, after: &[JobId], live: &mut LiveJobs<'_>) -> Result<usize, Error> {
    let mut pending = 0;
    for id in after {
        match live.find(*id)? {
            Some((_, JobState::Succeeded)) => {}
            Some((predecessor, _)) => pending += usize::from(live.insert_predecessor(predecessor, seq)?),
            None => return Err(Error::InvalidCall("a new job names a predecessor that does not exist")),
        }
    }
    Ok(pending)
}
