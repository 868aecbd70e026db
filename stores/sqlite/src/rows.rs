//! How rows are read. [`encode`](crate::encode) is the way there.

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use enact::store::{Cursor, JobCount, Lease, PageToken, RunningJob, StoredEntity, StoredEvent};
use enact::{Attempt, CorrelationId, Job, JobContext, JobId, JobState, Json, Key, WorkerId};
use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::ValueRef;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::error::Broken;
use crate::operation::LiveRequest;

/// What [`job`] reads of the view `jobs AS j`, behind the job's `seq`.
macro_rules! job_columns {
    () => {
        "j.id, j.kind, j.name, j.created_at, j.target, j.order_key, j.idempotency_key, j.correlation, j.cause, \
         j.context, j.payload, j.priority, j.after, j.deadline, j.state, j.attempts, j.spent, j.due_at, j.ended_at, j.output, j.failure"
    };
}
pub(crate) use job_columns;

pub(crate) fn job(row: &Row<'_>) -> Result<(PageToken, Job), Broken> {
    job_with(row, |cells| cells.document("payload"))
}

/// Where a job that is ready stands.
pub(crate) struct Ready {
    pub(crate) rank: i64,
    pub(crate) seq: i64,
    pub(crate) attempts: u32,
    pub(crate) spent: u32,
    pub(crate) order_key: Option<String>,
}

/// `rank, seq, attempts, spent, order_key`
pub(crate) fn ready(row: &Row<'_>) -> Result<Ready, Broken> {
    let mut cells = Cells::of(row);
    let mut place = || -> Result<_, Fault> { Ok((cells.number("rank")?, cells.number("seq")?)) };
    let (rank, seq) = place().map_err(|fault| fault.at("ready", "?"))?;
    let mut read = || -> Result<_, Fault> {
        Ok(Ready {
            rank,
            seq,
            attempts: cells.number("attempts")?,
            spent: cells.number("spent")?,
            order_key: cells.optional_text("order_key")?.map(str::to_owned),
        })
    };
    read().map_err(|fault| fault.at("ready", format!("with seq {seq}")))
}

/// `id, kind, name, created_at, target, order_key, idempotency_key, correlation, cause, context, payload, priority, after,
/// deadline` of a job that is claimed, as it is before its first attempt.
///
/// Its payload is taken as it is: one that is no JSON is to fail its own job, not all that are claimed with it.
pub(crate) fn request(seq: i64, row: &Row<'_>) -> Result<Job, Broken> {
    let payload: ReadPayload = |cells| cells.text("payload").map(Json::from_text);
    read_request(&mut Cells::of(row), payload)
        .map_err(|fault| fault.at("requests", format!("with seq {seq}")))
}

