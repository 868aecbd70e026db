use enact::store::{Commit, CommitError, EntityKey, EntityWrite, Next, StoreError, StoredEntity};
use enact::{JobId, Step};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Statement, params};

use super::{Operation, prepare, submit};
use crate::encode::{EncodedJob, IdText, integer, json, time};
use crate::error::Broken;
use crate::recent::Recent;

/// The fence (r23).
pub(crate) const SELECT_FENCED: &str = "
    SELECT order_key FROM running WHERE seq = ?1 AND worker = ?2 AND attempts = ?3";

pub(crate) const SELECT_SEQ: &str = "SELECT seq FROM requests WHERE id = ?1";

pub(crate) const SELECT_LEASE: &str = "SELECT lease_until FROM workers WHERE id = ?1";

pub(crate) const INSERT_ENTITY: &str = "
    INSERT INTO entities (entity, id, version, body) VALUES (?1, ?2, 1, ?3) ON CONFLICT DO NOTHING";

pub(crate) const UPDATE_ENTITY: &str = "
    UPDATE entities SET version = version + 1, body = ?3 WHERE entity = ?1 AND id = ?2 AND version = ?4";

pub(crate) const SELECT_VERSION: &str = "SELECT version FROM entities WHERE entity = ?1 AND id = ?2";

pub(crate) const INSERT_ATTEMPT: &str = "
    INSERT INTO attempts (job, number, worker, started_at, ended_at, reached, version_read, version_written,
        strategies, events, failure, output)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";

pub(crate) const DELETE_RUNNING: &str = "DELETE FROM running WHERE seq = ?1";

pub(crate) const INSERT_RETRIED: &str = "INSERT INTO waiting (seq, attempts, due_at) VALUES (?1, ?2, ?3)";

pub(crate) const DELETE_LANE: &str = "DELETE FROM lanes WHERE order_key = ?1 AND seq = ?2";

pub(crate) const SELECT_HEAD: &str = "SELECT seq FROM lanes WHERE order_key = ?1 ORDER BY seq LIMIT 1";

/// The first in a lane becomes ready, unless it waits for a time (r26).
pub(crate) const INSERT_HEAD: &str = "
    INSERT INTO ready (seq, attempts, name, order_key)
    SELECT w.seq, w.attempts, r.name, r.order_key
    FROM waiting AS w CROSS JOIN requests AS r ON r.seq = w.seq
    WHERE w.seq = ?1 AND w.due_at IS NULL";

pub(crate) const DELETE_HEAD: &str = "DELETE FROM waiting WHERE seq = ?1";

/// [`Store::commit`](enact::store::Store::commit).
pub(crate) struct Committing {
    commit: Commit,
    jobs: Vec<EncodedJob>,
    /// The variants that were chosen as a JSON array; `None` if there are none.
    strategies: Option<String>,
    /// The ids of the attempt's events as a JSON array; `None` if there are none.
    events: Option<String>,
    failure: Option<String>,
}

impl Committing {
    /// Encodes what takes time to encode.
    pub(crate) fn of(mut commit: Commit) -> Result<Self, StoreError> {
        let attempt = &commit.attempt;
        let strategies = match attempt.strategies.as_slice() {
            [] => None,
            strategies => Some(json("the attempt's strategies", strategies)?),
        };
        let events = match attempt.events.as_slice() {
            [] => None,
            events => Some(json("the attempt's events", events)?),
        };
        let failure =
            attempt.failure.as_ref().map(|failure| json("the attempt's failure", failure)).transpose()?;
        let jobs = EncodedJob::all(std::mem::take(&mut commit.jobs))?;
        Ok(Self { commit, jobs, strategies, events, failure })
    }
}

impl Operation for Committing {
    type Answer = Result<(), CommitError>;

