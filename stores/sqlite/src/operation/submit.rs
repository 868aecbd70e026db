use std::collections::HashMap;

use enact::store::{NewEvent, Submitted};
use enact::{JobId, JobState, Json, Key};
use rusqlite::{Connection, Statement, params};

use super::counters::Counters;
use super::live::{Hindrances, Live, Standing};
use super::{Operation, prepare};
use crate::encode::{EncodedJob, IdText, time};
use crate::error::Broken;
use crate::recent::Recent;
use crate::rows;

pub(crate) const INSERT_EVENT: &str = "
    INSERT INTO events (position, id, name, payload, correlation, cause, emitted_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

pub(crate) const INSERT_REQUEST: &str = "
    INSERT INTO requests (seq, id, kind, name, created_at, target, order_key, idempotency_key, correlation, cause, context,
        payload, priority, after, deadline)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";

pub(crate) const INSERT_STARTED: &str = "
    INSERT INTO running (seq, attempts, spent, worker, started_at, name) VALUES (?1, 1, 0, ?2, ?3, ?4)";

pub(crate) const SELECT_HOLDER: &str = "
    SELECT id, name, payload FROM requests WHERE idempotency_key = ?1";

/// [`Store::submit`](enact::store::Store::submit).
pub(crate) struct Submitting {
    pub(crate) events: Vec<NewEvent>,
    pub(crate) jobs: Vec<EncodedJob>,
}

impl Operation for Submitting {
    type Answer = Vec<Submitted>;

    fn run(&self, statements: &mut super::Statements<'_>) -> Result<Vec<Submitted>, Broken> {
        let super::Statements { submit, live, counters, .. } = statements;
        let answers = submit.admit(&self.jobs, Limits::Apply, live, counters)?;
        let cannot_be_added = |answer| matches!(answer, &Submitted::Full(_) | &Submitted::NoPredecessor(_));
        if !self.events.is_empty() && answers.iter().any(cannot_be_added) {
            return Ok(answers);
        }
        submit.append(&self.events, counters)?;
        submit.insert_new(&self.jobs, &answers, live, counters)?;
        Ok(answers)
    }

    /// The beginning of what starts at once, and may be repeated, relies on nothing.
    fn relies_on(&self, answer: &Vec<Submitted>, recent: &Recent) -> u64 {
        let all_begin = self.jobs.iter().all(|EncodedJob { job, .. }| job.start.is_some() && job.repeatable);
        let all_are_new = answer.iter().all(|answer| *answer == Submitted::New);
        if self.events.is_empty() && all_begin && all_are_new { 0 } else { recent.transaction() }
    }
}

pub(super) struct Statements<'c> {
    insert_event: Statement<'c>,
    insert_request: Statement<'c>,
    insert_started: Statement<'c>,
    select_holder: Statement<'c>,
    recent: &'c Recent,
}

/// Whether a job may be refused because its queue is full.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Limits {
    Apply,
    Ignored,
}

/// The job that has an idempotency key.
struct Holder {
    id: JobId,
    name: String,
    payload: Json,
}

/// What was found to be new of a call, for what comes behind it in the same call.
#[derive(Default)]
struct Call<'j> {
    /// By their idempotency keys.
    holders: HashMap<&'j Key, &'j EncodedJob>,
    /// Whether they are cancelled at once. Empty if none of the call comes after another job.
    are_cancelled: HashMap<JobId, bool>,
    /// How many will not have ended. Empty if no queue is limited.
    queued: HashMap<&'j str, u64>,
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

    /// The job, if it comes after one of these, as it is to be put on record.
    fn resolve(&self, encoded: &EncodedJob) -> Option<EncodedJob> {
        let after = &encoded.job.after;
        let is_meant = !self.0.is_empty() && after.iter().any(|id| self.0.contains_key(id));
        is_meant.then(|| encoded.coming_after(after.iter().map(|id| self.meant(*id)).collect()))
    }
}

