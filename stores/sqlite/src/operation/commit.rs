use enact::Step;
use enact::store::{
    Commit, CommitError, Committed, EntityKey, EntityWrite, Next, StoreError, StoredEntity, Submitted,
};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Statement, params};

use super::counters::Counters;
use super::live::Live;
use super::submit::Limits;
use super::{Operation, prepare};
use crate::encode::{EncodedJob, IdText, integer, json, time};
use crate::error::Broken;
use crate::recent::Recent;

/// The fence (r23).
pub(crate) const SELECT_FENCED: &str = "
    SELECT name, order_key, spent FROM running WHERE seq = ?1 AND worker = ?2 AND attempts = ?3";

pub(crate) const SELECT_SEQ: &str = "SELECT seq FROM requests WHERE id = ?1";

pub(crate) const SELECT_RENEWALS: &str = "SELECT renewals FROM workers WHERE id = ?1";

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

pub(crate) const INSERT_RETRIED: &str = "
    INSERT INTO waiting (seq, attempts, spent, in_line, pending, due_at) VALUES (?1, ?2, ?3, 0, 0, ?4)";

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
    type Answer = Result<Committed, CommitError>;

    fn run(&self, statements: &mut super::Statements<'_>) -> Result<Self::Answer, Broken> {
        let super::Statements { submit, commit: statements, live, counters, .. } = statements;
        let Commit { attempt, lapsed, next, write, events, .. } = &self.commit;
        let Some(ended_at) = attempt.ended_at else {
            return Err(Broken::Call("an attempt was committed that has not ended"));
        };

        let Some(job) = statements.fenced(&self.commit)? else { return Ok(Err(CommitError::Fenced)) };
        if let Some(lapsed) = *lapsed
            && !statements.has_lapsed(attempt.worker.as_str(), lapsed)?
        {
            return Ok(Err(CommitError::Fenced));
        }
        let answers = submit.admit(&self.jobs, Limits::Ignored, live, counters)?;
        if let Some(refused) = refused(&self.jobs, &answers) {
            return Ok(Err(refused));
        }
        // The last refusal: from here on rows are changed.
        if let Some(write) = write
            && !statements.write(write)?
        {
            return Ok(Err(CommitError::Conflict { found: statements.version(write)? }));
        }

        statements.end_attempt(job.seq, self, ended_at)?;
        let mut has_work = statements.end_job(&job, attempt.number, next, live, counters)?;
        statements.recent.note_ended(self.commit.job);
        submit.append(events, counters)?;
        has_work |= submit.insert_new(&self.jobs, &answers, live, counters)?;
        Ok(Ok(Committed { has_work }))
    }

    fn written(&self, answer: &Self::Answer) -> Option<(&EntityKey, StoredEntity)> {
        let EntityWrite { key, expected, body } = self.commit.write.as_ref()?;
        answer.is_ok().then(|| (key, StoredEntity { version: expected + 1, body: body.clone() }))
    }
}

/// What keeps a staged job off the record.
fn refused(jobs: &[EncodedJob], answers: &[Submitted]) -> Option<CommitError> {
    jobs.iter().zip(answers).find_map(|(EncodedJob { job: staged, .. }, answer)| match *answer {
        Submitted::Mismatch(existing) => Some(CommitError::Mismatch { staged: staged.id, existing }),
        Submitted::NoPredecessor(after) => Some(CommitError::NoPredecessor { staged: staged.id, after }),
        Submitted::New | Submitted::Existing(_) | Submitted::Full(_) => None,
    })
}

/// The job whose attempt is to end.
struct Fenced {
    seq: i64,
    name: String,
    order_key: Option<String>,
    spent: u32,
}

pub(super) struct Statements<'c> {
    select_seq: Statement<'c>,
    select_fenced: Statement<'c>,
    select_renewals: Statement<'c>,
    insert_entity: Statement<'c>,
    update_entity: Statement<'c>,
    select_version: Statement<'c>,
    insert_attempt: Statement<'c>,
    delete_running: Statement<'c>,
    insert_retried: Statement<'c>,
    recent: &'c Recent,
}

impl<'c> Statements<'c> {
    pub(super) fn prepare(connection: &'c Connection, recent: &'c Recent) -> rusqlite::Result<Self> {
        Ok(Self {
            select_seq: prepare(connection, SELECT_SEQ)?,
            select_fenced: prepare(connection, SELECT_FENCED)?,
            select_renewals: prepare(connection, SELECT_RENEWALS)?,
            insert_entity: prepare(connection, INSERT_ENTITY)?,
            update_entity: prepare(connection, UPDATE_ENTITY)?,
            select_version: prepare(connection, SELECT_VERSION)?,
            insert_attempt: prepare(connection, INSERT_ATTEMPT)?,
            delete_running: prepare(connection, DELETE_RUNNING)?,
            insert_retried: prepare(connection, INSERT_RETRIED)?,
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
        let fenced = self.select_fenced.query_row(fence, |row| {
            Ok(Fenced { seq, name: row.get(0)?, order_key: row.get(1)?, spent: row.get(2)? })
        });
        Ok(fenced.optional()?)
    }

    /// Whether a worker has not renewed its lease since it had done so `renewals` times (r23).
    fn has_lapsed(&mut self, worker: &str, renewals: u64) -> Result<bool, Broken> {
        let on_record: Option<i64> = self.select_renewals.query_row([worker], |row| row.get(0)).optional()?;
        Ok(on_record.unwrap_or(0) == integer(renewals))
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

    /// What becomes of the job, and of those that wait for it. Whether there is more to claim, or to wait for, than before.
    fn end_job(
        &mut self,
        job: &Fenced,
        attempts: u32,
        next: &Next,
        live: &mut Live<'_>,
        counters: &mut Counters<'_>,
    ) -> Result<bool, Broken> {
        let Fenced { seq, name, order_key, spent } = job;
        self.delete_running.execute([seq])?;
        if let Next::Retry(due_at) = next {
            self.insert_retried.execute(params![seq, attempts, spent, time(*due_at)])?;
            return Ok(true);
        }
        counters.end(name);
        let mut has_work = false;
        if let Some(lane) = order_key {
            has_work |= live.leave_lane(lane, *seq, true)?;
        }
        if let Next::Succeeded(_) = next {
            has_work |= live.release_successors(*seq)?;
        }
        Ok(has_work)
    }
}
