use std::ops::RangeInclusive;

use enact::store::Prune;
use rusqlite::{Connection, Statement};

use super::counters::Counters;
use super::{Operation, prepare};
use crate::error::Broken;
use crate::rows;

pub(crate) const SELECT_END: &str = "SELECT j.state, j.ended_at FROM jobs AS j WHERE j.seq = ?1";

pub(crate) const DELETE_ATTEMPTS: &str = "DELETE FROM attempts WHERE job = ?1";

pub(crate) const DELETE_CANCELLED: &str = "DELETE FROM cancelled WHERE seq = ?1";

pub(crate) const DELETE_REQUEST: &str = "DELETE FROM requests WHERE seq = ?1";

pub(crate) const DELETE_EVENTS: &str = "DELETE FROM events WHERE position BETWEEN ?1 AND ?2";

/// The second half of [`Store::prune`](enact::store::Store::prune): deletes the jobs that a reader has found
/// ([`prunable`](crate::queries::prunable)), if each is still one to be deleted.
pub(crate) struct Pruning {
    pub(crate) prune: Prune,
    pub(crate) doomed: Vec<i64>,
}

impl Operation for Pruning {
    type Answer = u64;

    fn run(&self, statements: &mut super::Statements<'_>) -> Result<u64, Broken> {
        let super::Statements { prune: statements, live, counters, .. } = statements;
        let mut deleted = 0;
        for seq in &self.doomed {
            // It may have been retried by hand since, or deleted; or another job has come to wait for it.
            if statements.is_named(*seq, &self.prune)? && !live.is_awaited(*seq)? {
                statements.delete(*seq, counters)?;
                deleted += 1;
            }
        }
        Ok(deleted)
    }
}

/// The second half of [`Store::prune_events`](enact::store::Store::prune_events): deletes the events that a reader has found
/// ([`prunable_events`](crate::queries::prunable_events)), which stand in these places and those between.
pub(crate) struct PruningEvents(pub(crate) Vec<RangeInclusive<i64>>);

impl Operation for PruningEvents {
    type Answer = u64;

    fn run(&self, statements: &mut super::Statements<'_>) -> Result<u64, Broken> {
        let super::Statements { prune: statements, counters, .. } = statements;
        let mut deleted = 0;
        for run in &self.0 {
            counters.keep_event(*run.end())?;
            deleted += statements.delete_events.execute([run.start(), run.end()])? as u64;
        }
        Ok(deleted)
    }
}

pub(super) struct Statements<'c> {
    select_end: Statement<'c>,
    delete_attempts: Statement<'c>,
    delete_cancelled: Statement<'c>,
    delete_request: Statement<'c>,
    delete_events: Statement<'c>,
}

impl<'c> Statements<'c> {
    pub(super) fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            select_end: prepare(connection, SELECT_END)?,
            delete_attempts: prepare(connection, DELETE_ATTEMPTS)?,
            delete_cancelled: prepare(connection, DELETE_CANCELLED)?,
            delete_request: prepare(connection, DELETE_REQUEST)?,
            delete_events: prepare(connection, DELETE_EVENTS)?,
        })
    }

    /// Whether there is a job in this place that has ended, and is one of those to be deleted.
    fn is_named(&mut self, seq: i64, prune: &Prune) -> Result<bool, Broken> {
        let mut rows = self.select_end.query([seq])?;
        let Some(row) = rows.next()? else { return Ok(false) };
        let (state, ended_at) = rows::end(seq, row)?;
        Ok(ended_at.is_some_and(|ended_at| prune.names(state, ended_at)))
    }

    fn delete(&mut self, seq: i64, counters: &mut Counters<'_>) -> Result<(), Broken> {
        counters.keep_request(seq)?;
        self.delete_attempts.execute([seq])?;
        self.delete_cancelled.execute([seq])?;
        self.delete_request.execute([seq])?;
        Ok(())
    }
}
