use enact::Job;
use enact::store::{Claim, Claimed, StoreError};
use jiff::Timestamp;
use rusqlite::{Connection, Statement, params};

use super::{Operation, prepare};
use crate::encode::{integer, json, time};
use crate::error::Broken;
use crate::recent::Recent;
use crate::rows::{self, Ready};

pub(crate) const INSERT_DUE: &str = "
    INSERT INTO ready (seq, attempts, name, order_key)
    SELECT w.seq, w.attempts, r.name, r.order_key
    FROM waiting AS w CROSS JOIN requests AS r ON r.seq = w.seq
    WHERE w.due_at IS NOT NULL AND w.due_at <= ?1";

pub(crate) const DELETE_DUE: &str = "DELETE FROM waiting WHERE due_at IS NOT NULL AND due_at <= ?1";

pub(crate) const SELECT_READY: &str = "
    SELECT seq, attempts, order_key FROM ready WHERE name IN (SELECT value FROM json_each(?1)) ORDER BY seq LIMIT ?2";

pub(crate) const SELECT_REQUEST: &str = "
    SELECT id, kind, name, created_at, target, order_key, idempotency_key, correlation, cause, context, payload
    FROM requests WHERE seq = ?1";

pub(crate) const DELETE_READY: &str = "DELETE FROM ready WHERE seq = ?1";

pub(crate) const INSERT_CLAIMED: &str = "
    INSERT INTO running (seq, attempts, worker, started_at, order_key) VALUES (?1, ?2, ?3, ?4, ?5)";

pub(crate) const SELECT_NEXT_DUE: &str = "SELECT min(due_at) FROM waiting WHERE due_at IS NOT NULL";

/// [`Store::claim`](enact::store::Store::claim).
pub(crate) struct Claiming {
    claim: Claim,
    /// `claim.names` as a JSON array.
    names: String,
}

impl Claiming {
    pub(crate) fn of(claim: Claim) -> Result<Self, StoreError> {
        let names: Vec<&str> = claim.names.iter().map(AsRef::as_ref).collect();
        let names = json("the names of the handlers", &names)?;
        Ok(Self { claim, names })
    }
}

impl Operation for Claiming {
    type Answer = Claimed;

    fn run(&self, statements: &mut super::Statements<'_>) -> Result<Claimed, Broken> {
        let statements = &mut statements.claim;
        statements.wake(self.claim.now)?;
        let mut jobs = Vec::new();
        // All are found before the first is changed: they are found in the order that the change takes them out of.
        for ready in statements.find(self)? {
            // One whose request was deleted by hand is put aside.
            statements.delete_ready.execute([ready.seq])?;
            if let Some(job) = statements.read(ready.seq)? {
                let attempts = ready.attempts.saturating_add(1);
                statements.begin(&self.claim, &ready, attempts)?;
                jobs.push(Job { attempts, ..job });
            }
        }
        Ok(Claimed { jobs, next_due: statements.next_due()? })
    }

    fn relies_on(&self, answer: &Claimed, recent: &Recent) -> u64 {
        answer.jobs.iter().map(|job| recent.relied_on(job.id)).max().unwrap_or(0)
    }
}

pub(super) struct Statements<'c> {
    insert_due: Statement<'c>,
    delete_due: Statement<'c>,
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
            select_ready: prepare(connection, SELECT_READY)?,
            select_request: prepare(connection, SELECT_REQUEST)?,
            delete_ready: prepare(connection, DELETE_READY)?,
            insert_claimed: prepare(connection, INSERT_CLAIMED)?,
            select_next_due: prepare(connection, SELECT_NEXT_DUE)?,
            recent,
        })
    }

    /// Makes ready what waited for a time that has come.
    fn wake(&mut self, now: Timestamp) -> Result<(), Broken> {
        self.insert_due.execute([time(now)])?;
        self.delete_due.execute([time(now)])?;
        Ok(())
    }

    fn find(&mut self, Claiming { claim, names }: &Claiming) -> Result<Vec<Ready>, Broken> {
        let limit = integer(claim.limit);
        self.select_ready.query_and_then(params![names, limit], rows::ready)?.collect()
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

    fn begin(&mut self, claim: &Claim, ready: &Ready, attempts: u32) -> Result<(), Broken> {
        let Ready { seq, order_key, .. } = ready;
        let attempt = params![seq, attempts, claim.worker.as_str(), time(claim.now), order_key];
        self.insert_claimed.execute(attempt)?;
        Ok(())
    }

    fn next_due(&mut self) -> Result<Option<Timestamp>, Broken> {
        self.select_next_due.query_row([], |row| Ok(rows::next_due(row)))?
    }
}
