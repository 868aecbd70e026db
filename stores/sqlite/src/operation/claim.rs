use std::sync::Arc;

use enact::Job;
use enact::store::{Claim, Claimed};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Statement, params};

use super::{Operation, prepare};
use crate::encode::{integer, time};
use crate::error::Broken;
use crate::recent::Recent;
use crate::rows::{self, Ready};

pub(crate) const INSERT_DUE: &str = "
    INSERT INTO ready (name, rank, seq, attempts, spent, order_key)
    SELECT r.name, -r.priority, w.seq, w.attempts, w.spent, r.order_key
    FROM (SELECT seq, attempts, spent FROM waiting
        WHERE due_at IS NOT NULL AND in_line = 0 AND pending = 0 AND due_at <= ?1 ORDER BY due_at, seq LIMIT ?2) AS w
    CROSS JOIN requests AS r ON r.seq = w.seq";

pub(crate) const DELETE_DUE: &str = "
    DELETE FROM waiting WHERE seq IN (SELECT seq FROM waiting
        WHERE due_at IS NOT NULL AND in_line = 0 AND pending = 0 AND due_at <= ?1 ORDER BY due_at, seq LIMIT ?2)";

/// The names of which there are jobs are found one seek each, however many there are of each.
pub(crate) const SELECT_FIRST_NAME: &str = "SELECT name FROM ready ORDER BY name LIMIT 1";

pub(crate) const SELECT_NEXT_NAME: &str = "SELECT name FROM ready WHERE name > ?1 ORDER BY name LIMIT 1";

pub(crate) const SELECT_READY: &str = "
    SELECT rank, seq, attempts, spent, order_key FROM ready WHERE name = ?1 ORDER BY rank, seq LIMIT ?2";

pub(crate) const SELECT_REQUEST: &str = "
    SELECT id, kind, name, created_at, target, order_key, idempotency_key, correlation, cause, context, payload, priority,
        after, deadline
    FROM requests WHERE seq = ?1";

pub(crate) const DELETE_READY: &str = "DELETE FROM ready WHERE name = ?1 AND rank = ?2 AND seq = ?3";

pub(crate) const INSERT_CLAIMED: &str = "
    INSERT INTO running (seq, attempts, spent, worker, started_at, name, order_key) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

pub(crate) const SELECT_NEXT_DUE: &str = "
    SELECT min(due_at) FROM waiting WHERE due_at IS NOT NULL AND in_line = 0 AND pending = 0";

/// [`Store::claim`](enact::store::Store::claim).
pub(crate) struct Claiming(pub(crate) Claim);

impl Operation for Claiming {
    type Answer = Claimed;

    fn run(&self, statements: &mut super::Statements<'_>) -> Result<Claimed, Broken> {
        let Self(claim) = self;
        let super::Statements { claim: statements, counters, .. } = statements;
        let next_due = statements.wake(claim.now)?;
        let mut jobs = Vec::new();
        // All are found before the first is changed: they are found in the order that the change takes them out of.
        for (name, ready) in statements.find(claim)?.into_iter().flatten() {
            let Ready { rank, seq, attempts, spent, .. } = ready;
            statements.delete_ready.execute(params![name, rank, seq])?;
            let Some(job) = statements.read(seq)? else {
                // Its request was deleted by hand.
                counters.end(&name);
                continue;
            };
            let attempts = attempts.saturating_add(1);
            statements.begin(claim, &name, &ready, attempts)?;
            jobs.push(Job { attempts, spent, ..job });
        }
        Ok(Claimed { jobs, next_due })
    }

    fn relies_on(&self, answer: &Claimed, recent: &Recent) -> u64 {
        answer.jobs.iter().map(|job| recent.relied_on(job.id)).max().unwrap_or(0)
    }
}

/// A job that is to be handed out, and its name.
type Found = (Arc<str>, Ready);

