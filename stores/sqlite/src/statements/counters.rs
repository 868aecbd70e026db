use std::ops::Range;

use rusqlite::{Connection, Statement, params};

use super::prepare::statements;
use crate::error::Error;

statements! { Sql {
    /// The highest number of a row, and the last number of `sequences`. No number reaches 2^53.
    select_last_job: "
        SELECT coalesce((SELECT max(seq) FROM job_specs WHERE seq < 9007199254740992), 0),
            (SELECT last FROM sequences WHERE name = 'job_specs')",
    select_last_event: "
        SELECT coalesce((SELECT max(position) FROM events WHERE position < 9007199254740992), 0),
            (SELECT last FROM sequences WHERE name = 'events')",
    upsert_sequence: "
        INSERT INTO sequences (name, last) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET last = excluded.last",
} }

/// Assigns sequence numbers. The last ones are kept in memory until another process writes or a transaction is rolled back, so that a
/// number costs no read.
pub(crate) struct Counters<'c> {
    sql: Sql<'c>,
    last_job: Option<i64>,
    last_event: Option<i64>,
}

impl<'c> Counters<'c> {
    pub(crate) fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self { sql: Sql::prepare(connection)?, last_job: None, last_event: None })
    }

    pub(crate) fn next_job(&mut self) -> Result<i64, Error> {
        let Sql { select_last_job, upsert_sequence, .. } = &mut self.sql;
        next("job_specs", &mut self.last_job, select_last_job, upsert_sequence)
    }

    pub(crate) fn next_event(&mut self) -> Result<i64, Error> {
        let Sql { select_last_event, upsert_sequence, .. } = &mut self.sql;
        next("events", &mut self.last_event, select_last_event, upsert_sequence)
    }

    /// The last position of an event; 0 if it is not known.
    pub(crate) fn last_event(&self) -> u64 {
        self.last_event.map_or(0, i64::cast_unsigned)
    }

    /// Before a job is deleted: keeps its sequence number from being reused.
    pub(crate) fn retain_job(&mut self, seq: i64) -> Result<(), Error> {
        // Only the last number could be reused.
        let Sql { select_last_job, upsert_sequence, .. } = &mut self.sql;
        if seq == last("job_specs", &mut self.last_job, select_last_job, upsert_sequence)? {
            upsert_sequence.execute(params!["job_specs", seq])?;
        }
        Ok(())
    }

    /// Before an event is deleted: keeps its position from being reused.
    pub(crate) fn retain_event(&mut self, position: i64) -> Result<(), Error> {
        let Sql { select_last_event, upsert_sequence, .. } = &mut self.sql;
        if position == last("events", &mut self.last_event, select_last_event, upsert_sequence)? {
            upsert_sequence.execute(params!["events", position])?;
        }
        Ok(())
    }

    pub(crate) fn clear(&mut self) {
        self.last_job = None;
        self.last_event = None;
    }
}

/// The last number that was assigned, even if its row was pruned.
///
/// A number in `sequences` that was edited by hand is replaced by one that is higher than all that were assigned: none may be
/// assigned again.
fn last(
    table: &str,
    cached: &mut Option<i64>,
    select: &mut Statement<'_>,
    upsert: &mut Statement<'_>,
) -> Result<i64, Error> {
    const NUMBERS: Range<i64> = 0..1 << 53;
    const BEYOND_ALL: i64 = 1 << 40;
    if let Some(last) = *cached {
        return Ok(last);
    }
    let (row, stored): (i64, Option<i64>) = select.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let last = match stored {
        None => row,
        Some(stored) if NUMBERS.contains(&stored) => row.max(stored),
        Some(_) => {
            let beyond = row.max(0) + BEYOND_ALL;
            upsert.execute(params![table, beyond])?;
            beyond
        }
    };
    *cached = Some(last);
    Ok(last)
}

fn next(
    table: &str,
    cached: &mut Option<i64>,
    select: &mut Statement<'_>,
    upsert: &mut Statement<'_>,
) -> Result<i64, Error> {
    let last = last(table, cached, select, upsert)?;
    let next = last.checked_add(1).ok_or(Error::InvalidCall("all sequence numbers are used up"))?;
    *cached = Some(next);
    Ok(next)
}