/// How a job's payload is read.
type ReadPayload = fn(&mut Cells<'_>) -> Result<Json, Fault>;

fn read_request(cells: &mut Cells<'_>, payload: ReadPayload) -> Result<Job, Fault> {
    Ok(Job {
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
        state: JobState::Running,
        attempts: 0,
        spent: 0,
        due_at: None,
        ended_at: None,
        output: None,
        failure: None,
    })
}

fn job_with(row: &Row<'_>, payload: ReadPayload) -> Result<(PageToken, Job), Broken> {
    let mut cells = Cells::of(row);
    let seq: u64 = cells.number("seq").map_err(|fault| fault.at("jobs", "?"))?;
    let mut read = || -> Result<_, Fault> {
        let request = read_request(&mut cells, payload)?;
        Ok(Job {
            state: cells.parsed("state")?,
            attempts: cells.number("attempts")?,
            spent: cells.number("spent")?,
            due_at: cells.optional_time("due_at")?,
            ended_at: cells.optional_time("ended_at")?,
            output: cells.optional_document("output")?,
            failure: cells.optional_json("failure")?,
            ..request
        })
    };
    let job = read().map_err(|fault| fault.at("jobs", format!("with seq {seq}")))?;
    Ok((PageToken::from_u64(seq), job))
}

/// [`job`]'s columns, then `worker` and `started_at`. Its payload is taken as it is, as by [`request`].
pub(crate) fn running_job(row: &Row<'_>) -> Result<RunningJob, Broken> {
    const JOB_COLUMNS: usize = 22;
    let (place, job) = job_with(row, |cells| cells.text("payload").map(Json::from_text))?;
    let mut cells = Cells { row, next: JOB_COLUMNS };
    let mut read = || -> Result<_, Fault> {
        Ok((WorkerId::from_text(cells.text("worker")?), cells.time("started_at")?))
    };
    let (worker, started_at) =
        read().map_err(|fault| fault.at("jobs", format!("with seq {}", place.as_u64())))?;
    Ok(RunningJob { job, worker, started_at })
}

/// `seq, state` of any job.
pub(crate) fn standing(row: &Row<'_>) -> Result<(i64, JobState), Broken> {
    let mut cells = Cells::of(row);
    let seq = cells.number("seq").map_err(|fault| fault.at("jobs", "?"))?;
    let state = cells.parsed("state").map_err(|fault| fault.at("jobs", format!("with seq {seq}")))?;
    Ok((seq, state))
}

/// `state, ended_at` of any job.
pub(crate) fn end(seq: i64, row: &Row<'_>) -> Result<(JobState, Option<Timestamp>), Broken> {
    let mut cells = Cells::of(row);
    let mut read = || -> Result<_, Fault> { Ok((cells.parsed("state")?, cells.optional_time("ended_at")?)) };
    read().map_err(|fault| fault.at("jobs", format!("with seq {seq}")))
}

/// A job, as far as it can be seen at a glance whether it is to be deleted.
pub(crate) struct Glance {
    pub(crate) seq: i64,
    pub(crate) created_at: Timestamp,
    /// In what it has ended, and when: if it has. One that waits for another attempt looks as if it had failed.
    pub(crate) end: Option<(JobState, Timestamp)>,
}

/// `seq, created_at, cancelled.ended_at, attempts.ended_at, output IS NOT NULL`
pub(crate) fn glance(row: &Row<'_>) -> Result<Glance, Broken> {
    let mut cells = Cells::of(row);
    let seq = cells.number("seq").map_err(|fault| fault.at("requests", "?"))?;
    let mut read = || -> Result<_, Fault> {
        let created_at = cells.time("created_at")?;
        let (cancelled, ended) = (cells.optional_time("ended_at")?, cells.optional_time("ended_at")?);
        let has_output = cells.number::<i64>("output")? != 0;
        let end = match (cancelled, ended) {
            (Some(cancelled), _) => Some((JobState::Cancelled, cancelled)),
            (None, Some(ended)) if has_output => Some((JobState::Succeeded, ended)),
            (None, Some(ended)) => Some((JobState::Failed, ended)),
            (None, None) => None,
        };
        Ok(Glance { seq, created_at, end })
    };
    read().map_err(|fault| fault.at("requests", format!("with seq {seq}")))
}

/// `position, emitted_at`
pub(crate) fn emission(row: &Row<'_>) -> Result<(i64, Timestamp), Broken> {
    let mut cells = Cells::of(row);
    let position = cells.number("position").map_err(|fault| fault.at("events", "?"))?;
    let emitted_at = cells.time("emitted_at");
    Ok((position, emitted_at.map_err(|fault| fault.at("events", format!("with position {position}")))?))
}

/// `id, name, priority, order_key, after IS NOT NULL`
pub(crate) fn live_request(seq: i64, row: &Row<'_>) -> Result<LiveRequest, Broken> {
    let mut cells = Cells::of(row);
    let mut read = || -> Result<_, Fault> {
        Ok(LiveRequest {
            id: cells.parsed("id")?,
            name: cells.text("name")?.to_owned(),
            priority: cells.number("priority")?,
            order_key: cells.optional_text("order_key")?.map(str::to_owned),
            comes_after_others: cells.number::<i64>("after")? != 0,
        })
    };
    read().map_err(|fault| fault.at("requests", format!("with seq {seq}")))
}

/// An attempt that has begun.
pub(crate) struct Underway {
    pub(crate) number: u32,
    pub(crate) worker: WorkerId,
    pub(crate) started_at: Timestamp,
}

/// `attempts, worker, started_at`
pub(crate) fn underway(seq: i64, row: &Row<'_>) -> Result<Underway, Broken> {
    let mut cells = Cells::of(row);
    let mut read = || -> Result<_, Fault> {
        Ok(Underway {
            number: cells.number("attempts")?,
            worker: WorkerId::from_text(cells.text("worker")?),
            started_at: cells.time("started_at")?,
        })
    };
    read().map_err(|fault| fault.at("running", format!("with seq {seq}")))
}

/// `worker, renewals, length`, the last two NULL if the worker never took a lease.
pub(crate) fn lease(row: &Row<'_>) -> Result<Lease, Broken> {
    let mut cells = Cells::of(row);
    let worker = cells.text("worker").map_err(|fault| fault.at("running", "?"))?;
    let mut read = || -> Result<_, Fault> {
        let renewals = cells.optional_number("renewals")?.unwrap_or(0);
        let length = Duration::from_micros(cells.optional_number("length")?.unwrap_or(0));
        Ok(Lease { worker: WorkerId::from_text(worker), renewals, length })
    };
    read().map_err(|fault| fault.at("workers", format!("with id {worker}")))
}

/// `last_tick`
pub(crate) fn last_tick(schedule: &str, row: &Row<'_>) -> Result<Timestamp, Broken> {
    Cells::of(row).time("last_tick").map_err(|fault| fault.at("schedules", format!("with name {schedule}")))
}

/// `number, worker, started_at, ended_at, reached, version_read, version_written, strategies, events, failure`
pub(crate) fn attempt(row: &Row<'_>) -> Result<Attempt, Broken> {
    let mut cells = Cells::of(row);
    let number = cells.number("number").map_err(|fault| fault.at("attempts", "?"))?;
    let mut read = || -> Result<_, Fault> {
        let worker = WorkerId::from_text(cells.text("worker")?);
        let mut attempt = Attempt::begun(number, worker, cells.time("started_at")?);
        attempt.ended_at = cells.optional_time("ended_at")?;
        attempt.reached = cells.optional_parsed("reached")?;
        attempt.version_read = cells.optional_number("version_read")?;
        attempt.version_written = cells.optional_number("version_written")?;
        attempt.strategies = cells.optional_json("strategies")?.unwrap_or_default();
        attempt.events = cells.optional_json("events")?.unwrap_or_default();
        attempt.failure = cells.optional_json("failure")?;
        Ok(attempt)
    };
    read().map_err(|fault| fault.at("attempts", format!("with number {number} of the job asked for")))
}

/// `id, version, body`
pub(crate) fn entity(entity: &str, row: &Row<'_>) -> Result<(Key, StoredEntity), Broken> {
    let mut cells = Cells::of(row);
    let id = cells.text("id").map_err(|fault| fault.at("entities", "?"))?;
    let mut read = || -> Result<_, Fault> {
        Ok(StoredEntity { version: cells.number("version")?, body: cells.document("body")? })
    };
    match read() {
        Ok(stored) => Ok((Key::from_text(id), stored)),
        Err(fault) => Err(fault.at("entities", format!("({entity}, {id})"))),
    }
}

/// `position, id, name, payload, correlation, cause, emitted_at`
pub(crate) fn event(row: &Row<'_>) -> Result<StoredEvent, Broken> {
    let mut cells = Cells::of(row);
    let position = cells.number("position").map_err(|fault| fault.at("events", "?"))?;
    let mut read = || -> Result<_, Fault> {
        Ok(StoredEvent {
            cursor: Cursor::from_u64(position),
            id: cells.parsed("id")?,
            name: cells.text("name")?.into(),
            payload: cells.document("payload")?,
            correlation: CorrelationId::new(cells.text("correlation")?),
            cause: cells.optional_parsed("cause")?,
            emitted_at: cells.time("emitted_at")?,
        })
    };
    read().map_err(|fault| fault.at("events", format!("with position {position}")))
}

/// `id, name, payload` of the job that has an idempotency key.
pub(crate) fn holder(row: &Row<'_>) -> Result<(JobId, String, Json), Broken> {
    let mut cells = Cells::of(row);
    let id = cells.parsed::<JobId>("id").map_err(|fault| fault.at("requests", "?"))?;
    let mut read =
        || -> Result<_, Fault> { Ok((id, cells.text("name")?.to_owned(), cells.document("payload")?)) };
    read().map_err(|fault| fault.at("requests", format!("with id {id}")))
}

/// `due_at`, or NULL
pub(crate) fn next_due(row: &Row<'_>) -> Result<Option<Timestamp>, Broken> {
    Cells::of(row)
        .optional_time("due_at")
        .map_err(|fault| fault.at("waiting", "that waits for the earliest time"))
}

/// `kind, name, state, count`
pub(crate) fn job_count(row: &Row<'_>) -> Result<JobCount, Broken> {
    let mut cells = Cells::of(row);
    let mut read = || -> Result<_, Fault> {
        Ok(JobCount {
            kind: cells.parsed("kind")?,
            name: cells.text("name")?.into(),
            state: cells.parsed("state")?,
            count: cells.number("count")?,
        })
    };
    read().map_err(|fault| fault.at("jobs", "(one of several)"))
}

/// Why a cell could not be read.
struct Fault {
    column: &'static str,
    reason: String,
}

impl Fault {
    fn at(self, table: &'static str, row: impl Into<String>) -> Broken {
        Broken::Row { table, row: row.into(), column: self.column, reason: self.reason }
    }
}

/// The cells of a row, one after another. Each is given its name for the message if it is not what it should be.
struct Cells<'r> {
    row: &'r Row<'r>,
    next: usize,
}

