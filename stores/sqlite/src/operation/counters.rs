use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Statement, params};

use super::prepare;
use crate::error::Broken;

pub(crate) const SELECT_LAST_REQUEST: &str = "
    SELECT max(coalesce((SELECT max(seq) FROM requests), 0),
        coalesce((SELECT last FROM places WHERE of = 'requests'), 0))";

pub(crate) const SELECT_LAST_EVENT: &str = "
    SELECT max(coalesce((SELECT max(position) FROM events), 0),
        coalesce((SELECT last FROM places WHERE of = 'events'), 0))";

pub(crate) const UPSERT_PLACE: &str = "
    INSERT INTO places (of, last) VALUES (?1, ?2) ON CONFLICT (of) DO UPDATE SET last = excluded.last";

pub(crate) const SELECT_QUEUED: &str = "SELECT jobs FROM queued WHERE name = ?1";

pub(crate) const UPSERT_QUEUED: &str = "
    INSERT INTO queued (name, jobs) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET jobs = jobs + excluded.jobs";

/// What the writer counts: the places that it gives, and how many jobs of each name have not ended.
///
/// It keeps what it knows in memory until another process has written or a transaction is rolled back, so that a place costs no
/// look, and a name one write per transaction, however many of its jobs come and go.
pub(crate) struct Counters<'c> {
    requests: Places<'c>,
    events: Places<'c>,
    upsert_place: Statement<'c>,
    select_queued: Statement<'c>,
    upsert_queued: Statement<'c>,
    /// How many jobs of a name there were before the transaction.
    before: HashMap<Arc<str>, i64>,
    /// How many more, or fewer, the transaction has made of it.
    change: HashMap<Arc<str>, i64>,
}

struct Places<'c> {
    of: &'static str,
    select_last: Statement<'c>,
    last: Option<i64>,
}

impl Places<'_> {
    /// The last place that was given, to whatever is pruned by now.
    fn last(&mut self) -> Result<i64, Broken> {
        if let Some(last) = self.last {
            return Ok(last);
        }
        let last = self.select_last.query_row([], |row| row.get(0))?;
        self.last = Some(last);
        Ok(last)
    }

    fn next(&mut self) -> Result<i64, Broken> {
        let next =
            self.last()?.checked_add(1).ok_or(Broken::Call("no place is left in the order of record"))?;
        self.last = Some(next);
        Ok(next)
    }
}

impl<'c> Counters<'c> {
    pub(super) fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        let places = |of, select_last| -> rusqlite::Result<Places<'c>> {
            Ok(Places { of, select_last: prepare(connection, select_last)?, last: None })
        };
        Ok(Self {
            requests: places("requests", SELECT_LAST_REQUEST)?,
            events: places("events", SELECT_LAST_EVENT)?,
            upsert_place: prepare(connection, UPSERT_PLACE)?,
            select_queued: prepare(connection, SELECT_QUEUED)?,
            upsert_queued: prepare(connection, UPSERT_QUEUED)?,
            before: HashMap::new(),
            change: HashMap::new(),
        })
    }

    /// A place for one more request.
    pub(super) fn next_request(&mut self) -> Result<i64, Broken> {
        self.requests.next()
    }

    /// A place for one more event.
    pub(super) fn next_event(&mut self) -> Result<i64, Broken> {
        self.events.next()
    }

    /// Puts on record that the place of a request that is to be deleted was given.
    pub(super) fn keep_request(&mut self, seq: i64) -> Result<(), Broken> {
        Self::keep(&mut self.requests, &mut self.upsert_place, seq)
    }

    /// Puts on record that the place of an event that is to be deleted was given.
    pub(super) fn keep_event(&mut self, position: i64) -> Result<(), Broken> {
        Self::keep(&mut self.events, &mut self.upsert_place, position)
    }

    /// The places before the last need no record: they are never given again as long as there is a later one.
    fn keep(places: &mut Places<'_>, upsert: &mut Statement<'_>, place: i64) -> Result<(), Broken> {
        if place == places.last()? {
            upsert.execute(params![places.of, place])?;
        }
        Ok(())
    }

    /// How many jobs of a name have not ended.
    pub(super) fn queued(&mut self, name: &Arc<str>) -> Result<u64, Broken> {
        let before = if let Some(before) = self.before.get(name) {
            *before
        } else {
            let jobs: Option<i64> = self.select_queued.query_row([name], |row| row.get(0)).optional()?;
            *self.before.entry(name.clone()).or_insert(jobs.unwrap_or(0))
        };
        let change = self.change.get(name).copied().unwrap_or(0);
        Ok(u64::try_from(before.saturating_add(change)).unwrap_or(0))
    }

    /// A job that has not ended is on record, or is again.
    pub(super) fn begin(&mut self, name: &str) {
        self.change(name, 1);
    }

    /// A job has ended.
    pub(super) fn end(&mut self, name: &str) {
        self.change(name, -1);
    }

    fn change(&mut self, name: &str, by: i64) {
        match self.change.get_mut(name) {
            Some(change) => *change += by,
            None => _ = self.change.insert(name.into(), by),
        }
    }

    /// Puts the counts on record, at the end of the transaction.
    pub(super) fn flush(&mut self) -> Result<(), Broken> {
        for (name, change) in &mut self.change {
            // Most jobs come and go: the names stay, for the next transaction.
            let change = std::mem::take(change);
            if change == 0 {
                continue;
            }
            self.upsert_queued.execute(params![name, change])?;
            if let Some(before) = self.before.get_mut(name) {
                *before += change;
            }
        }
        Ok(())
    }

    pub(super) fn forget(&mut self) {
        self.requests.last = None;
        self.events.last = None;
        self.before.clear();
        self.change.clear();
    }
}
