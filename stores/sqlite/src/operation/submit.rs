use enact::store::{NewEvent, Submitted};
use enact::{JobId, Json, Key};
use rusqlite::{Connection, OptionalExtension, Statement, params};

use super::{Operation, prepare};
use crate::encode::{EncodedJob, IdText, time};
use crate::error::Broken;
use crate::recent::Recent;
use crate::rows;

pub(crate) const INSERT_EVENT: &str = "
    INSERT INTO events (id, name, payload, correlation, cause, emitted_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

pub(crate) const INSERT_REQUEST: &str = "
    INSERT INTO requests (id, kind, name, created_at, target, order_key, idempotency_key, correlation, cause, context,
        payload)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";

pub(crate) const INSERT_WAITING: &str = "INSERT INTO waiting (seq, attempts) VALUES (?1, 0)";

pub(crate) const INSERT_READY: &str = "
    INSERT INTO ready (seq, attempts, name, order_key) VALUES (?1, 0, ?2, ?3)";

pub(crate) const INSERT_RUNNING: &str = "
    INSERT INTO running (seq, attempts, worker, started_at) VALUES (?1, 1, ?2, ?3)";

pub(crate) const SELECT_HOLDER: &str = "
    SELECT id, name, payload FROM requests WHERE idempotency_key = ?1";

pub(crate) const SELECT_LANE: &str = "SELECT 1 FROM lanes WHERE order_key = ?1 LIMIT 1";

pub(crate) const INSERT_LANE: &str = "INSERT INTO lanes (order_key, seq) VALUES (?1, ?2)";

/// [`Store::submit`](enact::store::Store::submit).
pub(crate) struct Submitting {
    pub(crate) events: Vec<NewEvent>,
    pub(crate) jobs: Vec<EncodedJob>,
}

impl Operation for Submitting {
    type Answer = Vec<Submitted>;

    fn run(&self, statements: &mut super::Statements<'_>) -> Result<Vec<Submitted>, Broken> {
        let statements = &mut statements.submit;
        statements.append(&self.events)?;
        self.jobs.iter().map(|job| statements.add(job)).collect()
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
    insert_waiting: Statement<'c>,
    insert_ready: Statement<'c>,
    insert_running: Statement<'c>,
    select_holder: Statement<'c>,
    select_lane: Statement<'c>,
    insert_lane: Statement<'c>,
    recent: &'c Recent,
}

/// The job that has an idempotency key.
pub(super) struct Holder {
    pub(super) id: JobId,
    name: String,
    payload: Json,
}

impl Holder {
    pub(super) fn has_requested(&self, job: &EncodedJob) -> bool {
        job.job.is_same_request(&self.name, &self.payload)
    }
}

impl<'c> Statements<'c> {
    pub(super) fn prepare(connection: &'c Connection, recent: &'c Recent) -> rusqlite::Result<Self> {
        Ok(Self {
            insert_event: prepare(connection, INSERT_EVENT)?,
            insert_request: prepare(connection, INSERT_REQUEST)?,
            insert_waiting: prepare(connection, INSERT_WAITING)?,
            insert_ready: prepare(connection, INSERT_READY)?,
            insert_running: prepare(connection, INSERT_RUNNING)?,
            select_holder: prepare(connection, SELECT_HOLDER)?,
            select_lane: prepare(connection, SELECT_LANE)?,
            insert_lane: prepare(connection, INSERT_LANE)?,
            recent,
        })
    }

    pub(super) fn append(&mut self, events: &[NewEvent]) -> Result<(), Broken> {
        for event in events {
            self.insert_event.execute(params![
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

    /// Adds a job, unless its idempotency key is taken (r25).
    pub(super) fn add(&mut self, job: &EncodedJob) -> Result<Submitted, Broken> {
        if let Some(key) = &job.job.idempotency_key
            && let Some(holder) = self.holder(key)?
        {
            let same = holder.has_requested(job);
            return Ok(if same { Submitted::Existing(holder.id) } else { Submitted::Mismatch(holder.id) });
        }
        self.insert(job)?;
        Ok(Submitted::New)
    }

    pub(super) fn holder(&mut self, key: &Key) -> Result<Option<Holder>, Broken> {
        let mut rows = self.select_holder.query([key.as_str()])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let (id, name, payload) = rows::holder(row)?;
        Ok(Some(Holder { id, name, payload }))
    }

    fn insert(&mut self, encoded: &EncodedJob) -> Result<(), Broken> {
        let EncodedJob { job, context } = encoded;
        let lane = job.order_key.as_ref().map(Key::as_str);
        let seq = self.insert_request.insert(params![
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
        ])?;
        if let Some(worker) = &job.start {
            self.insert_running.execute(params![seq, worker.as_str(), time(job.created_at)])?;
            self.recent.note_running(seq, job.id);
            return Ok(());
        }
        match lane {
            Some(lane) if self.enter(lane, seq)? => self.insert_waiting.execute([seq])?,
            _ => self.insert_ready.execute(params![seq, job.name, lane])?,
        };
        self.recent.note_request(seq, job.clone(), encoded.texts());
        Ok(())
    }

    /// Puts a job at the end of a lane (r26). Whether others are before it.
    fn enter(&mut self, lane: &str, seq: i64) -> Result<bool, Broken> {
        let ahead = self.select_lane.query_row([lane], |_| Ok(())).optional()?;
        self.insert_lane.execute(params![lane, seq])?;
        Ok(ahead.is_some())
    }
}
