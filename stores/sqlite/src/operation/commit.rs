use enact::store::{Commit, CommitError, EntityKey, EntityWrite, Next, StoreError, StoredEntity};
use enact::{JobId, Step};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Statement, params};

use super::{Operation, prepare, submit};
use crate::encode::{EncodedJob, IdText, integer, json, time};
use crate::error::Broken;

/// The fence (r23).
pub(crate) const SELECT_FENCED: &str = "
    SELECT q.seq, q.order_key FROM requests AS r CROSS JOIN queue AS q ON q.seq = r.seq
    WHERE r.id = ?1 AND q.state = 'running' AND q.worker = ?2 AND q.attempts = ?3";

pub(crate) const SELECT_LEASE: &str = "SELECT lease_until FROM workers WHERE id = ?1";

pub(crate) const INSERT_ENTITY: &str = "
    INSERT INTO entities (entity, id, version, body) VALUES (?1, ?2, 1, ?3) ON CONFLICT DO NOTHING";

pub(crate) const UPDATE_ENTITY: &str = "
    UPDATE entities SET version = version + 1, body = ?3 WHERE entity = ?1 AND id = ?2 AND version = ?4";

pub(crate) const SELECT_VERSION: &str = "SELECT version FROM entities WHERE entity = ?1 AND id = ?2";

pub(crate) const INSERT_ATTEMPT: &str = "
    INSERT INTO attempts (job, number, worker, started_at, ended_at, reached, version_read, version_written, events,
        failure, output)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";

pub(crate) const DELETE_ENDED: &str = "DELETE FROM queue WHERE state = 'running' AND seq = ?1";

pub(crate) const UPDATE_RETRIED: &str = "
    UPDATE queue SET state = 'waiting', due_at = ?2, worker = NULL, started_at = NULL
    WHERE state = 'running' AND seq = ?1";

/// The next in a lane becomes ready, unless it is its head and waits for a time (r26).
pub(crate) const UPDATE_LANE: &str = "
    UPDATE queue SET state = 'ready'
    WHERE state = 'waiting' AND due_at IS NULL
        AND seq = (SELECT seq FROM queue WHERE order_key = ?1 ORDER BY seq LIMIT 1)";

/// [`Store::commit`](enact::store::Store::commit).
pub(crate) struct Committing {
    commit: Commit,
    jobs: Vec<EncodedJob>,
    /// The ids of the attempt's events as a JSON array; `None` if there are none.
    events: Option<String>,
    failure: Option<String>,
}

impl Committing {
    /// Encodes what takes time to encode.
    pub(crate) fn of(mut commit: Commit) -> Result<Self, StoreError> {
        let attempt = &commit.attempt;
        let events = match attempt.events.as_slice() {
            [] => None,
            events => Some(json("the attempt's events", events)?),
        };
        let failure =
            attempt.failure.as_ref().map(|failure| json("the attempt's failure", failure)).transpose()?;
        let jobs = EncodedJob::all(std::mem::take(&mut commit.jobs))?;
        Ok(Self { commit, jobs, events, failure })
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
        statements.end_job(job.seq, next)?;
        submit.append(events)?;
        for job in &self.jobs {
            submit.add(job)?;
        }
        if let (Some(lane), Next::Succeeded(_) | Next::Failed) = (job.order_key, next) {
            statements.update_lane.execute([lane])?;
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
                .map(|earlier| (earlier.job.id, earlier.is_same_request(staged))),
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
    select_fenced: Statement<'c>,
    select_lease: Statement<'c>,
    insert_entity: Statement<'c>,
    update_entity: Statement<'c>,
    select_version: Statement<'c>,
    insert_attempt: Statement<'c>,
    delete_ended: Statement<'c>,
    update_retried: Statement<'c>,
    update_lane: Statement<'c>,
}

impl<'c> Statements<'c> {
    pub(super) fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            select_fenced: prepare(connection, SELECT_FENCED)?,
            select_lease: prepare(connection, SELECT_LEASE)?,
            insert_entity: prepare(connection, INSERT_ENTITY)?,
            update_entity: prepare(connection, UPDATE_ENTITY)?,
            select_version: prepare(connection, SELECT_VERSION)?,
            insert_attempt: prepare(connection, INSERT_ATTEMPT)?,
            delete_ended: prepare(connection, DELETE_ENDED)?,
            update_retried: prepare(connection, UPDATE_RETRIED)?,
            update_lane: prepare(connection, UPDATE_LANE)?,
        })
    }

    fn fenced(&mut self, commit: &Commit) -> Result<Option<Fenced>, Broken> {
        let Commit { job, attempt, .. } = commit;
        let fence = params![IdText::from(*job), attempt.worker.as_str(), attempt.number];
        let fenced = self
            .select_fenced
            .query_row(fence, |row| Ok(Fenced { seq: row.get(0)?, order_key: row.get(1)? }))
            .optional()?;
        Ok(fenced)
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
            ending.events,
            ending.failure,
            output,
        ])?;
        Ok(())
    }

    fn end_job(&mut self, job: i64, next: &Next) -> Result<(), Broken> {
        match next {
            Next::Succeeded(_) | Next::Failed => self.delete_ended.execute([job])?,
            Next::Retry(due_at) => self.update_retried.execute([job, time(*due_at)])?,
        };
        Ok(())
    }
}
