//! Rows as records. A row that cannot be read is a record with placeholders: it must not hide the other rows of its query.

use std::sync::Arc;
use std::time::Duration;

use enact::store::{
    Cursor, JobCount, JobSpec, KeyHolder, Lease, LiveCount, NewEvent, PageToken, RunningJob,
    SchedulePosition, StoredEntity, StoredEvent,
};
use enact::{
    Attempt, Cause, CorrelationId, Failure, FailureKind, Job, JobContext, JobId, JobKind, JobState, Json,
    Key, Step, WorkerId,
};
use jiff::Timestamp;
use tokio_postgres::Row;

use crate::cells::Cells;
use crate::error::Error;

/// The columns of `job_specs AS s` that [`read_spec`] reads.
macro_rules! spec_columns {
    ($table:literal) => {
        concat!(
            $table,
            ".id, ",
            $table,
            ".kind, ",
            $table,
            ".name, ",
            $table,
            ".created_at, ",
            $table,
            ".target, ",
            $table,
            ".order_key, ",
            $table,
            ".idempotency_key, ",
            $table,
            ".correlation, ",
            $table,
            ".cause, ",
            $table,
            ".context, ",
            $table,
            ".payload, ",
            $table,
            ".priority, ",
            $table,
            ".after, ",
            $table,
            ".deadline, ",
            $table,
            ".depth"
        )
    };
}
pub(crate) use spec_columns;

/// The columns of the view `jobs AS j` that [`job`] reads.
macro_rules! job_columns {
    () => {
        concat!(
            "j.seq, ",
            $crate::rows::spec_columns!("j"),
            ", j.state, j.attempts, j.spent, j.due_at, j.ended_at, j.output, j.failure"
        )
    };
}
pub(crate) use job_columns;

/// The number of columns in [`job_columns`].
const JOB_COLUMNS: usize = 23;

