use enact::store::{LateEffects, Next};
use enact::{Attempt, Step};
use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::prepare::statements;
use crate::encode::{IdText, integer, time};
use crate::error::Error;
use crate::rows::RunningAttempt;

statements! { Attempts {
    /// The fence.
    select_fenced: "SELECT name, order_key, spent FROM running WHERE seq = ?1 AND worker = ?2 AND attempts = ?3",
    insert_attempt: "
        INSERT INTO attempts (seq, number, worker, started_at, ended_at, reached, version_read, version_written,
            strategies, events, failure, output, late_effects)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    add_late_effects: "
        UPDATE attempts SET late_effects = min(coalesce(late_effects, 0) + ?3, 4294967295)
        WHERE seq = (SELECT seq FROM job_specs WHERE id = ?1) AND number = ?2",
    insert_cancelled_attempt: "
        INSERT INTO attempts (seq, number, worker, started_at, ended_at, failure) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    select_last_number: "SELECT max(number) FROM attempts WHERE seq = ?1",
} }

/// A running job whose attempt may be committed.
pub(crate) struct FencedJob {
    pub(crate) seq: i64,
    pub(crate) name: String,
    pub(crate) order_key: Option<String>,
    pub(crate) spent: u32,
}

/// The parts of an attempt that are stored as JSON; `None` if they are empty.
pub(crate) struct EncodedAttempt {
    pub(crate) strategies: Option<String>,
    pub(crate) events: Option<String>,
    pub(crate) failure: Option<String>,
}

impl Attempts<'_> {
    /// The job if it is running this attempt.
    pub(crate) fn fenced(&mut self, seq: i64, attempt: &Attempt) -> Result<Option<FencedJob>, Error> {
        let fence = params![seq, attempt.worker.as_str(), attempt.number];
        let fenced = self.select_fenced.query_row(fence, |row| {
            Ok(FencedJob { seq, name: row.get(0)?, order_key: row.get(1)?, spent: row.get(2)? })
        });
        Ok(fenced.optional()?)
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
            Next::Failed | Next::Retry(_) => None,
        };
        self.insert_attempt.execute(params![
            seq,
            attempt.number,
            attempt.worker.as_str(),
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
        ])?;
        Ok(())
    }

    pub(crate) fn add_late_effects(&mut self, late: &LateEffects) -> Result<(), Error> {
        self.add_late_effects.execute(params![IdText::from(late.job), late.attempt, late.count])?;
        Ok(())
    }

    pub(crate) fn insert_cancelled(
        &mut self,
        seq: i64,
        attempt: &RunningAttempt,
        ended_at: Timestamp,
        failure: &str,
    ) -> Result<(), Error> {
        let RunningAttempt { number, worker, started_at } = attempt;
        let row = params![seq, number, worker.as_str(), time(*started_at), time(ended_at), failure];
        self.insert_cancelled_attempt.execute(row)?;
        Ok(())
    }

    pub(crate) fn last_number(&mut self, seq: i64) -> Result<u32, Error> {
        Ok(self.select_last_number.query_row([seq], |row| row.get(0))?)
    }
}
