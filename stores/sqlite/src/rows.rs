//! Rows as records. [`encode`](crate::encode) is the other direction.
//!
//! A row that cannot be read is a record with placeholders: it must not hide the other rows of its query.

use std::sync::Arc;
use std::time::Duration;

use enact::store::{
    Cursor, JobCount, JobSpec, KeyHolder, Lease, NewEvent, PageToken, RunningJob, SchedulePosition,
    StoredEntity, StoredEvent,
};
use enact::{
    Attempt, Cause, CorrelationId, EventId, Failure, FailureKind, Job, JobContext, JobId, JobKind, JobState,
    Json, Key, Step, Unreadable, WorkerId,
};
use jiff::Timestamp;
use rusqlite::Row;

use crate::cells::Cells;
use crate::error::Error;
use crate::raw_text::{RawText, id_of_seq, worker};
use crate::statements::names::{NameId, is_count};

/// The columns of the view `jobs AS j` that [`job`] reads after `seq`.
macro_rules! job_columns {
    () => {
        "j.id, j.kind, j.name, j.created_at, j.target, j.order_key, j.idempotency_key, j.correlation, j.cause, \
         j.context, j.payload, j.priority, j.after, j.deadline, j.depth, j.state, j.attempts, j.spent, j.due_at, j.ended_at, j.output, j.failure"
    };
}
pub(crate) use job_columns;

pub(crate) fn job(row: &Row<'_>) -> (PageToken, Job) {
    job_with(row, |cells| cells.document("payload"))
}

/// A row of `ready`, without its name.
pub(crate) struct Ready {
    pub(crate) priority: i64,
    pub(crate) seq: i64,
    pub(crate) attempts: u32,
    pub(crate) spent: u32,
    pub(crate) order_key: Option<String>,
    /// The entity whose line it has left.
    pub(crate) promoted: Option<RawText>,
    pub(crate) unreadable: Vec<Unreadable>,
}

/// `priority, seq, attempts, spent, order_key, entity`
pub(crate) fn ready(row: &Row<'_>) -> Ready {
    let mut cells = Cells::of(row);
    Ready {
        priority: cells.number("priority"),
        seq: cells.number("seq"),
        attempts: cells.number("attempts"),
        spent: cells.number("spent"),
        order_key: cells.optional_text("order_key").map(Into::into),
        promoted: cells.optional_raw_text("entity"),
        unreadable: cells.unreadable(),
    }
}

/// `id, kind, name, created_at, target, order_key, idempotency_key, correlation, cause, context, payload, priority, after,
/// deadline, depth` of `job_specs`: a running job before its first attempt.
///
/// The payload is not parsed, which its own attempt does.
pub(crate) fn claimed_job(seq: i64, row: &Row<'_>) -> Job {
    let mut cells = Cells::of(row);
    let mut job = Job::new(read_spec(seq, &mut cells, unparsed), JobState::Running);
    job.unreadable = cells.unreadable();
    job
}

