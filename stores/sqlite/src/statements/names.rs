use std::collections::HashMap;
use std::mem;
use std::sync::Arc;

use enact::{JobKind, JobState};
use rusqlite::types::{FromSql, FromSqlResult, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, Statement, ToSql, params};

use super::prepare::statements;
use crate::error::Error;
use crate::raw_text::RawText;

/// Adds parameters 2 to 7 to the counts. A count that was edited by hand so that it cannot be right is kept: it is then known to be wrong.
macro_rules! add_counts {
    ($($column:literal $parameter:literal),*) => {
        concat!("UPDATE names SET id = id", $(
            ", ", $column, " = CASE WHEN ", $column, " BETWEEN 0 AND 9007199254740992 THEN ",
            $column, " + ", $parameter, " ELSE ", $column, " END",
        )* " WHERE id = ?1")
    };
}

statements! { Sql {
    select_ids: "SELECT id, kind, waiting, ready, running FROM names WHERE name = ?1",
    insert_name: "INSERT INTO names (kind, name) VALUES (?1, ?2)",
    select_name: "SELECT name FROM names WHERE id = ?1",
    add_counts: add_counts!(
        "waiting" "?2", "ready" "?3", "running" "?4", "succeeded" "?5", "failed" "?6", "cancelled" "?7"
    ),
    /// Reads all jobs: only to correct counts that were edited by hand.
    recount: "
        UPDATE names SET (waiting, ready, running, succeeded, failed, cancelled) = (
            SELECT count(*) FILTER (WHERE j.state = 'waiting'), count(*) FILTER (WHERE j.state = 'ready'),
                count(*) FILTER (WHERE j.state = 'running'), count(*) FILTER (WHERE j.state = 'succeeded'),
                count(*) FILTER (WHERE j.state = 'failed'), count(*) FILTER (WHERE j.state = 'cancelled')
            FROM job_specs AS s CROSS JOIN jobs AS j ON j.seq = s.seq WHERE s.name = names.id)
        WHERE id = ?1",
} }

/// The number that stands for a name of jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NameId(i64);

impl NameId {
    pub(crate) const MIN: Self = Self(i64::MIN);

    pub(crate) fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }
}

impl FromSql for NameId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        i64::column_result(value).map(Self)
    }
}

impl ToSql for NameId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}

impl From<NameId> for i64 {
    fn from(id: NameId) -> Self {
        id.0
    }
}

impl From<i64> for NameId {
    fn from(id: i64) -> Self {
        Self(id)
    }
}

/// Whether a count can be right.
pub(crate) fn is_count(count: i64) -> bool {
    const MAX: i64 = 1 << 53;
    (0..=MAX).contains(&count)
}

/// By how much the number of jobs in each state has changed.
type Changes = [i64; 6];

fn column(state: JobState) -> Option<usize> {
    Some(match state {
        JobState::Waiting => 0,
        JobState::Ready => 1,
        JobState::Running => 2,
        JobState::Succeeded => 3,
        JobState::Failed => 4,
        JobState::Cancelled => 5,
        _ => return None,
    })
}

/// A name of jobs of one kind.
struct Entry {
    kind: JobKind,
    id: NameId,
    /// The number of its jobs that have not ended, as stored before the transaction.
    live: i64,
}

/// The names of jobs, and the number of jobs of each in each state.
///
/// They are kept in memory until another process writes or a transaction is rolled back, so that a name costs one write a transaction,
/// however many of its jobs begin and end.
pub(crate) struct Names<'c> {
    sql: Sql<'c>,
    entries: HashMap<Arc<str>, Vec<Entry>>,
    by_id: HashMap<NameId, Arc<str>>,
    /// What the transaction has changed. A number that is not in the table, in a file that was edited by hand, counts for nothing.
    changes: HashMap<NameId, Changes>,
}