    fn run(&self, statements: &mut super::Statements<'_>) -> Result<Self::Answer, Broken> {
        let super::Statements { submit, commit: statements, .. } = statements;
        let Commit { attempt, lapsed_at, next, write, events, .. } = &self.commit;
        let Some(ended_at) = attempt.ended_at else {
            return Err(Broken::Call("an attempt was committed that has not ended"));
        };

        let Some(job) = statements.fenced(&self.commit)? else { return Ok(Err(CommitError::Fenced)) };
        if let Some(lapsed_at) = *lapsed_at
            && !statements.has_lapsed(attempt.worker.as_str(), lapsed_at)?
        {
            return Ok(Err(CommitError::Fenced));
        }
        if let Some(mismatch) = mismatch(&self.jobs, submit)? {
            return Ok(Err(mismatch));
        }
        // The last refusal: from here on rows are changed.
        if let Some(write) = write
            && !statements.write(write)?
        {
            return Ok(Err(CommitError::Conflict { found: statements.version(write)? }));
        }

        statements.end_attempt(job.seq, self, ended_at)?;
        statements.end_job(&job, attempt.number, next)?;
        statements.recent.note_ended(self.commit.job);
        submit.append(events)?;
        for job in &self.jobs {
            submit.add(job)?;
        }
        Ok(Ok(()))
    }

    fn written(&self, answer: &Self::Answer) -> Option<(&EntityKey, StoredEntity)> {
        let EntityWrite { key, expected, body } = self.commit.write.as_ref()?;
        answer.is_ok().then(|| (key, StoredEntity { version: expected + 1, body: body.clone() }))
    }
}

/// The first staged job whose idempotency key belongs to another request, on record or staged before it.
fn mismatch(jobs: &[EncodedJob], submit: &mut submit::Statements<'_>) -> Result<Option<CommitError>, Broken> {
    for (index, staged) in jobs.iter().enumerate() {
        let Some(key) = &staged.job.idempotency_key else { continue };
        let existing: Option<(JobId, bool)> = match submit.holder(key)? {
            Some(holder) => Some((holder.id, holder.has_requested(staged))),
            None => jobs[..index]
                .iter()
                .find(|earlier| earlier.job.idempotency_key.as_ref() == Some(key))
                .map(|earlier| {
                    (earlier.job.id, staged.job.is_same_request(&earlier.job.name, &earlier.job.payload))
                }),
        };
        if let Some((existing, false)) = existing {
            return Ok(Some(CommitError::Mismatch { staged: staged.job.id, existing }));
        }
    }
    Ok(None)
}

/// The job whose attempt is to end.
struct Fenced {
    seq: i64,
    order_key: Option<String>,
}

pub(super) struct Statements<'c> {
    select_seq: Statement<'c>,
    select_fenced: Statement<'c>,
    select_lease: Statement<'c>,
    insert_entity: Statement<'c>,
    update_entity: Statement<'c>,
    select_version: Statement<'c>,
    insert_attempt: Statement<'c>,
    delete_running: Statement<'c>,
    insert_retried: Statement<'c>,
    delete_lane: Statement<'c>,
    select_head: Statement<'c>,
    insert_head: Statement<'c>,
    delete_head: Statement<'c>,
    recent: &'c Recent,
}

impl<'c> Statements<'c> {
    pub(super) fn prepare(connection: &'c Connection, recent: &'c Recent) -> rusqlite::Result<Self> {
        Ok(Self {
            select_seq: prepare(connection, SELECT_SEQ)?,
            select_fenced: prepare(connection, SELECT_FENCED)?,
            select_lease: prepare(connection, SELECT_LEASE)?,
            insert_entity: prepare(connection, INSERT_ENTITY)?,
            update_entity: prepare(connection, UPDATE_ENTITY)?,
            select_version: prepare(connection, SELECT_VERSION)?,
            insert_attempt: prepare(connection, INSERT_ATTEMPT)?,
            delete_running: prepare(connection, DELETE_RUNNING)?,
            insert_retried: prepare(connection, INSERT_RETRIED)?,
            delete_lane: prepare(connection, DELETE_LANE)?,
            select_head: prepare(connection, SELECT_HEAD)?,
            insert_head: prepare(connection, INSERT_HEAD)?,
            delete_head: prepare(connection, DELETE_HEAD)?,
            recent,
        })
    }