impl<'j> Call<'j> {
    fn add(&mut self, encoded: &'j EncodedJob, is_cancelled: bool, some_come_after: bool, limits: Limits) {
        let job = &encoded.job;
        if let Some(key) = &job.idempotency_key {
            self.holders.insert(key, encoded);
        }
        if some_come_after {
            self.are_cancelled.insert(job.id, is_cancelled);
        }
        if limits == Limits::Apply && !is_cancelled {
            *self.queued.entry(&job.name).or_default() += 1;
        }
    }
}

impl<'c> Statements<'c> {
    pub(super) fn prepare(connection: &'c Connection, recent: &'c Recent) -> rusqlite::Result<Self> {
        Ok(Self {
            insert_event: prepare(connection, INSERT_EVENT)?,
            insert_request: prepare(connection, INSERT_REQUEST)?,
            insert_started: prepare(connection, INSERT_STARTED)?,
            select_holder: prepare(connection, SELECT_HOLDER)?,
            recent,
        })
    }

    pub(super) fn append(&mut self, events: &[NewEvent], counters: &mut Counters<'_>) -> Result<(), Broken> {
        for event in events {
            self.insert_event.execute(params![
                counters.next_event()?,
                IdText::from(event.id),
                event.name,
                event.payload.as_str(),
                event.correlation.as_str(),
                event.cause.map(IdText::from),
                time(event.emitted_at),
            ])?;
        }
        Ok(())
    }

    /// What would become of each of these jobs if they were added. Nothing is changed.
    pub(super) fn admit(
        &mut self,
        jobs: &[EncodedJob],
        limits: Limits,
        live: &mut Live<'_>,
        counters: &mut Counters<'_>,
    ) -> Result<Vec<Submitted>, Broken> {
        let some_come_after = jobs.iter().any(|encoded| encoded.after.is_some());
        let mut call = Call::default();
        let mut answers = Vec::with_capacity(jobs.len());
        for encoded in jobs {
            let answer = match self.existing(encoded, &call)? {
                Some(answer) => answer,
                None => match comes_after(encoded, &call, live)? {
                    Err(missing) => Submitted::NoPredecessor(missing),
                    Ok(is_cancelled) => {
                        let full = match limits {
                            Limits::Apply => full(encoded, &call, counters)?,
                            Limits::Ignored => None,
                        };
                        if full.is_none() {
                            call.add(encoded, is_cancelled, some_come_after, limits);
                        }
                        full.unwrap_or(Submitted::New)
                    }
                },
            };
            call.existing.note(encoded.job.id, &answer);
            answers.push(answer);
        }
        Ok(answers)
    }

    /// The answer if the job's idempotency key is taken, on record or by a job before it (r25).
    fn existing(&mut self, encoded: &EncodedJob, call: &Call<'_>) -> Result<Option<Submitted>, Broken> {
        let job = &encoded.job;
        let Some(key) = &job.idempotency_key else { return Ok(None) };
        let (id, same) = match (self.holder(key)?, call.holders.get(key)) {
            (Some(holder), _) => (holder.id, job.is_same_request(&holder.name, &holder.payload)),
            (None, Some(EncodedJob { job: earlier, .. })) => {
                (earlier.id, job.is_same_request(&earlier.name, &earlier.payload))
            }
            (None, None) => return Ok(None),
        };
        Ok(Some(if same { Submitted::Existing(id) } else { Submitted::Mismatch(id) }))
    }

    fn holder(&mut self, key: &Key) -> Result<Option<Holder>, Broken> {
        let mut rows = self.select_holder.query([key.as_str()])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let (id, name, payload) = rows::holder(row)?;
        Ok(Some(Holder { id, name, payload }))
    }

    /// Adds those jobs that were found to be new. Whether there is something to claim, or to wait for, among them.
    pub(super) fn insert_new(
        &mut self,
        jobs: &[EncodedJob],
        answers: &[Submitted],
        live: &mut Live<'_>,
        counters: &mut Counters<'_>,
    ) -> Result<bool, Broken> {
        let (mut has_work, mut existing) = (false, Existing::default());
        for (encoded, answer) in jobs.iter().zip(answers) {
            existing.note(encoded.job.id, answer);
            if *answer == Submitted::New {
                let resolved = existing.resolve(encoded);
                has_work |= self.insert(resolved.as_ref().unwrap_or(encoded), live, counters)?;
            }
        }
        Ok(has_work)
    }

