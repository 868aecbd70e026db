//! Which jobs of a call are new, and how they are inserted.

use std::collections::HashMap;
use std::sync::Arc;

use enact::store::Submitted;
use enact::{JobId, JobState, Json, Key};

use crate::encode::EncodedJob;
use crate::error::Error;
use crate::statements::Statements;
use crate::statements::counters::Counters;
use crate::statements::live_jobs::{Blockers, LiveJob, LiveJobs};
use crate::statements::specs::Specs;

/// Whether [`NewJob::max_queued`](enact::store::NewJob::max_queued) applies.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Limits {
    Apply,
    Ignored,
}

/// The jobs of a call that are new, as far as later jobs of the same call depend on them.
#[derive(Default)]
struct Earlier<'j> {
    /// By idempotency key.
    key_holders: HashMap<&'j Key, &'j EncodedJob>,
    /// Whether they are cancelled from the start. Empty if no job of the call has predecessors.
    are_cancelled: HashMap<JobId, bool>,
    /// The number of jobs of each name. Empty if limits are ignored.
    queued: HashMap<&'j str, u64>,
    existing: Existing,
}

/// Jobs of a call that exist already: the submitted id, and the id of the existing job.
#[derive(Default)]
struct Existing(HashMap<JobId, JobId>);

impl Existing {
    fn note(&mut self, submitted: JobId, outcome: &Submitted) {
        if let Submitted::Existing(existing) = outcome {
            self.0.insert(submitted, *existing);
        }
    }

    fn resolve(&self, id: JobId) -> JobId {
        self.0.get(&id).copied().unwrap_or(id)
    }

    /// The job with its predecessors resolved, if that changes it.
    fn resolve_predecessors(&self, encoded: &EncodedJob) -> Option<EncodedJob> {
        let after = &encoded.job.after;
        let changes = !self.0.is_empty() && after.iter().any(|id| self.0.contains_key(id));
        changes.then(|| encoded.with_predecessors(after.iter().map(|id| self.resolve(*id)).collect()))
    }
}

impl<'j> Earlier<'j> {
    fn add(&mut self, encoded: &'j EncodedJob, is_cancelled: bool, has_predecessors: bool, limits: Limits) {
        let job = &encoded.job;
        if let Some(key) = &job.idempotency_key {
            self.key_holders.insert(key, encoded);
        }
        if has_predecessors {
            self.are_cancelled.insert(job.id, is_cancelled);
        }
        if limits == Limits::Apply && !is_cancelled {
            *self.queued.entry(&job.name).or_default() += 1;
        }
    }
}