pub(super) struct Statements<'c> {
    insert_due: Statement<'c>,
    delete_due: Statement<'c>,
    select_first_name: Statement<'c>,
    select_next_name: Statement<'c>,
    select_ready: Statement<'c>,
    select_request: Statement<'c>,
    delete_ready: Statement<'c>,
    insert_claimed: Statement<'c>,
    select_next_due: Statement<'c>,
    recent: &'c Recent,
}

impl<'c> Statements<'c> {
    pub(super) fn prepare(connection: &'c Connection, recent: &'c Recent) -> rusqlite::Result<Self> {
        Ok(Self {
            insert_due: prepare(connection, INSERT_DUE)?,
            delete_due: prepare(connection, DELETE_DUE)?,
            select_first_name: prepare(connection, SELECT_FIRST_NAME)?,
            select_next_name: prepare(connection, SELECT_NEXT_NAME)?,
            select_ready: prepare(connection, SELECT_READY)?,
            select_request: prepare(connection, SELECT_REQUEST)?,
            delete_ready: prepare(connection, DELETE_READY)?,
            insert_claimed: prepare(connection, INSERT_CLAIMED)?,
            select_next_due: prepare(connection, SELECT_NEXT_DUE)?,
            recent,
        })
    }

    /// Makes ready what waited for a time that has come, no more of it than a call may. The time that comes next.
    fn wake(&mut self, now: Timestamp) -> Result<Option<Timestamp>, Broken> {
        let next_due = self.next_due()?;
        if next_due.is_none_or(|due_at| time(due_at) > time(now)) {
            return Ok(next_due);
        }
        let due = [time(now), integer(Claim::MOST_WOKEN)];
        self.insert_due.execute(due)?;
        self.delete_due.execute(due)?;
        self.next_due()
    }

    /// What is to be handed out of each queue, in the order in which it is to run.
    fn find(&mut self, claim: &Claim) -> Result<Vec<Vec<Found>>, Broken> {
        let mut queues: Vec<Vec<_>> = claim.room.iter().map(|_| Vec::new()).collect();
        let mut next = self.select_first_name.query_row([], |row| row.get(0)).optional()?;
        while let Some(found) = next {
            let found: String = found;
            if let Some((name, queue)) = claim.queues.get_key_value(&*found)
                && let (Some(found), Some(room @ 1..)) = (queues.get_mut(*queue), claim.room.get(*queue))
            {
                let ready = self.select_ready.query_and_then(params![name, integer(*room)], rows::ready)?;
                for ready in ready {
                    found.push((name.clone(), ready?));
                }
            }
            next = self.select_next_name.query_row([found], |row| row.get(0)).optional()?;
        }
        for (queue, room) in queues.iter_mut().zip(&claim.room) {
            queue.sort_unstable_by_key(|(_, ready)| (ready.rank, ready.seq));
            queue.truncate(*room);
        }
        Ok(queues)
    }

    /// The job of a request; `None` if there is none.
    fn read(&mut self, seq: i64) -> Result<Option<Job>, Broken> {
        if let Some(job) = self.recent.claim(seq) {
            return Ok(Some(job));
        }
        let mut rows = self.select_request.query([seq])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let job = rows::request(seq, row)?;
        self.recent.note_running(seq, job.id);
        Ok(Some(job))
    }

    fn begin(&mut self, claim: &Claim, name: &Arc<str>, ready: &Ready, attempts: u32) -> Result<(), Broken> {
        let Ready { seq, spent, order_key, .. } = ready;
        let Claim { worker, now, .. } = claim;
        let attempt = params![seq, attempts, spent, worker.as_str(), time(*now), name, order_key];
        self.insert_claimed.execute(attempt)?;
        Ok(())
    }

    fn next_due(&mut self) -> Result<Option<Timestamp>, Broken> {
        self.select_next_due.query_row([], |row| Ok(rows::next_due(row)))?
    }
}
