use std::collections::HashMap;
use std::mem;
use std::ops::Range;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Statement, params};

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
    select_queued: "SELECT jobs FROM queued WHERE name = ?1",
    upsert_queued: "
        INSERT INTO queued (name, jobs) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE
        SET jobs = CASE WHEN jobs BETWEEN -9007199254740992 AND 9007199254740992 THEN jobs + excluded.jobs ELSE jobs END",
    /// Reads all jobs of the name that have not ended, and all that wait: only to correct a count that was edited by hand.
    count_queued: "
        SELECT (SELECT count(*) FROM ready WHERE name = ?1) + (SELECT count(*) FROM running WHERE name = ?1 AND cancelled = 0)
            + (SELECT count(*) FROM waiting AS w CROSS JOIN job_specs AS s ON s.seq = w.seq WHERE s.name = ?1)",
    update_queued: "UPDATE queued SET jobs = ?2 WHERE name = ?1",
} }

/// Assigns sequence numbers, and counts the jobs of each name that have not ended.
///
/// Both are kept in memory until another process writes or a transaction is rolled back, so that a number costs no read, and a name one
/// write a transaction, however many of its jobs begin and end.
pub(crate) struct Counters<'c> {
    sql: Sql<'c>,
    last_job: Option<i64>,
    last_event: Option<i64>,
    /// The number of jobs of a name, as stored before the transaction.
    stored: HashMap<Arc<str>, i64>,
    /// What the transaction has changed.
    changes: HashMap<Arc<str>, i64>,
}

impl<'c> Counters<'c> {
    pub(crate) fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            sql: Sql::prepare(connection)?,
            last_job: None,
            last_event: None,
            stored: HashMap::new(),
            changes: HashMap::new(),
        })
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

    /// The number of jobs of a name that have not ended.
    pub(crate) fn queued(&mut self, name: &Arc<str>) -> Result<u64, Error> {
        let change = self.changes.get(name).copied().unwrap_or(0);
        let stored = if let Some(stored) = self.stored.get(name) {
            *stored
        } else {
            let stored = self.stored_queued(name, change)?;
            *self.stored.entry(name.clone()).or_insert(stored)
        };
        Ok(u64::try_from(stored.saturating_add(change)).unwrap_or(0))
    }

    /// The stored number, without what the transaction has changed. One that cannot be right is corrected.
    fn stored_queued(&mut self, name: &str, change: i64) -> Result<i64, Error> {
        let stored: Option<i64> = self.sql.select_queued.query_row([name], |row| row.get(0)).optional()?;
        let stored = stored.unwrap_or(0);
        if u32::try_from(stored).is_ok() {
            return Ok(stored);
        }
        let counted: i64 = self.sql.count_queued.query_row([name], |row| row.get(0))?;
        self.sql.update_queued.execute(params![name, counted - change])?;
        Ok(counted - change)
    }

    /// A job was inserted that has not ended, or is retried by hand.
    pub(crate) fn add_queued(&mut self, name: &str) {
        self.change(name, 1);
    }

    /// A job has ended.
    pub(crate) fn remove_queued(&mut self, name: &str) {
        self.change(name, -1);
    }

    fn change(&mut self, name: &str, by: i64) {
        match self.changes.get_mut(name) {
            Some(change) => *change += by,
            None => _ = self.changes.insert(name.into(), by),
        }
    }

    /// Stores the changed counts, at the end of the transaction.
    pub(crate) fn flush(&mut self) -> Result<(), Error> {
        for (name, change) in &mut self.changes {
            // The name stays in the map for the next transaction.
            let change = mem::take(change);
            if change == 0 {
                continue;
            }
            self.sql.upsert_queued.execute(params![name, change])?;
            if let Some(stored) = self.stored.get_mut(name) {
                *stored += change;
            }
        }
        Ok(())
    }

    pub(crate) fn clear(&mut self) {
        self.last_job = None;
        self.last_event = None;
        self.stored.clear();
        self.changes.clear();
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
