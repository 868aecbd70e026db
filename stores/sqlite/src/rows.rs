//! Rows as records. [`encode`](crate::encode) is the other direction.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use enact::store::{
    Cursor, JobCount, JobSpec, KeyHolder, Lease, NewEvent, PageToken, RunningJob, SchedulePosition,
    StoredEntity, StoredEvent,
};
use enact::{Attempt, CorrelationId, Job, JobContext, JobId, JobState, Json, Key, WorkerId};
use jiff::Timestamp;
use rusqlite::Row;

use crate::cells::{CellError, Cells};
use crate::error::Error;

/// The columns of the view `jobs AS j` that [`job`] reads after `seq`.
macro_rules! job_columns {
    () => {
        "j.id, j.kind, j.name, j.created_at, j.target, j.order_key, j.idempotency_key, j.correlation, j.cause, \
         j.context, j.payload, j.priority, j.after, j.deadline, j.depth, j.state, j.attempts, j.spent, j.due_at, j.ended_at, j.output, j.failure"
    };
}
pub(crate) use job_columns;

pub(crate) fn job(row: &Row<'_>) -> Result<(PageToken, Job), Error> {
    job_with(row, |cells| cells.document("payload"))
}

/// A row of `ready`, without its name.
pub(crate) struct Ready {
    pub(crate) priority: i32,
    pub(crate) seq: i64,
    pub(crate) attempts: u32,
    pub(crate) spent: u32,
    pub(crate) order_key: Option<String>,
}

/// `priority, seq, attempts, spent, order_key`
pub(crate) fn ready(row: &Row<'_>) -> Result<Ready, Error> {
    let mut cells = Cells::of(row);
    let mut key = || -> Result<_, CellError> { Ok((cells.number("priority")?, cells.number("seq")?)) };
    let (priority, seq) = key().map_err(|error| error.at("ready", "?"))?;
    let mut read = || -> Result<_, CellError> {
        Ok(Ready {
            priority,
            seq,
            attempts: cells.number("attempts")?,
            spent: cells.number("spent")?,
            order_key: cells.optional_text("order_key")?.map(str::to_owned),
        })
    };
    read().map_err(|error| error.at("ready", with_seq(seq)))
}

/// `id, kind, name, created_at, target, order_key, idempotency_key, correlation, cause, context, payload, priority, after,
/// deadline, depth` of `job_specs`: a running job before its first attempt.
///
/// The payload is not parsed: invalid JSON must fail its own job only, not the whole claim.
pub(crate) fn claimed_job(seq: i64, row: &Row<'_>) -> Result<Job, Error> {
    let payload: ReadPayload = |cells| cells.text("payload").map(Json::from_text);
    let spec = read_spec(&mut Cells::of(row), payload);
    Ok(Job::new(spec.map_err(|error| error.at("job_specs", with_seq(seq)))?, JobState::Running))
}