type ReadPayload = fn(&mut Cells<'_>) -> Json;

fn unparsed(cells: &mut Cells<'_>) -> Json {
    Json::from_text(cells.text("payload"))
}

/// The id of a job; one made of the sequence number if it is not as this crate writes ids, so that it could not be found by it.
fn job_id(seq: i64, cells: &mut Cells<'_>) -> JobId {
    let id =
        cells.optional_parsed("id", |text| text.parse().ok().filter(|id: &JobId| id.to_string() == text));
    id.unwrap_or_else(|| id_of_seq(seq))
}

fn read_spec(seq: i64, cells: &mut Cells<'_>, payload: ReadPayload) -> JobSpec {
    JobSpec {
        id: job_id(seq, cells),
        kind: parsed_or(cells, "kind", JobKind::from_stored, JobKind::from_stored_or_placeholder("")),
        name: cells.text("name").into(),
        created_at: cells.time("created_at"),
        target: cells.optional_text("target").map(Key::from_text),
        order_key: cells.optional_text("order_key").map(Key::from_text),
        idempotency_key: cells.optional_text("idempotency_key").map(Key::from_text),
        correlation: CorrelationId::new(cells.text("correlation")),
        cause: cells.optional_text("cause").map(|text| Cause::from_stored(&text)),
        context: Arc::new(cells.optional_json::<JobContext>("context").unwrap_or_default()),
        payload: payload(cells),
        priority: cells.number("priority"),
        after: cells.optional_json("after").unwrap_or_default(),
        deadline: cells.optional_time("deadline"),
        depth: cells.number("depth"),
    }
}

fn parsed_or<T>(
    cells: &mut Cells<'_>,
    column: &'static str,
    parse: fn(&str) -> Option<T>,
    placeholder: T,
) -> T {
    cells.optional_parsed(column, parse).unwrap_or(placeholder)
}

/// A failure that cannot be read is one that says so.
fn failure(cells: &mut Cells<'_>) -> Option<Failure> {
    let text = cells.optional_text("failure")?;
    Some(serde_json::from_str(&text).unwrap_or_else(|_| {
        cells.note("failure", "does not have the expected form");
        let message = "the job has failed, but its stored failure cannot be read";
        Failure::new(FailureKind::Error, "unreadable_failure", message)
    }))
}

fn job_with(row: &Row<'_>, payload: ReadPayload) -> (PageToken, Job) {
    let mut cells = Cells::of(row);
    let seq: i64 = cells.number("seq");
    let spec = read_spec(seq, &mut cells, payload);
    let state =
        parsed_or(&mut cells, "state", JobState::from_stored, JobState::from_stored_or_placeholder(""));
    let mut job = Job::new(spec, state);
    job.attempts = cells.number("attempts");
    job.spent = cells.number("spent");
    job.due_at = cells.optional_time("due_at");
    job.ended_at = cells.optional_time("ended_at");
    job.output = cells.optional_document("output");
    job.failure = failure(&mut cells);
    job.unreadable = cells.unreadable();
    (PageToken::from_number(seq.cast_unsigned()), job)
}

/// The columns of [`job`], then `worker, started_at, attempts, cancelled`. The payload is not parsed, as in [`claimed_job`].
pub(crate) fn running_job(row: &Row<'_>) -> RunningJob {
    const JOB_COLUMNS: usize = 23;
    let (_, mut job) = job_with(row, unparsed);
    let mut cells = Cells::from_column(row, JOB_COLUMNS);
    let (worker, started_at) = (worker_id(&mut cells), cells.time("started_at"));
    // Also if its other rows were deleted by hand.
    job.attempts = cells.number("attempts");
    if cells.number::<i64>("cancelled") != 0 {
        job.state = JobState::Cancelled;
    }
    job.unreadable.extend(cells.unreadable());
    RunningJob { job, worker, started_at }
}

/// `seq, worker, started_at, attempts, name, begun, cancelled` of a running job without a spec.
pub(crate) fn running_without_spec(row: &Row<'_>) -> RunningJob {
    let mut cells = Cells::of(row);
    let seq = cells.number("seq");
    cells.note("seq", "has no row in `job_specs`");
    let (worker, started_at) = (worker_id(&mut cells), cells.time("started_at"));
    let (attempts, name) = (cells.number("attempts"), cells.text("name"));
    let state = match (cells.number::<i64>("begun"), cells.number::<i64>("cancelled")) {
        (0, _) => JobState::Ready,
        (_, 0) => JobState::Running,
        _ => JobState::Cancelled,
    };
    let kind = JobKind::from_stored_or_placeholder("");
    let spec = JobSpec::new(id_of_seq(seq), kind, name, Json::from_text(""), started_at);
    let mut job = Job::new(spec, state);
    (job.attempts, job.unreadable) = (attempts, cells.unreadable());
    RunningJob { job, worker, started_at }
}

/// The number of a name.
fn name_id(cells: &mut Cells<'_>) -> NameId {
    cells.number::<i64>("name").into()
}

fn worker_id(cells: &mut Cells<'_>) -> WorkerId {
    worker(cells.optional_bytes("worker").unwrap_or_default())
}

/// `seq, state` of a job.
pub(crate) fn state(row: &Row<'_>) -> (i64, JobState) {
    let mut cells = Cells::of(row);
    (cells.number("seq"), JobState::from_stored_or_placeholder(&cells.text("state")))
}

/// `state, ended_at` of a job.
pub(crate) fn end(row: &Row<'_>) -> (JobState, Option<Timestamp>) {
    let mut cells = Cells::of(row);
    let state = JobState::from_stored_or_placeholder(&cells.text("state"));
    (state, cells.optional_clamped_time("ended_at"))
}

/// What tells most jobs to keep from jobs that may be pruned.
pub(crate) struct PruneCandidate {
    pub(crate) seq: i64,
    pub(crate) created_at: Timestamp,
    /// The state in which it ended and when. A job that waits for a retry looks like a failed one.
    pub(crate) end: Option<(JobState, Timestamp)>,
}

/// `seq, created_at, cancelled.ended_at, attempts.ended_at, output IS NOT NULL`
pub(crate) fn prune_candidate(row: &Row<'_>) -> PruneCandidate {
    let mut cells = Cells::of(row);
    let seq = cells.number("seq");
    let created_at = cells.optional_clamped_time("created_at").unwrap_or(Timestamp::MAX);
    let (cancelled, ended) =
        (cells.optional_clamped_time("ended_at"), cells.optional_clamped_time("ended_at"));
    let has_output = cells.number::<i64>("output") != 0;
    let end = match (cancelled, ended) {
        (Some(cancelled), _) => Some((JobState::Cancelled, cancelled)),
        (None, Some(ended)) if has_output => Some((JobState::Succeeded, ended)),
        (None, Some(ended)) => Some((JobState::Failed, ended)),
        (None, None) => None,
    };
    PruneCandidate { seq, created_at, end }
}

/// `position, emitted_at`
pub(crate) fn event_time(row: &Row<'_>) -> (i64, Timestamp) {
    let mut cells = Cells::of(row);
    (cells.number("position"), cells.optional_clamped_time("emitted_at").unwrap_or(Timestamp::MAX))
}

/// The part of a job's spec that its state changes need.
pub(crate) struct SpecKeys {
    pub(crate) id: JobId,
    pub(crate) name: NameId,
    pub(crate) priority: i32,
    pub(crate) order_key: Option<String>,
    pub(crate) has_predecessors: bool,
    pub(crate) unreadable: Vec<Unreadable>,
}

/// `id, name, priority, order_key, after IS NOT NULL`
pub(crate) fn spec_keys(seq: i64, row: &Row<'_>) -> SpecKeys {
    let mut cells = Cells::of(row);
    SpecKeys {
        id: job_id(seq, &mut cells),
        name: name_id(&mut cells),
        priority: cells.number("priority"),
        order_key: cells.optional_text("order_key").map(Into::into),
        has_predecessors: cells.number::<i64>("after") != 0,
        unreadable: cells.unreadable(),
    }
}

/// A running job whose attempt may be committed.
pub(crate) struct FencedJob {
    pub(crate) seq: i64,
    pub(crate) name: NameId,
    pub(crate) order_key: Option<String>,
    pub(crate) spent: u32,
    /// The entity whose turn it has.
    pub(crate) turn: Option<RawText>,
    pub(crate) unreadable: Vec<Unreadable>,
}

/// `name, order_key, spent, entity`
pub(crate) fn fenced_job(seq: i64, row: &Row<'_>) -> FencedJob {
    let mut cells = Cells::of(row);
    FencedJob {
        seq,
        name: name_id(&mut cells),
        order_key: cells.optional_text("order_key").map(Into::into),
        spent: cells.number("spent"),
        turn: cells.optional_raw_text("entity"),
        unreadable: cells.unreadable(),
    }
}

pub(crate) struct RunningAttempt {
    pub(crate) name: NameId,
    pub(crate) number: u32,
    pub(crate) worker: WorkerId,
    pub(crate) started_at: Timestamp,
    /// `false`: the worker holds the job.
    pub(crate) has_begun: bool,
}

/// `name, attempts, worker, started_at, begun`
pub(crate) fn running_attempt(row: &Row<'_>) -> RunningAttempt {
    let mut cells = Cells::of(row);
    RunningAttempt {
        name: name_id(&mut cells),
        number: cells.number("attempts"),
        worker: worker_id(&mut cells),
        started_at: cells.time("started_at"),
        has_begun: cells.number::<i64>("begun") != 0,
    }
}

/// A job that a worker runs or holds no more.
pub(crate) struct Released {
    /// Those before the one that was released.
    pub(crate) attempts: u32,
    pub(crate) spent: u32,
    pub(crate) name: NameId,
    pub(crate) order_key: Option<String>,
    /// `false`: the worker held the job.
    pub(crate) has_begun: bool,
    pub(crate) is_cancelled: bool,
    /// The entity whose turn it had.
    pub(crate) turn: Option<RawText>,
    pub(crate) unreadable: Vec<Unreadable>,
}

/// `attempts, spent, name, order_key, begun, cancelled, entity`
pub(crate) fn released(row: &Row<'_>) -> Released {
    let mut cells = Cells::of(row);
    let (attempts, spent) = (cells.number::<u32>("attempts"), cells.number("spent"));
    let (name, order_key) = (name_id(&mut cells), cells.optional_text("order_key").map(Into::into));
    let has_begun = cells.number::<i64>("begun") != 0;
    let is_cancelled = cells.number::<i64>("cancelled") != 0;
    let turn = cells.optional_raw_text("entity");
    let attempts = attempts.saturating_sub(u32::from(has_begun));
    Released {
        attempts,
        spent,
        name,
        order_key,
        has_begun,
        is_cancelled,
        turn,
        unreadable: cells.unreadable(),
    }
}

/// `worker, renewals, length`; the last two are NULL if the worker has no lease.
pub(crate) fn lease(row: &Row<'_>) -> Lease {
    /// Of a lease whose length cannot be read: its worker may be alive.
    const UNKNOWN_LENGTH: i64 = 60_000_000;
    let mut cells = Cells::of(row);
    let worker = worker_id(&mut cells);
    let renewals = cells.optional_number::<i64>("renewals").unwrap_or(0).cast_unsigned();
    let length = cells.optional_number::<i64>("length").unwrap_or(0);
    let length = u64::try_from(length).unwrap_or(UNKNOWN_LENGTH.unsigned_abs());
    Lease { worker, renewals, length: Duration::from_micros(length) }
}

/// `last_tick`
pub(crate) fn last_tick(schedule: &str, row: &Row<'_>) -> Result<Timestamp, Error> {
    let mut cells = Cells::of(row);
    let last = cells.time("last_tick");
    readable(schedule, cells, last)
}

/// `last_tick, last_job`
pub(crate) fn schedule_position(schedule: &str, row: &Row<'_>) -> Result<SchedulePosition, Error> {
    let mut cells = Cells::of(row);
    let position = SchedulePosition {
        tick: cells.time("last_tick"),
        job: cells.optional_parsed("last_job", |text| text.parse().ok()),
    };
    readable(schedule, cells, position)
}

fn readable<T>(schedule: &str, cells: Cells<'_>, value: T) -> Result<T, Error> {
    match cells.unreadable().into_iter().next() {
        None => Ok(value),
        Some(unreadable) => {
            Err(Error::Row { table: "schedules", row: format!("with name {schedule}"), unreadable })
        }
    }
}

/// `number, worker, started_at, ended_at, reached, version_read, version_written, strategies, events, failure, late_effects`
pub(crate) fn attempt(row: &Row<'_>) -> Attempt {
    let mut cells = Cells::of(row);
    let (number, worker) = (cells.number("number"), worker_id(&mut cells));
    let mut attempt = Attempt::begun(number, worker, cells.time("started_at"));
    attempt.ended_at = cells.optional_time("ended_at");
    attempt.reached = cells.optional_parsed("reached", Step::from_stored);
    attempt.version_read = cells.optional_number("version_read");
    attempt.version_written = cells.optional_number("version_written");
    attempt.strategies = cells.optional_json("strategies").unwrap_or_default();
    attempt.events = cells.optional_json("events").unwrap_or_default();
    attempt.failure = failure(&mut cells);
    attempt.late_effects = cells.optional_number("late_effects").unwrap_or_default();
    attempt.unreadable = cells.unreadable();
    attempt
}

/// `id, version, body`. The body is not parsed: its own reader does. That of an entity of which a part cannot be read is not
/// JSON.
pub(crate) fn entity(row: &Row<'_>) -> (Key, StoredEntity) {
    let mut cells = Cells::of(row);
    let (id, version, body) = (cells.text("id"), cells.number("version"), cells.text("body"));
    let body = match &*cells.unreadable() {
        [] => Json::from_text(body),
        [part, ..] => Json::from_text(format!("({part})")),
    };
    (Key::from_text(id), StoredEntity { version, body })
}

/// `position, id, name, payload, correlation, cause, emitted_at`
pub(crate) fn event(row: &Row<'_>) -> StoredEvent {
    let mut cells = Cells::of(row);
    let position: i64 = cells.number("position");
    let id = cells.optional_parsed("id", |text| text.parse().ok());
    let event = NewEvent {
        id: id.unwrap_or_else(no_event),
        name: cells.text("name").into(),
        payload: cells.document("payload"),
        correlation: CorrelationId::new(cells.text("correlation")),
        cause: cells.optional_parsed("cause", |text| text.parse().ok()),
        emitted_at: cells.time("emitted_at"),
    };
    let mut event = StoredEvent::new(Cursor::from_number(position.cast_unsigned()), event);
    event.unreadable = cells.unreadable();
    event
}

/// The placeholder of an event's id.
fn no_event() -> EventId {
    "ffffffff-ffff-ffff-ffff-ffffffffffff".parse().expect("it has the form of an id")
}

/// `seq, id, name, payload` of the job that has an idempotency key. One that cannot be read is another request than any.
pub(crate) fn key_holder(row: &Row<'_>) -> KeyHolder {
    let mut cells = Cells::of(row);
    let seq = cells.number("seq");
    let id = job_id(seq, &mut cells);
    let holder = KeyHolder { id, name: cells.text("name").into(), payload: cells.document("payload") };
    if cells.has_unreadable() { KeyHolder { payload: Json::from_text(""), ..holder } } else { holder }
}

/// `due_at`, or NULL
pub(crate) fn next_due(row: &Row<'_>) -> Option<Timestamp> {
    Cells::of(row).optional_clamped_time("due_at")
}

/// `kind, name, waiting, ready, running, succeeded, failed, cancelled` of a name; `None` if a count cannot be right.
pub(crate) fn counts(row: &Row<'_>) -> Option<Vec<JobCount>> {
    use JobState::{Cancelled, Failed, Ready, Running, Succeeded, Waiting};

    let mut cells = Cells::of(row);
    let kind = JobKind::from_stored_or_placeholder(&cells.text("kind"));
    let name: Arc<str> = cells.text("name").into();
    let mut count = |state: JobState| {
        let count = cells.optional_number("count").filter(|count| is_count(*count))?;
        Some(JobCount::new(kind, name.clone(), state, count.unsigned_abs()))
    };
    [Waiting, Ready, Running, Succeeded, Failed, Cancelled].into_iter().map(&mut count).collect()
}

/// `kind, name, state, count`
pub(crate) fn job_count(row: &Row<'_>) -> JobCount {
    let mut cells = Cells::of(row);
    let kind = JobKind::from_stored_or_placeholder(&cells.text("kind"));
    let name = cells.text("name").into();
    let state = JobState::from_stored_or_placeholder(&cells.text("state"));
    JobCount::new(kind, name, state, cells.number("count"))
}