impl<'c> Names<'c> {
    pub(crate) fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        let sql = Sql::prepare(connection)?;
        Ok(Self { sql, entries: HashMap::new(), by_id: HashMap::new(), changes: HashMap::new() })
    }

    /// Another process has written, or a transaction was rolled back.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.by_id.clear();
        self.changes.clear();
    }

    /// The number of a name. Assigns one to a name that is new.
    pub(crate) fn id(&mut self, kind: JobKind, name: &Arc<str>) -> Result<NameId, Error> {
        let known = self.entries(name)?.iter().find(|entry| entry.kind == kind);
        if let Some(known) = known {
            return Ok(known.id);
        }
        let id = NameId(self.sql.insert_name.insert(params![kind.as_str(), name])?);
        self.entries.entry(name.clone()).or_default().push(Entry { kind, id, live: 0 });
        Ok(id)
    }

    /// The name of a number; `None` if there is none, or none that is UTF-8.
    pub(crate) fn name(&mut self, id: NameId) -> Result<Option<Arc<str>>, Error> {
        if let Some(name) = self.by_id.get(&id) {
            return Ok(Some(name.clone()));
        }
        let stored: Option<RawText> = self.sql.select_name.query_row([id], |row| row.get(0)).optional()?;
        let Some(stored) = stored.filter(|name| !name.is_damaged()) else { return Ok(None) };
        let name: Arc<str> = stored.to_text().into();
        self.by_id.insert(id, name.clone());
        Ok(Some(name))
    }

    /// A job of the name is in this state now.
    pub(crate) fn enters(&mut self, id: NameId, state: JobState) {
        self.change(id, state, 1);
    }

    /// A job of the name is not in this state any more.
    pub(crate) fn leaves(&mut self, id: NameId, state: JobState) {
        self.change(id, state, -1);
    }

    fn change(&mut self, id: NameId, state: JobState, by: i64) {
        if let Some(column) = column(state) {
            self.changes.entry(id).or_default()[column] += by;
        }
    }

    /// The number of jobs of a name that have not ended.
    pub(crate) fn live(&mut self, name: &Arc<str>) -> Result<u64, Error> {
        self.entries(name)?;
        let Self { entries, changes, .. } = self;
        let live = |entry: &Entry| entry.live.saturating_add(changes.get(&entry.id).map_or(0, live_change));
        let live: i64 = entries.get(name).into_iter().flatten().map(live).fold(0, i64::saturating_add);
        Ok(u64::try_from(live).unwrap_or(0))
    }

    fn entries(&mut self, name: &Arc<str>) -> Result<&[Entry], Error> {
        if !self.entries.contains_key(name) {
            let entries = self.stored(name)?;
            self.entries.insert(name.clone(), entries);
        }
        Ok(&self.entries[name])
    }

    /// The stored entries of a name. Counts that cannot be right are corrected.
    fn stored(&mut self, name: &str) -> Result<Vec<Entry>, Error> {
        let read = |row: &Row<'_>| {
            let kind = row.get::<_, RawText>(1)?;
            let kind = JobKind::from_stored_or_placeholder(&kind.to_text());
            let counts: [i64; 3] = [row.get(2)?, row.get(3)?, row.get(4)?];
            let live = counts.iter().copied().fold(0, i64::saturating_add);
            Ok((Entry { kind, id: row.get(0)?, live }, counts))
        };
        let stored: Vec<_> = self.sql.select_ids.query_map([name], read)?.collect::<Result<_, _>>()?;
        if stored.iter().all(|(_, counts)| counts.iter().all(|count| is_count(*count))) {
            return Ok(stored.into_iter().map(|(entry, _)| entry).collect());
        }
        for (entry, _) in stored {
            self.recount(entry.id)?;
        }
        let recounted: Result<_, _> =
            self.sql.select_ids.query_map([name], read)?.map(|entry| Ok(entry?.0)).collect();
        recounted
    }

    fn recount(&mut self, id: NameId) -> Result<(), Error> {
        self.sql.recount.execute([id])?;
        // They are added at the end of the transaction.
        if let Some(changes) = self.changes.get(&id) {
            add(&mut self.sql.add_counts, id, changes.map(|change| -change))?;
        }
        Ok(())
    }

    /// Stores the changed counts, at the end of the transaction.
    pub(crate) fn flush(&mut self) -> Result<(), Error> {
        for (id, changes) in &mut self.changes {
            // The number stays in the map for the next transaction.
            let changes = mem::take(changes);
            if changes == Changes::default() {
                continue;
            }
            add(&mut self.sql.add_counts, *id, changes)?;
            let live = live_change(&changes);
            if live != 0 {
                for entry in self.entries.values_mut().flatten().filter(|entry| entry.id == *id) {
                    entry.live += live;
                }
            }
        }
        Ok(())
    }
}

fn add(add_counts: &mut Statement<'_>, id: NameId, changes: Changes) -> rusqlite::Result<usize> {
    let [waiting, ready, running, succeeded, failed, cancelled] = changes;
    add_counts.execute(params![id, waiting, ready, running, succeeded, failed, cancelled])
}

/// By how much the number of jobs that have not ended has changed.
fn live_change([waiting, ready, running, ..]: &Changes) -> i64 {
    waiting + ready + running
}