    fn fenced(&mut self, commit: &Commit) -> Result<Option<Fenced>, Broken> {
        let Commit { job, attempt, .. } = commit;
        let seq = match self.recent.seq(*job) {
            Some(seq) => Some(seq),
            None => self.select_seq.query_row([IdText::from(*job)], |row| row.get(0)).optional()?,
        };
        let Some(seq) = seq else { return Ok(None) };
        let fence = params![seq, attempt.worker.as_str(), attempt.number];
        let fenced = self.select_fenced.query_row(fence, |row| Ok(Fenced { seq, order_key: row.get(0)? }));
        Ok(fenced.optional()?)
    }

    fn has_lapsed(&mut self, worker: &str, at: Timestamp) -> Result<bool, Broken> {
        let lease: Option<i64> = self.select_lease.query_row([worker], |row| row.get(0)).optional()?;
        Ok(lease.is_none_or(|until| until < time(at)))
    }

    /// Writes the entity; `false`, and nothing is changed, if it has another version than expected (r17).
    fn write(&mut self, write: &EntityWrite) -> Result<bool, Broken> {
        let EntityWrite { key, expected, body } = write;
        let changed = if *expected == 0 {
            self.insert_entity.execute(params![key.entity, key.id.as_str(), body.as_str()])?
        } else {
            let expected = integer(*expected);
            self.update_entity.execute(params![key.entity, key.id.as_str(), body.as_str(), expected])?
        };
        Ok(changed == 1)
    }

    /// The version on record; 0 if there is none.
    fn version(&mut self, write: &EntityWrite) -> Result<u64, Broken> {
        let EntityWrite { key, .. } = write;
        let version: Option<i64> = self
            .select_version
            .query_row(params![key.entity, key.id.as_str()], |row| row.get(0))
            .optional()?;
        Ok(version.and_then(|version| version.try_into().ok()).unwrap_or(0))
    }

    fn end_attempt(&mut self, job: i64, ending: &Committing, ended_at: Timestamp) -> Result<(), Broken> {
        let Commit { attempt, next, .. } = &ending.commit;
        let output = match next {
            Next::Succeeded(output) => Some(output.as_str()),
            Next::Failed | Next::Retry(_) => None,
        };
        self.insert_attempt.execute(params![
            job,
            attempt.number,
            attempt.worker.as_str(),
            time(attempt.started_at),
            time(ended_at),
            attempt.reached.map(Step::as_str),
            attempt.version_read.map(integer),
            attempt.version_written.map(integer),
            ending.strategies,
            ending.events,
            ending.failure,
            output,
        ])?;
        Ok(())
    }

    fn end_job(&mut self, job: &Fenced, attempts: u32, next: &Next) -> Result<(), Broken> {
        self.delete_running.execute([job.seq])?;
        match (next, &job.order_key) {
            (Next::Retry(due_at), _) => {
                self.insert_retried.execute(params![job.seq, attempts, time(*due_at)])?;
            }
            (Next::Succeeded(_) | Next::Failed, Some(lane)) => self.leave(lane, job.seq)?,
            (Next::Succeeded(_) | Next::Failed, None) => {}
        }
        Ok(())
    }

    /// Takes a job out of its lane, and lets the next one go (r26).
    fn leave(&mut self, lane: &str, job: i64) -> Result<(), Broken> {
        self.delete_lane.execute(params![lane, job])?;
        let head: Option<i64> = self.select_head.query_row([lane], |row| row.get(0)).optional()?;
        if let Some(head) = head
            && self.insert_head.execute([head])? > 0
        {
            self.delete_head.execute([head])?;
            self.recent.note_ready(head);
        }
        Ok(())
    }
}