/// Returns the outcome of each job, if it is inserted next. Changes nothing.
pub(super) fn admit(
    jobs: &[EncodedJob],
    limits: Limits,
    statements: &mut Statements<'_>,
) -> Result<Vec<Submitted>, Error> {
    let Statements { specs, live, counters, .. } = statements;
    let has_predecessors = jobs.iter().any(|encoded| encoded.after.is_some());
    let mut earlier = Earlier::default();
    let mut outcomes = Vec::with_capacity(jobs.len());
    for encoded in jobs {
        let outcome = match existing(encoded, &earlier, specs)? {
            Some(outcome) => outcome,
            None => match is_cancelled(encoded, &earlier, live)? {
                Err(missing) => Submitted::NoPredecessor(missing),
                Ok(is_cancelled) => {
                    let full = match limits {
                        Limits::Apply => full(encoded, &earlier, counters)?,
                        Limits::Ignored => None,
                    };
                    if full.is_none() {
                        earlier.add(encoded, is_cancelled, has_predecessors, limits);
                    }
                    full.unwrap_or(Submitted::New)
                }
            },
        };
        earlier.existing.note(encoded.job.id, &outcome);
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

/// The outcome if the job's idempotency key is taken (r25).
fn existing(
    encoded: &EncodedJob,
    earlier: &Earlier<'_>,
    specs: &mut Specs<'_>,
) -> Result<Option<Submitted>, Error> {
    let job = &encoded.job;
    let Some(key) = &job.idempotency_key else { return Ok(None) };
    let holder: Option<(JobId, Arc<str>, Json)> = specs.key_holder(key)?;
    let (id, is_same) = match (holder, earlier.key_holders.get(key)) {
        (Some((id, name, payload)), _) => (id, job.is_same_request(&name, &payload)),
        (None, Some(EncodedJob { job: earlier, .. })) => {
            (earlier.id, job.is_same_request(&earlier.name, &earlier.payload))
        }
        (None, None) => return Ok(None),
    };
    Ok(Some(if is_same { Submitted::Existing(id) } else { Submitted::Mismatch(id) }))
}

/// Whether the job is cancelled from the start because a predecessor is; or the predecessor that does not exist (r26).
fn is_cancelled(
    encoded: &EncodedJob,
    earlier: &Earlier<'_>,
    live: &mut LiveJobs<'_>,
) -> Result<Result<bool, JobId>, Error> {
    let mut cancelled = false;
    for id in &encoded.job.after {
        let resolved = earlier.existing.resolve(*id);
        cancelled |= match (earlier.are_cancelled.get(&resolved), live.find(resolved)?) {
            (Some(is_cancelled), _) => *is_cancelled,
            (None, Some((_, state))) => state == JobState::Cancelled,
            (None, None) => return Ok(Err(*id)),
        };
    }
    Ok(Ok(cancelled))
}

fn full(
    encoded: &EncodedJob,
    earlier: &Earlier<'_>,
    counters: &mut Counters<'_>,
) -> Result<Option<Submitted>, Error> {
    let job = &encoded.job;
    let Some(limit) = job.max_queued else { return Ok(None) };
    let earlier = earlier.queued.get(&*job.name).copied().unwrap_or(0);
    let queued = counters.queued(&job.name)?.saturating_add(earlier);
    Ok((queued >= limit).then_some(Submitted::Full(queued)))
}

/// Inserts the jobs that are new. Returns whether there is something to claim, or a time to wait for, that was not there before.
pub(super) fn insert_new(
    jobs: &[EncodedJob],
    outcomes: &[Submitted],
    statements: &mut Statements<'_>,
) -> Result<bool, Error> {
    let (mut has_work, mut existing) = (false, Existing::default());
    for (encoded, outcome) in jobs.iter().zip(outcomes) {
        existing.note(encoded.job.id, outcome);
        if *outcome == Submitted::New {
            let resolved = existing.resolve_predecessors(encoded);
            has_work |= insert(resolved.as_ref().unwrap_or(encoded), statements)?;
        }
    }
    Ok(has_work)
}

fn insert(encoded: &EncodedJob, statements: &mut Statements<'_>) -> Result<bool, Error> {
    let Statements { specs, live, counters, cache, .. } = statements;
    let job = &encoded.job;
    let seq = counters.next_job()?;
    specs.insert(seq, encoded)?;
    let order_key = job.order_key.as_ref().map(Key::as_str);
    let live_job = LiveJob { seq, name: &job.name, priority: job.priority, order_key, attempts: 0, spent: 0 };
    if let Some(worker) = &job.start {
        live.insert_running(&LiveJob { attempts: 1, order_key: None, ..live_job }, worker, job.created_at)?;
        cache.insert_running(seq, job.id);
        counters.add_queued(&job.name);
        return Ok(false);
    }
    let Some(pending) = wait_for_predecessors(seq, &job.after, live)? else {
        live.insert_cancelled(seq, job.created_at)?;
        return Ok(false);
    };
    let in_lane = match order_key {
        Some(lane) => !live.lanes.enter(lane, seq)?,
        None => false,
    };
    let has_work = live.insert(&live_job, Blockers { in_lane, pending, due_at: job.due_at })?;
    cache.insert_submitted(seq, job.clone(), encoded.text_bytes());
    counters.add_queued(&job.name);
    Ok(has_work)
}

/// Makes a new job wait for those of its predecessors that have not succeeded. Returns their number; `None` if one is cancelled.
fn wait_for_predecessors(seq: i64, after: &[JobId], live: &mut LiveJobs<'_>) -> Result<Option<usize>, Error> {
    if after.is_empty() {
        return Ok(Some(0));
    }
    let mut predecessors = Vec::with_capacity(after.len());
    for id in after {
        match live.find(*id)? {
            Some((_, JobState::Cancelled)) => return Ok(None),
            Some((_, JobState::Succeeded)) => {}
            Some((predecessor, _)) => predecessors.push(predecessor),
            None => return Err(Error::InvalidCall("a new job names a predecessor that does not exist")),
        }
    }
    let mut pending = 0;
    for predecessor in predecessors {
        pending += usize::from(live.insert_predecessor(predecessor, seq)?);
    }
    Ok(Some(pending))
}