    fn insert(
        &mut self,
        encoded: &EncodedJob,
        live: &mut Live<'_>,
        counters: &mut Counters<'_>,
    ) -> Result<bool, Broken> {
        let EncodedJob { job, context, after } = encoded;
        let lane = job.order_key.as_ref().map(Key::as_str);
        let seq = counters.next_request()?;
        self.insert_request.execute(params![
            seq,
            IdText::from(job.id),
            job.kind.as_str(),
            job.name,
            time(job.created_at),
            job.target.as_ref().map(Key::as_str),
            lane,
            job.idempotency_key.as_ref().map(Key::as_str),
            job.correlation.as_str(),
            job.cause.map(|cause| cause.to_string()),
            context,
            job.payload.as_str(),
            job.priority,
            after,
            job.deadline.map(time),
        ])?;
        if let Some(worker) = &job.start {
            let attempt = params![seq, worker.as_str(), time(job.created_at), job.name];
            self.insert_started.execute(attempt)?;
            self.recent.note_running(seq, job.id);
            counters.begin(&job.name);
            return Ok(false);
        }
        let Some(pending) = pending(seq, &job.after, live)? else {
            live.cancel(seq, job.created_at)?;
            return Ok(false);
        };
        let in_line = match lane {
            Some(lane) => !live.enter_lane(lane, seq)?,
            None => false,
        };
        let standing =
            Standing { seq, name: &job.name, priority: job.priority, order_key: lane, attempts: 0, spent: 0 };
        let has_work = live.stand(&standing, Hindrances { in_line, pending, due_at: job.due_at })?;
        self.recent.note_request(seq, job.clone(), encoded.texts());
        counters.begin(&job.name);
        Ok(has_work)
    }
}

/// Whether a job comes after one that is cancelled, so that it is, too; as an error, the job that there is not (r26).
fn comes_after(
    encoded: &EncodedJob,
    call: &Call<'_>,
    live: &mut Live<'_>,
) -> Result<Result<bool, JobId>, Broken> {
    let mut cancelled = false;
    for id in &encoded.job.after {
        let meant = call.existing.meant(*id);
        cancelled |= match (call.are_cancelled.get(&meant), live.find(meant)?) {
            (Some(is_cancelled), _) => *is_cancelled,
            (None, Some((_, state))) => state == JobState::Cancelled,
            (None, None) => return Ok(Err(*id)),
        };
    }
    Ok(Ok(cancelled))
}

/// The answer if the job's queue is full.
fn full(
    encoded: &EncodedJob,
    call: &Call<'_>,
    counters: &mut Counters<'_>,
) -> Result<Option<Submitted>, Broken> {
    let job = &encoded.job;
    let Some(limit) = job.max_queued else { return Ok(None) };
    let earlier = call.queued.get(&*job.name).copied().unwrap_or(0);
    let queued = counters.queued(&job.name)?.saturating_add(earlier);
    Ok((queued >= limit).then_some(Submitted::Full(queued)))
}

/// How many of those that a job comes after it has to wait for; `None` if one of them is cancelled.
fn pending(seq: i64, after: &[JobId], live: &mut Live<'_>) -> Result<Option<usize>, Broken> {
    if after.is_empty() {
        return Ok(Some(0));
    }
    let mut awaited = Vec::with_capacity(after.len());
    for id in after {
        match live.find(*id)? {
            Some((_, JobState::Cancelled)) => return Ok(None),
            Some((_, JobState::Succeeded)) => {}
            Some((predecessor, _)) => awaited.push(predecessor),
            None => return Err(Broken::Call("a job was added that comes after one that there is not")),
        }
    }
    let mut pending = 0;
    for predecessor in awaited {
        pending += usize::from(live.wait_for(predecessor, seq)?);
    }
    Ok(Some(pending))
}
