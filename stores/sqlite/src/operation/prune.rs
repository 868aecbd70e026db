use enact::JobState;
use enact::store::{PageToken, Prune, Pruned};
use jiff::Timestamp;
use rusqlite::{Connection, Statement};

use super::counters::Counters;
use super::{Operation, prepare};
use crate::encode::{integer, time};
use crate::error::Broken;
use crate::rows;

pub(crate) const SELECT_PAGE: &str = "
    SELECT j.seq, j.created_at, j.state, j.ended_at FROM jobs AS j WHERE j.seq > ?1 ORDER BY j.seq LIMIT ?2";

pub(crate) const DELETE_ATTEMPTS: &str = "DELETE FROM attempts WHERE job = ?1";

pub(crate) const DELETE_CANCELLED: &str = "DELETE FROM cancelled WHERE seq = ?1";

pub(crate) const DELETE_REQUEST: &str = "DELETE FROM requests WHERE seq = ?1";

pub(crate) const SELECT_FIRST_EVENTS: &str = "
    SELECT position, emitted_at FROM events ORDER BY position LIMIT ?1";

pub(crate) const DELETE_EVENTS: &str = "DELETE FROM events WHERE position <= ?1";

/// [`Store::prune`](enact::store::Store::prune).
pub(crate) struct Pruning(pub(crate) Prune);

impl Operation for Pruning {
    type Answer = Pruned;

    fn run(&self, statements: &mut super::Statements<'_>) -> Result<Pruned, Broken> {
        let Self(prune) = self;
        let super::Statements { prune: statements, live, counters, .. } = statements;
        let none = Pruned { deleted: 0, next: None };
        let Some(horizon) = prune.horizon() else { return Ok(none) };
        let page = statements.page(prune)?;
        let mut pruned = none;
        let mut looked_at = prune.after.unwrap_or(PageToken::from_u64(0));
        // One more than is to be looked at was found, to know whether there are more.
        for (index, Prunable { place, seq, created_at, state, ended_at }) in page.into_iter().enumerate() {
            // By a clock that takes no step back, the rest was put on record later still.
            if created_at >= horizon {
                break;
            }
            if index == prune.limit {
                pruned.next = Some(looked_at);
                break;
            }
            let is_named = ended_at.is_some_and(|ended_at| prune.names(state, ended_at));
            if is_named && !live.is_awaited(seq)? {
                statements.delete(seq, counters)?;
                pruned.deleted += 1;
            }
            looked_at = place;
        }
        Ok(pruned)
    }
}

/// A job, as far as it matters whether it is to be deleted.
pub(crate) struct Prunable {
    pub(crate) place: PageToken,
    pub(crate) seq: i64,
    pub(crate) created_at: Timestamp,
    pub(crate) state: JobState,
    pub(crate) ended_at: Option<Timestamp>,
}

/// [`Store::prune_events`](enact::store::Store::prune_events).
pub(crate) struct PruningEvents {
    pub(crate) before: Timestamp,
    pub(crate) limit: usize,
}

impl Operation for PruningEvents {
    type Answer = u64;

    fn run(&self, statements: &mut super::Statements<'_>) -> Result<u64, Broken> {
        let super::Statements { prune: statements, counters, .. } = statements;
        let Some(last) = statements.last_event_before(self)? else { return Ok(0) };
        counters.keep_event(last)?;
        let deleted = statements.delete_events.execute([last])?;
        Ok(deleted as u64)
    }
}

pub(super) struct Statements<'c> {
    select_page: Statement<'c>,
    delete_attempts: Statement<'c>,
    delete_cancelled: Statement<'c>,
    delete_request: Statement<'c>,
    select_first_events: Statement<'c>,
    delete_events: Statement<'c>,
}

impl<'c> Statements<'c> {
    pub(super) fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            select_page: prepare(connection, SELECT_PAGE)?,
            delete_attempts: prepare(connection, DELETE_ATTEMPTS)?,
            delete_cancelled: prepare(connection, DELETE_CANCELLED)?,
            delete_request: prepare(connection, DELETE_REQUEST)?,
            select_first_events: prepare(connection, SELECT_FIRST_EVENTS)?,
            delete_events: prepare(connection, DELETE_EVENTS)?,
        })
    }

    fn page(&mut self, prune: &Prune) -> Result<Vec<Prunable>, Broken> {
        let after = prune.after.map_or(0, |place| integer(place.as_u64()));
        let limit = integer(prune.limit.saturating_add(1));
        self.select_page.query_and_then([after, limit], rows::prunable)?.collect()
    }

    fn delete(&mut self, seq: i64, counters: &mut Counters<'_>) -> Result<(), Broken> {
        counters.keep_request(seq)?;
        self.delete_attempts.execute([seq])?;
        self.delete_cancelled.execute([seq])?;
        self.delete_request.execute([seq])?;
        Ok(())
    }

    /// The place of the last of the first events that were emitted before a time.
    fn last_event_before(&mut self, pruning: &PruningEvents) -> Result<Option<i64>, Broken> {
        let before = time(pruning.before);
        let mut last = None;
        let mut rows = self.select_first_events.query([integer(pruning.limit)])?;
        while let Some(row) = rows.next()? {
            let (position, emitted_at): (i64, i64) = (row.get(0)?, row.get(1)?);
            if emitted_at >= before {
                break;
            }
            last = Some(position);
        }
        Ok(last)
    }
}