type ReadPayload = fn(&mut Cells<'_>) -> Result<Json, CellError>;

fn read_spec(cells: &mut Cells<'_>, payload: ReadPayload) -> Result<JobSpec, CellError> {
    Ok(JobSpec {
        id: cells.parsed("id")?,
        kind: cells.parsed("kind")?,
        name: cells.text("name")?.into(),
        created_at: cells.time("created_at")?,
        target: cells.optional_text("target")?.map(Key::from_text),
        order_key: cells.optional_text("order_key")?.map(Key::from_text),
        idempotency_key: cells.optional_text("idempotency_key")?.map(Key::from_text),
        correlation: CorrelationId::new(cells.text("correlation")?),
        cause: cells.optional_parsed("cause")?,
        context: Arc::new(cells.optional_json::<JobContext>("context")?.unwrap_or_default()),
        payload: payload(cells)?,
        priority: cells.number("priority")?,
        after: cells.optional_json("after")?.unwrap_or_default(),
        deadline: cells.optional_time("deadline")?,
        depth: cells.number("depth")?,
    })
}

fn job_with(row: &Row<'_>, payload: ReadPayload) -> Result<(PageToken, Job), Error> {
    let mut cells = Cells::of(row);
    let seq: u64 = cells.number("seq").map_err(|error| error.at("jobs", "?"))?;
    let mut read = || -> Result<_, CellError> {
        let spec = read_spec(&mut cells, payload)?;
        let mut job = Job::new(spec, cells.parsed("state")?);
        job.attempts = cells.number("attempts")?;
        job.spent = cells.number("spent")?;
        job.due_at = cells.optional_time("due_at")?;
        job.ended_at = cells.optional_time("ended_at")?;
        job.output = cells.optional_document("output")?;
        job.failure = cells.optional_json("failure")?;
        Ok(job)
    };
    let job = read().map_err(|error| error.at("jobs", with_seq(seq)))?;
    Ok((PageToken::from_u64(seq), job))
}

/// The columns of [`job`], then `worker, started_at`. The payload is not parsed, as in [`claimed_job`].
pub(crate) fn running_job(row: &Row<'_>) -> Result<RunningJob, Error> {
    const JOB_COLUMNS: usize = 23;
    let (token, job) = job_with(row, |cells| cells.text("payload").map(Json::from_text))?;
    let mut cells = Cells::from_column(row, JOB_COLUMNS);
    let mut read = || -> Result<_, CellError> {
        Ok((WorkerId::from_text(cells.text("worker")?), cells.time("started_at")?))
    };
    let (worker, started_at) = read().map_err(|error| error.at("jobs", with_seq(token.as_u64())))?;
    Ok(RunningJob { job, worker, started_at })
}

/// `seq, state` of a job.
pub(crate) fn state(row: &Row<'_>) -> Result<(i64, JobState), Error> {
    let mut cells = Cells::of(row);
    let seq = cells.number("seq").map_err(|error| error.at("jobs", "?"))?;
    let state = cells.parsed("state").map_err(|error| error.at("jobs", with_seq(seq)))?;
    Ok((seq, state))
}

/// `state, ended_at` of a job.
pub(crate) fn end(seq: i64, row: &Row<'_>) -> Result<(JobState, Option<Timestamp>), Error> {
    let mut cells = Cells::of(row);
    let mut read =
        || -> Result<_, CellError> { Ok((cells.parsed("state")?, cells.optional_time("ended_at")?)) };
    read().map_err(|error| error.at("jobs", with_seq(seq)))
}

/// What tells most jobs to keep from jobs that may be pruned.
pub(crate) struct PruneCandidate {
    pub(crate) seq: i64,
    pub(crate) created_at: Timestamp,
    /// The state in which it ended and when. A job that waits for a retry looks like a failed one.
    pub(crate) end: Option<(JobState, Timestamp)>,
}

/// `seq, created_at, cancelled.ended_at, attempts.ended_at, output IS NOT NULL`
pub(crate) fn prune_candidate(row: &Row<'_>) -> Result<PruneCandidate, Error> {
    let mut cells = Cells::of(row);
    let seq = cells.number("seq").map_err(|error| error.at("job_specs", "?"))?;
    let mut read = || -> Result<_, CellError> {
        let created_at = cells.time("created_at")?;
        let (cancelled, ended) = (cells.optional_time("ended_at")?, cells.optional_time("ended_at")?);
        let has_output = cells.number::<i64>("output")? != 0;
        let end = match (cancelled, ended) {
            (Some(cancelled), _) => Some((JobState::Cancelled, cancelled)),
            (None, Some(ended)) if has_output => Some((JobState::Succeeded, ended)),
            (None, Some(ended)) => Some((JobState::Failed, ended)),
            (None, None) => None,
        };
        Ok(PruneCandidate { seq, created_at, end })
    };
    read().map_err(|error| error.at("job_specs", with_seq(seq)))
}

/// `position, emitted_at`
pub(crate) fn event_time(row: &Row<'_>) -> Result<(i64, Timestamp), Error> {
    let mut cells = Cells::of(row);
    let position = cells.number("position").map_err(|error| error.at("events", "?"))?;
    let emitted_at = cells.time("emitted_at");
    Ok((position, emitted_at.map_err(|error| error.at("events", format!("with position {position}")))?))
}

/// The part of a job's spec that its state changes need.
pub(crate) struct SpecKeys {
    pub(crate) id: JobId,
    pub(crate) name: String,
    pub(crate) priority: i32,
    pub(crate) order_key: Option<String>,
    pub(crate) has_predecessors: bool,
}

/// `id, name, priority, order_key, after IS NOT NULL`
pub(crate) fn spec_keys(seq: i64, row: &Row<'_>) -> Result<SpecKeys, Error> {
    let mut cells = Cells::of(row);
    let mut read = || -> Result<_, CellError> {
        Ok(SpecKeys {
            id: cells.parsed("id")?,
            name: cells.text("name")?.to_owned(),
            priority: cells.number("priority")?,
            order_key: cells.optional_text("order_key")?.map(str::to_owned),
            has_predecessors: cells.number::<i64>("after")? != 0,
        })
    };
    read().map_err(|error| error.at("job_specs", with_seq(seq)))
}

pub(crate) struct RunningAttempt {
    pub(crate) number: u32,
    pub(crate) worker: WorkerId,
    pub(crate) started_at: Timestamp,
}

/// `attempts, worker, started_at`
pub(crate) fn running_attempt(seq: i64, row: &Row<'_>) -> Result<RunningAttempt, Error> {
    let mut cells = Cells::of(row);
    let mut read = || -> Result<_, CellError> {
        Ok(RunningAttempt {
            number: cells.number("attempts")?,
            worker: WorkerId::from_text(cells.text("worker")?),
            started_at: cells.time("started_at")?,
        })
    };
    read().map_err(|error| error.at("running", with_seq(seq)))
}

/// `worker, renewals, length`; the last two are NULL if the worker has no lease.
pub(crate) fn lease(row: &Row<'_>) -> Result<Lease, Error> {
    let mut cells = Cells::of(row);
    let worker = cells.text("worker").map_err(|error| error.at("running", "?"))?;
    let mut read = || -> Result<_, CellError> {
        let renewals = cells.optional_number("renewals")?.unwrap_or(0);
        let length = Duration::from_micros(cells.optional_number("length")?.unwrap_or(0));
        Ok(Lease { worker: WorkerId::from_text(worker), renewals, length })
    };
    read().map_err(|error| error.at("leases", format!("with worker {worker}")))
}

/// `last_tick`
pub(crate) fn last_tick(schedule: &str, row: &Row<'_>) -> Result<Timestamp, Error> {
    Cells::of(row).time("last_tick").map_err(|error| error.at("schedules", format!("with name {schedule}")))
}

/// `last_tick, last_job`
pub(crate) fn schedule_position(schedule: &str, row: &Row<'_>) -> Result<SchedulePosition, Error> {
    let mut cells = Cells::of(row);
    let mut read = || -> Result<_, CellError> {
        Ok(SchedulePosition { tick: cells.time("last_tick")?, job: cells.optional_parsed("last_job")? })
    };
    read().map_err(|error| error.at("schedules", format!("with name {schedule}")))
}

/// `number, worker, started_at, ended_at, reached, version_read, version_written, strategies, events, failure, late_effects`
pub(crate) fn attempt(row: &Row<'_>) -> Result<Attempt, Error> {
    let mut cells = Cells::of(row);
    let number = cells.number("number").map_err(|error| error.at("attempts", "?"))?;
    let mut read = || -> Result<_, CellError> {
        let worker = WorkerId::from_text(cells.text("worker")?);
        let mut attempt = Attempt::begun(number, worker, cells.time("started_at")?);
        attempt.ended_at = cells.optional_time("ended_at")?;
        attempt.reached = cells.optional_parsed("reached")?;
        attempt.version_read = cells.optional_number("version_read")?;
        attempt.version_written = cells.optional_number("version_written")?;
        attempt.strategies = cells.optional_json("strategies")?.unwrap_or_default();
        attempt.events = cells.optional_json("events")?.unwrap_or_default();
        attempt.failure = cells.optional_json("failure")?;
        attempt.late_effects = cells.optional_number("late_effects")?.unwrap_or_default();
        Ok(attempt)
    };
    read().map_err(|error| error.at("attempts", format!("with number {number}")))
}

/// `id, version, body`. The body is not parsed: an entity that cannot be read must not hide the others of a page.
pub(crate) fn entity(entity: &str, row: &Row<'_>) -> Result<(Key, StoredEntity), Error> {
    let mut cells = Cells::of(row);
    let id = cells.text("id").map_err(|error| error.at("entities", "?"))?;
    let mut read = || -> Result<_, CellError> {
        Ok(StoredEntity { version: cells.number("version")?, body: cells.text("body").map(Json::from_text)? })
    };
    match read() {
        Ok(stored) => Ok((Key::from_text(id), stored)),
        Err(error) => Err(error.at("entities", format!("({entity}, {id})"))),
    }
}

/// `position, id, name, payload, correlation, cause, emitted_at`
pub(crate) fn event(row: &Row<'_>) -> Result<StoredEvent, Error> {
    let mut cells = Cells::of(row);
    let position = cells.number("position").map_err(|error| error.at("events", "?"))?;
    let mut read = || -> Result<_, CellError> {
        let event = NewEvent {
            id: cells.parsed("id")?,
            name: cells.text("name")?.into(),
            payload: cells.document("payload")?,
            correlation: CorrelationId::new(cells.text("correlation")?),
            cause: cells.optional_parsed("cause")?,
            emitted_at: cells.time("emitted_at")?,
        };
        Ok(StoredEvent::new(Cursor::from_u64(position), event))
    };
    read().map_err(|error| error.at("events", format!("with position {position}")))
}

/// `id, name, payload` of the job that has an idempotency key.
pub(crate) fn key_holder(row: &Row<'_>) -> Result<KeyHolder, Error> {
    let mut cells = Cells::of(row);
    let id = cells.parsed::<JobId>("id").map_err(|error| error.at("job_specs", "?"))?;
    let mut read = || -> Result<_, CellError> {
        Ok(KeyHolder { id, name: cells.text("name")?.into(), payload: cells.document("payload")? })
    };
    read().map_err(|error| error.at("job_specs", format!("with id {id}")))
}

/// `due_at`, or NULL
pub(crate) fn next_due(row: &Row<'_>) -> Result<Option<Timestamp>, Error> {
    Cells::of(row).optional_time("due_at").map_err(|error| error.at("waiting", "with the earliest due_at"))
}

/// `kind, name, state, count`
pub(crate) fn job_count(row: &Row<'_>) -> Result<JobCount, Error> {
    let mut cells = Cells::of(row);
    let mut read = || -> Result<_, CellError> {
        let (kind, name) = (cells.parsed("kind")?, cells.text("name")?.into());
        Ok(JobCount::new(kind, name, cells.parsed("state")?, cells.number("count")?))
    };
    read().map_err(|error| error.at("jobs", "?"))
}

fn with_seq(seq: impl Display) -> String {
    format!("with seq {seq}")
}
