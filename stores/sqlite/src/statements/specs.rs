use enact::store::KeyHolder;
use enact::{Job, JobId, Key};
use rusqlite::{OptionalExtension, params};

use super::names::NameId;
use super::prepare::statements;
use crate::encode::{EncodedJob, IdText, time};
use crate::error::Error;
use crate::raw_text::{RawText, seq_of_id};
use crate::rows::{self, SpecKeys};

statements! { Specs {
    insert_spec: "
        INSERT INTO job_specs (seq, id, name, created_at, target, order_key, idempotency_key, correlation, cause,
            context, payload, priority, after, deadline, depth)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
    select_spec: "
        SELECT s.id, n.kind, n.name, s.created_at, s.target, s.order_key, s.idempotency_key, s.correlation, s.cause, s.context,
            s.payload, s.priority, s.after, s.deadline, s.depth
        FROM job_specs AS s LEFT JOIN names AS n ON n.id = s.name WHERE s.seq = ?1",
    select_spec_keys: "SELECT id, name, priority, order_key, after IS NOT NULL FROM job_specs WHERE seq = ?1",
    select_target: "SELECT target FROM job_specs WHERE seq = ?1",
    select_seq: "SELECT seq FROM job_specs WHERE id = ?1",
    /// The last job of the key, unless it is cancelled. All before it are.
    select_key_holder: "
        SELECT s.seq, s.id, n.name, s.payload FROM job_specs AS s LEFT JOIN names AS n ON n.id = s.name
        WHERE s.seq = (SELECT max(seq) FROM job_specs WHERE idempotency_key = ?1)
            AND NOT EXISTS (SELECT 1 FROM cancelled AS c WHERE c.seq = s.seq)",
} }

impl Specs<'_> {
    pub(crate) fn insert(&mut self, seq: i64, name: NameId, encoded: &EncodedJob) -> Result<(), Error> {
        let EncodedJob { job, context, after } = encoded;
        self.insert_spec.execute(params![
            seq,
            IdText::from(job.id),
            name,
            time(job.created_at),
            job.target.as_ref().map(Key::as_str),
            job.order_key.as_ref().map(Key::as_str),
            job.idempotency_key.as_ref().map(Key::as_str),
            job.correlation.as_str(),
            job.cause.as_ref().map(ToString::to_string),
            context,
            job.payload.as_str(),
            job.priority,
            after,
            job.deadline.map(time),
            job.depth,
        ])?;
        Ok(())
    }

    /// The job as it is claimed for the first time; `None` if its spec was deleted by hand.
    pub(crate) fn claimed_job(&mut self, seq: i64) -> Result<Option<Job>, Error> {
        let mut rows = self.select_spec.query([seq])?;
        Ok(rows.next()?.map(|row| rows::claimed_job(seq, row)))
    }

    /// `None` if the spec was deleted by hand.
    pub(crate) fn keys(&mut self, seq: i64) -> Result<Option<SpecKeys>, Error> {
        let mut rows = self.select_spec_keys.query([seq])?;
        Ok(rows.next()?.map(|row| rows::spec_keys(seq, row)))
    }

    /// The target of a job, as text.
    pub(crate) fn target(&mut self, seq: i64) -> Result<Option<String>, Error> {
        let target: Option<Option<RawText>> =
            self.select_target.query_row([seq], |row| row.get(0)).optional()?;
        Ok(target.flatten().map(|target| target.to_text().into_owned()))
    }

    pub(crate) fn seq(&mut self, id: JobId) -> Result<Option<i64>, Error> {
        if let Some(seq) = seq_of_id(id) {
            return Ok(Some(seq));
        }
        Ok(self.select_seq.query_row([IdText::from(id)], |row| row.get(0)).optional()?)
    }

    /// The job that has an idempotency key.
    pub(crate) fn key_holder(&mut self, key: &Key) -> Result<Option<KeyHolder>, Error> {
        let mut rows = self.select_key_holder.query([key.as_str()])?;
        Ok(rows.next()?.map(rows::key_holder))
    }
}
