use std::collections::HashMap;
use std::mem;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Statement, params};

use super::prepare::statements;
use crate::error::Error;

statements! { Sql {
    select_last_job: "
        SELECT max(coalesce((SELECT max(seq) FROM job_specs), 0),
            coalesce((SELECT last FROM sequences WHERE name = 'job_specs'), 0))",
    select_last_event: "
        SELECT max(coalesce((SELECT max(position) FROM events), 0),
            coalesce((SELECT last FROM sequences WHERE name = 'events'), 0))",
    upsert_sequence: "
        INSERT INTO sequences (name, last) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET last = excluded.last",
    select_queued: "SELECT jobs FROM queued WHERE name = ?1",
    upsert_queued: "
        INSERT INTO queued (name, jobs) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET jobs = jobs + excluded.jobs",
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
        next(&mut self.last_job, &mut self.sql.select_last_job)
    }

    pub(crate) fn next_event(&mut self) -> Result<i64, Error> {
        next(&mut self.last_event, &mut self.sql.select_last_event)
    }

    /// Before a job is deleted: keeps its sequence number from being reused.
    pub(crate) fn retain_job(&mut self, seq: i64) -> Result<(), Error> {
        // Only the last number could be reused.
        if seq == last(&mut self.last_job, &mut self.sql.select_last_job)? {
            self.sql.upsert_sequence.execute(params!["job_specs", seq])?;
        }
        Ok(())
    }

    /// Before an event is deleted: keeps its position from being reused.
    pub(crate) fn retain_event(&mut self, position: i64) -> Result<(), Error> {
        if position == last(&mut self.last_event, &mut self.sql.select_last_event)? {
            self.sql.upsert_sequence.execute(params!["events", position])?;
        }
        Ok(())
    }

    /// The number of jobs of a name that have not ended.
    pub(crate) fn queued(&mut self, name: &Arc<str>) -> Result<u64, Error> {
        let stored = if let Some(stored) = self.stored.get(name) {
            *stored
        } else {
            let jobs: Option<i64> = self.sql.select_queued.query_row([name], |row| row.get(0)).optional()?;
            *self.stored.entry(name.clone()).or_insert(jobs.unwrap_or(0))
        };
        let change = self.changes.get(name).copied().unwrap_or(0);
        Ok(u64::try_from(stored.saturating_add(change)).unwrap_or(0))
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
fn last(cached: &mut Option<i64>, select: &mut Statement<'_>) -> Result<i64, Error> {
    if let Some(last) = *cached {
        return Ok(last);
    }
    let last = select.query_row([], |row| row.get(0))?;
    *cached = Some(last);
    Ok(last)
}

fn next(cached: &mut Option<i64>, select: &mut Statement<'_>) -> Result<i64, Error> {
    let next =
        last(cached, select)?.checked_add(1).ok_or(Error::InvalidCall("all sequence numbers are used up"))?;
    *cached = Some(next);
    Ok(next)
}