type ReadPayload = fn(&mut Cells<'_>) -> Json;

/// Its own attempt parses it.
fn unparsed(cells: &mut Cells<'_>) -> Json {
    Json::from_text(cells.text("payload"))
}

fn parsed(cells: &mut Cells<'_>) -> Json {
    cells.document("payload")
}

pub(crate) fn job(row: &Row) -> (PageToken, Job) {
    job_with(row, parsed)
}

fn job_with(row: &Row, payload: ReadPayload) -> (PageToken, Job) {
    let mut cells = Cells::of(row);
    let seq: i64 = cells.number("seq");
    let spec = read_spec(&mut cells, payload);
    let state = cells.text("state");
    let mut job = Job::new(spec, state_of(&state));
    job.attempts = cells.number("attempts");
    job.spent = cells.number("spent");
    job.due_at = cells.optional_time("due_at");
    job.ended_at = cells.optional_time("ended_at");
    job.output = cells.optional_document("output");
    job.failure = failure(&mut cells);
    if state == "missing" {
        cells.note("state", "has no row in `live`, `cancelled` or `attempts`");
    }
    job.unreadable = cells.unreadable();
    (PageToken::from_number(seq.cast_unsigned()), job)
}

pub(crate) fn state_of(stored: &str) -> JobState {
    JobState::from_stored_or_placeholder(stored)
}

/// The columns of [`spec_columns`].
fn read_spec(cells: &mut Cells<'_>, payload: ReadPayload) -> JobSpec {
    let id = cells.id("id").into();
    let kind = cells.optional_parsed("kind", JobKind::from_stored);
    JobSpec {
        id,
        kind: kind.unwrap_or_else(|| JobKind::from_stored_or_placeholder("")),
        name: cells.text("name").into(),
        created_at: cells.time("created_at"),
        target: cells.optional_text("target").map(Key::from_text),
        order_key: cells.optional_text("order_key").map(Key::from_text),
        idempotency_key: cells.optional_text("idempotency_key").map(Key::from_text),
        correlation: CorrelationId::new(cells.text("correlation")),
        cause: cells.optional_text("cause").map(|text| Cause::from_stored(&text)),
        context: Arc::new(cells.optional_json::<JobContext>("context").unwrap_or_default()),
        payload: payload(cells),
        priority: cells.short("priority"),
        after: cells.ids("after"),
        deadline: cells.optional_time("deadline"),
        depth: cells.number("depth"),
    }
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

/// A job that may be claimed.
pub(crate) struct Candidate {
    pub(crate) id: JobId,
    pub(crate) queue: usize,
    pub(crate) attempts: u32,
    pub(crate) order_key: Option<String>,
    /// The entity whose line it is in, or has left.
    pub(crate) entity: Option<String>,
    /// Whether another job has the turn of the entity that it binds.
    pub(crate) is_taken: bool,
    /// Whether its attempts may be repeated.
    pub(crate) repeatable: bool,
    /// The job as it is when it is not claimed; `None` if its spec was deleted by hand.
    pub(crate) job: Option<Job>,
}

/// `id, queue, attempts, spent, order_key, entity, is_taken, repeatable`, then the columns of [`spec_columns`].
pub(crate) fn candidate(row: &Row) -> Candidate {
    const LIVE_COLUMNS: usize = 8;
    let mut cells = Cells::of(row);
    let (id, queue) = (cells.id("id").into(), cells.short("queue"));
    let (attempts, spent) = (cells.number("attempts"), cells.number("spent"));
    let order_key = cells.optional_text("order_key").map(Into::into);
    let entity = cells.optional_text("entity").map(Into::into);
    let (is_taken, repeatable) = (cells.boolean("is_taken"), cells.boolean("repeatable"));
    let mut unreadable = cells.unreadable();
    let has_spec = Cells::from_column(row, LIVE_COLUMNS).optional_id("id").is_some();
    let job = has_spec.then(|| {
        let mut cells = Cells::from_column(row, LIVE_COLUMNS);
        let mut job = Job::new(read_spec(&mut cells, unparsed), JobState::Ready);
        (job.attempts, job.spent) = (attempts, spent);
        unreadable.extend(cells.unreadable());
        job.unreadable = unreadable;
        job
    });
    Candidate { id, queue, attempts, order_key, entity, is_taken, repeatable, job }
}

fn worker_id(cells: &mut Cells<'_>, column: &'static str) -> WorkerId {
    WorkerId::from_text(cells.text(column))
}

/// The columns of [`job_columns`], then `worker, started_at, attempts, stage`.
pub(crate) fn running_job(row: &Row) -> RunningJob {
    let (_, mut job) = job_with(row, unparsed);
    let mut cells = Cells::from_column(row, JOB_COLUMNS);
    let (worker, started_at) = (worker_id(&mut cells, "worker"), cells.time("started_at"));
    job.attempts = cells.number("attempts");
    job.unreadable.extend(cells.unreadable());
    RunningJob { job, worker, started_at }
}

/// `id, worker, started_at, attempts, name, stage` of a running job whose spec was deleted by hand.
pub(crate) fn running_without_spec(row: &Row) -> RunningJob {
    let mut cells = Cells::of(row);
    let id = cells.id("id").into();
    cells.note("id", "has no row in `job_specs`");
    let (worker, started_at) = (worker_id(&mut cells, "worker"), cells.time("started_at"));
    let (attempts, name) = (cells.number("attempts"), cells.text("name"));
    let state = match &*cells.text("stage") {
        "held" => JobState::Ready,
        "unreleased" => JobState::Cancelled,
        _ => JobState::Running,
    };
    let kind = JobKind::from_stored_or_placeholder("");
    let spec = JobSpec::new(id, kind, name, Json::from_text(""), started_at);
    let mut job = Job::new(spec, state);
    (job.attempts, job.unreadable) = (attempts, cells.unreadable());
    RunningJob { job, worker, started_at }
}

/// `id, state`
pub(crate) fn state(row: &Row) -> (JobId, JobState) {
    let mut cells = Cells::of(row);
    (cells.id("id").into(), state_of(&cells.text("state")))
}

/// What tells most jobs to keep from jobs that may be pruned.
pub(crate) struct PruneCandidate {
    pub(crate) id: JobId,
    pub(crate) seq: i64,
    pub(crate) created_at: Timestamp,
    /// The state in which it ended and when. A job that waits for a retry looks like a failed one.
    pub(crate) end: Option<(JobState, Timestamp)>,
}

/// `id, seq, created_at, cancelled.ended_at, attempts.ended_at, output IS NOT NULL`
pub(crate) fn prune_candidate(row: &Row) -> PruneCandidate {
    let mut cells = Cells::of(row);
    let (id, seq) = (cells.id("id").into(), cells.number("seq"));
    let created_at = cells.optional_clamped_time("created_at").unwrap_or(Timestamp::MAX);
    let (cancelled, ended) =
        (cells.optional_clamped_time("ended_at"), cells.optional_clamped_time("ended_at"));
    let has_output = cells.boolean("output");
    let end = match (cancelled, ended) {
        (Some(cancelled), _) => Some((JobState::Cancelled, cancelled)),
        (None, Some(ended)) if has_output => Some((JobState::Succeeded, ended)),
        (None, Some(ended)) => Some((JobState::Failed, ended)),
        (None, None) => None,
    };
    PruneCandidate { id, seq, created_at, end }
}

/// `id, state, ended_at` of a job that is about to be pruned.
pub(crate) fn end(row: &Row) -> (JobId, JobState, Option<Timestamp>) {
    let mut cells = Cells::of(row);
    (cells.id("id").into(), state_of(&cells.text("state")), cells.optional_clamped_time("ended_at"))
}

/// `position, emitted_at`
pub(crate) fn event_time(row: &Row) -> (i64, Timestamp) {
    let mut cells = Cells::of(row);
    (cells.number("position"), cells.optional_clamped_time("emitted_at").unwrap_or(Timestamp::MAX))
}

/// `worker, renewals, length`; the last two are NULL if the worker has no lease.
pub(crate) fn lease(row: &Row) -> Lease {
    /// Of a lease whose length cannot be right: its worker may be alive.
    const UNKNOWN_LENGTH: u64 = 60_000_000;
    let mut cells = Cells::of(row);
    let worker = worker_id(&mut cells, "worker");
    let renewals = cells.optional_integer("renewals").unwrap_or(0).cast_unsigned();
    let length = cells.optional_integer("length").unwrap_or(0);
    let length = u64::try_from(length).unwrap_or(UNKNOWN_LENGTH);
    Lease { worker, renewals, length: Duration::from_micros(length) }
}

/// `name, last_tick, last_job`
pub(crate) fn schedule_position(row: &Row) -> Result<SchedulePosition, Error> {
    let mut cells = Cells::of(row);
    let name = cells.text("name").into_owned();
    let position = SchedulePosition {
        tick: cells.time("last_tick"),
        job: cells.optional_id("last_job").map(JobId::from),
    };
    match cells.unreadable().into_iter().next() {
        None => Ok(position),
        Some(unreadable) => {
            Err(Error::Row { table: "schedules", row: format!("with name {name}"), unreadable })
        }
    }
}

/// `job, number, worker, started_at, ended_at, reached, version_read, version_written, strategies, events, failure, late_effects`
pub(crate) fn attempt(row: &Row) -> (JobId, Attempt) {
    let mut cells = Cells::of(row);
    let job = cells.id("job").into();
    let (number, worker) = (cells.number("number"), worker_id(&mut cells, "worker"));
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
    (job, attempt)
}

/// `id, version, body`. The body is not parsed: its own reader does. That of an entity of which a part cannot be read is not
/// JSON.
pub(crate) fn entity(row: &Row) -> (Key, StoredEntity) {
    let mut cells = Cells::of(row);
    let (id, version, body) = (cells.text("id"), cells.number("version"), cells.text("body"));
    let body = match &*cells.unreadable() {
        [] => Json::from_text(body),
        [part, ..] => Json::from_text(format!("({part})")),
    };
    (Key::from_text(id), StoredEntity { version, body })
}

/// `position, id, name, payload, correlation, cause, emitted_at`
pub(crate) fn event(row: &Row) -> StoredEvent {
    let mut cells = Cells::of(row);
    let position: i64 = cells.number("position");
    let event = NewEvent {
        id: cells.id("id").into(),
        name: cells.text("name").into(),
        payload: cells.document("payload"),
        correlation: CorrelationId::new(cells.text("correlation")),
        cause: cells.optional_id("cause").map(JobId::from),
        emitted_at: cells.time("emitted_at"),
    };
    let mut event = StoredEvent::new(Cursor::from_number(position.cast_unsigned()), event);
    event.unreadable = cells.unreadable();
    event
}

/// `key, id, name, payload, state` of the job that has an idempotency key. One that cannot be read is another request than any.
pub(crate) fn key_holder(row: &Row) -> (Key, KeyHolder, JobState) {
    let mut cells = Cells::of(row);
    let key = Key::from_text(cells.text("key"));
    let id = cells.id("id").into();
    let holder = KeyHolder { id, name: cells.text("name").into(), payload: cells.document("payload") };
    let state = state_of(&cells.text("state"));
    let is_readable = !cells.has_unreadable();
    let holder = if is_readable { holder } else { KeyHolder { payload: Json::from_text(""), ..holder } };
    (key, holder, state)
}

/// `due_at`
pub(crate) fn due_at(row: &Row) -> Option<Timestamp> {
    Cells::of(row).optional_clamped_time("due_at")
}

/// `kind, name, state, count`
pub(crate) fn job_count(row: &Row) -> JobCount {
    let mut cells = Cells::of(row);
    let kind = JobKind::from_stored_or_placeholder(&cells.text("kind"));
    let name = cells.text("name").into();
    let state = state_of(&cells.text("state"));
    JobCount::new(kind, name, state, cells.number("count"))
}

/// `name, count`
pub(crate) fn live_count(row: &Row) -> LiveCount {
    let mut cells = Cells::of(row);
    LiveCount::new(cells.text("name").into(), cells.number("count"))
}

/// One text, unescaped.
pub(crate) fn text(row: &Row) -> String {
    Cells::of(row).text("text").into_owned()
}
