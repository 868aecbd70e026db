use enact::store::{Claim, Claimed, StoreError};
use enact::{Job, JobState};
use jiff::Timestamp;
use rusqlite::{Connection, Row, Statement, params};

use super::{Operation, prepare};
use crate::encode::{integer, json, time};
use crate::error::Broken;
use crate::recent::Recent;
use crate::rows;

pub(crate) const INSERT_DUE: &str = "
    INSERT INTO ready (seq, attempts, name, order_key)
    SELECT w.seq, w.attempts, r.name, r.order_key
    FROM waiting AS w CROSS JOIN requests AS r ON r.seq = w.seq
    WHERE w.due_at IS NOT NULL AND w.due_at <= ?1";

pub(crate) const DELETE_DUE: &str = "DELETE FROM waiting WHERE due_at IS NOT NULL AND due_at <= ?1";

pub(crate) const SELECT_READY: &str = "
    SELECT seq, attempts FROM ready WHERE name IN (SELECT value FROM json_each(?1)) ORDER BY seq LIMIT ?2";

pub(crate) const SELECT_REQUEST: &str = "
    SELECT id, kind, name, created_at, target, order_key, idempotency_key, correlation, cause, context, payload
    FROM requests WHERE seq = ?1";

/// What was found is all of the names up to the last one found.
pub(crate) const INSERT_CLAIMED: &str = "
    INSERT INTO running (seq, attempts, worker, started_at, order_key)
    SELECT seq, attempts + 1, ?3, ?4, order_key FROM ready
    WHERE seq <= ?2 AND name IN (SELECT value FROM json_each(?1))";

pub(crate) const DELETE_CLAIMED: &str = "
    DELETE FROM ready WHERE seq <= ?2 AND name IN (SELECT value FROM json_each(?1))";

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
        let found = statements.find(self)?;
        if let Some(last) = found.last() {
            statements.hand_out(self, last.place)?;
        }
        let jobs = found.into_iter().map(|ready| statements.read(ready)).collect::<Result<_, _>>()?;
        Ok(Claimed { jobs, next_due: statements.next_due()? })
    }

    fn must_be_durable(&self, answer: &Claimed) -> bool {
        answer.jobs.iter().any(|job| self.claim.once.contains(&job.name))
    }
}

/// A job that is ready.
#[derive(Clone, Copy)]
struct Ready {
    place: i64,
    attempts: u32,
}

pub(super) struct Statements<'c> {
    insert_due: Statement<'c>,
    delete_due: Statement<'c>,
    select_ready: Statement<'c>,
    select_request: Statement<'c>,
    insert_claimed: Statement<'c>,
    delete_claimed: Statement<'c>,
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
            insert_claimed: prepare(connection, INSERT_CLAIMED)?,
            delete_claimed: prepare(connection, DELETE_CLAIMED)?,
            select_next_due: prepare(connection, SELECT_NEXT_DUE)?,
            recent,
        })
    }

    /// Makes ready what waited for a time that has come.
    fn wake(&mut self, now: Timestamp) -> Result<(), Broken> {
        if self.insert_due.execute([time(now)])? > 0 {
            self.delete_due.execute([time(now)])?;
        }
        Ok(())
    }

    fn find(&mut self, Claiming { claim, names }: &Claiming) -> Result<Vec<Ready>, Broken> {
        let limit = integer(claim.limit);
        let read = |row: &Row<'_>| Ok(Ready { place: row.get(0)?, attempts: row.get(1)? });
        let found = self.select_ready.query_map(params![names, limit], read)?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// Makes running what is ready up to a place.
    fn hand_out(&mut self, Claiming { claim, names }: &Claiming, last: i64) -> Result<(), Broken> {
        let claimed = params![names, last, claim.worker.as_str(), time(claim.now)];
        self.insert_claimed.execute(claimed)?;
        self.delete_claimed.execute(params![names, last])?;
        Ok(())
    }

    /// The job that was handed out.
    fn read(&mut self, Ready { place, attempts }: Ready) -> Result<Job, Broken> {
        let job = match self.recent.take_request(place) {
            Some(request) => request.into_job(JobState::Running),
            None => self.select_request.query_row([place], |row| Ok(rows::request(place, row)))??,
        };
        self.recent.note_running(place, job.id);
        Ok(Job { attempts: attempts + 1, ..job })
    }

    fn next_due(&mut self) -> Result<Option<Timestamp>, Broken> {
        self.select_next_due.query_row([], |row| Ok(rows::next_due(row)))?
    }
}
