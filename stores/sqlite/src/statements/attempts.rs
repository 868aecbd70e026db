use enact::store::{LateEffects, Next};
use enact::{Attempt, Step};
use jiff::Timestamp;
use rusqlite::{ErrorCode, Statement, params};

use super::prepare::statements;
use crate::encode::{IdText, integer, time};
use crate::error::Error;
use crate::raw_text::WorkerText;
use crate::rows::{self, FencedJob, RunningAttempt};

statements! { Attempts {
    /// The fence. A number that cannot be read is 0.
    select_fenced: "
        SELECT name, order_key, spent, entity FROM running WHERE seq = ?1 AND worker = ?2 AND begun = 1 AND cancelled = 0
            AND CASE WHEN attempts BETWEEN 0 AND 4294967295 THEN attempts ELSE 0 END = ?3",
    insert_attempt: "
        INSERT INTO attempts (seq, number, worker, started_at, ended_at, reached, version_read, version_written,
            strategies, events, failure, output, late_effects)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    add_late_effects: "
        UPDATE attempts SET late_effects = min(coalesce(late_effects, 0) + ?3, 4294967295)
        WHERE seq = (SELECT seq FROM job_specs WHERE id = ?1) AND number = ?2",
    insert_aborted_attempt: "
        INSERT INTO attempts (seq, number, worker, started_at, ended_at, failure) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    select_last_number: "SELECT max(number) FROM attempts WHERE seq = ?1",
} }

/// The parts of an attempt that are stored as JSON; `None` if they are empty.
pub(crate) struct EncodedAttempt {
    pub(crate) strategies: Option<String>,
    pub(crate) events: Option<String>,
    pub(crate) failure: Option<String>,
}

impl Attempts<'_> {
    /// The job if it is running this attempt.
    pub(crate) fn fenced(&mut self, seq: i64, attempt: &Attempt) -> Result<Option<FencedJob>, Error> {
        let fence = params![seq, WorkerText::of(&attempt.worker), attempt.number];
        let mut rows = self.select_fenced.query(fence)?;
        Ok(rows.next()?.map(|row| rows::fenced_job(seq, row)))
    }

    pub(crate) fn insert(
        &mut self,
        seq: i64,
        attempt: &Attempt,
        encoded: &EncodedAttempt,
        ended_at: Timestamp,
        next: &Next,
    ) -> Result<(), Error> {
        let output = match next {
            Next::Succeeded(output) => Some(output.as_str()),
            Next::Failed | Next::Retry(_) | Next::PutBack(_) => None,
        };
        let Self { insert_attempt, select_last_number, .. } = self;
        with_number(seq, attempt.number, select_last_number, |number| {
            insert_attempt.execute(params![
                seq,
                number,
                WorkerText::of(&attempt.worker),
                time(attempt.started_at),
                time(ended_at),
                attempt.reached.map(Step::as_str),
                attempt.version_read.map(integer),
                attempt.version_written.map(integer),
                encoded.strategies,
                encoded.events,
                encoded.failure,
                output,
                Some(attempt.late_effects).filter(|count| *count > 0),
            ])
        })
    }

    pub(crate) fn add_late_effects(&mut self, late: &LateEffects) -> Result<(), Error> {
        self.add_late_effects.execute(params![IdText::from(late.job), late.attempt, late.count])?;
        Ok(())
    }

    /// An attempt that ends without having reached its commit.
    pub(crate) fn insert_aborted(
        &mut self,
        seq: i64,
        attempt: &RunningAttempt,
        ended_at: Timestamp,
        failure: &str,
    ) -> Result<(), Error> {
        let RunningAttempt { number, worker, started_at, .. } = attempt;
        let Self { insert_aborted_attempt, select_last_number, .. } = self;
        with_number(seq, *number, select_last_number, |number| {
            let row =
                params![seq, number, WorkerText::of(worker), time(*started_at), time(ended_at), failure];
            insert_aborted_attempt.execute(row)
        })
    }

    /// 0 if it has no attempt.
    pub(crate) fn last_number(&mut self, seq: i64) -> Result<u32, Error> {
        let last: Option<i64> = self.select_last_number.query_row([seq], |row| row.get(0))?;
        Ok(u32::try_from(last.unwrap_or(0).max(0)).unwrap_or(u32::MAX))
    }
}

/// Inserts an attempt under its number, or under the next one if a number was edited by hand so that it is taken.
fn with_number(
    seq: i64,
    number: u32,
    select_last_number: &mut Statement<'_>,
    mut insert: impl FnMut(i64) -> rusqlite::Result<usize>,
) -> Result<(), Error> {
    if number > 0 {
        match insert(number.into()) {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {}
            inserted => return Ok(inserted.map(|_| ())?),
        }
    }
    let last: Option<i64> = select_last_number.query_row([seq], |row| row.get(0))?;
    insert(last.unwrap_or(0).saturating_add(1))?;
    Ok(())
}