impl<'r> Cells<'r> {
    fn of(row: &'r Row<'r>) -> Self {
        Self { row, next: 0 }
    }

    fn cell(&mut self, column: &'static str) -> Result<ValueRef<'r>, Fault> {
        let cell =
            self.row.get_ref(self.next).map_err(|error| Fault { column, reason: error.to_string() })?;
        self.next += 1;
        Ok(cell)
    }

    fn optional_text(&mut self, column: &'static str) -> Result<Option<&'r str>, Fault> {
        match self.cell(column)? {
            ValueRef::Null => Ok(None),
            ValueRef::Text(bytes) => match str::from_utf8(bytes) {
                Ok(text) => Ok(Some(text)),
                Err(error) => Err(Fault { column, reason: format!("is not UTF-8: {error}") }),
            },
            other => Err(wrong_type(column, "TEXT", other)),
        }
    }

    fn optional_number<T: TryFrom<i64>>(&mut self, column: &'static str) -> Result<Option<T>, Fault> {
        match self.cell(column)? {
            ValueRef::Null => Ok(None),
            ValueRef::Integer(number) => match T::try_from(number) {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(Fault { column, reason: format!("is out of range: {number}") }),
            },
            other => Err(wrong_type(column, "INTEGER", other)),
        }
    }

    fn optional_time(&mut self, column: &'static str) -> Result<Option<Timestamp>, Fault> {
        /// `Timestamp::from_microsecond` would refuse the last second that there is.
        fn time(micros: i64) -> Result<Timestamp, jiff::Error> {
            const MICROS: i64 = 1_000_000;
            let nanos = i32::try_from(micros.rem_euclid(MICROS) * 1000).unwrap_or(0);
            Timestamp::new(micros.div_euclid(MICROS), nanos)
        }
        let micros = self.optional_number(column)?;
        let time = micros.map(time).transpose();
        time.map_err(|error| Fault { column, reason: format!("is no time: {error}") })
    }

    fn optional_parsed<T: FromStr<Err: Display>>(
        &mut self,
        column: &'static str,
    ) -> Result<Option<T>, Fault> {
        self.optional_text(column)?
            .map(|text| {
                text.parse().map_err(|error| Fault { column, reason: format!("holds `{text}`: {error}") })
            })
            .transpose()
    }

    fn optional_json<T: DeserializeOwned>(&mut self, column: &'static str) -> Result<Option<T>, Fault> {
        self.optional_text(column)?.map(|text| parse_json(column, text)).transpose()
    }

    fn optional_document(&mut self, column: &'static str) -> Result<Option<Json>, Fault> {
        let text = self.optional_text(column)?;
        text.map(|text| parse_json::<IgnoredAny>(column, text).map(|_| Json::from_text(text))).transpose()
    }

    fn text(&mut self, column: &'static str) -> Result<&'r str, Fault> {
        self.optional_text(column).and_then(|text| some(column, text))
    }

    fn number<T: TryFrom<i64>>(&mut self, column: &'static str) -> Result<T, Fault> {
        self.optional_number(column).and_then(|number| some(column, number))
    }

    fn time(&mut self, column: &'static str) -> Result<Timestamp, Fault> {
        self.optional_time(column).and_then(|time| some(column, time))
    }

    fn parsed<T: FromStr<Err: Display>>(&mut self, column: &'static str) -> Result<T, Fault> {
        self.optional_parsed(column).and_then(|value| some(column, value))
    }

    fn document(&mut self, column: &'static str) -> Result<Json, Fault> {
        self.optional_document(column).and_then(|document| some(column, document))
    }
}

fn some<T>(column: &'static str, value: Option<T>) -> Result<T, Fault> {
    value.ok_or_else(|| Fault { column, reason: "is NULL".to_owned() })
}

fn wrong_type(column: &'static str, expected: &str, found: ValueRef<'_>) -> Fault {
    Fault { column, reason: format!("is {}, not {expected}", found.data_type()) }
}

fn parse_json<T: DeserializeOwned>(column: &'static str, text: &str) -> Result<T, Fault> {
    serde_json::from_str(text)
        .map_err(|error| Fault { column, reason: format!("is not the JSON expected: {error}") })
}
