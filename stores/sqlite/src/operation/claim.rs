use enact::store::{Claim, Claimed};
use enact::{Job, JobState};
use jiff::Timestamp;
use rusqlite::{Connection, Statement, params};

use super::{Operation, prepare};
use crate::encode::{integer, time};
use crate::error::Broken;
use crate::rows;

pub(crate) const INSERT_DUE: &str = "
    INSERT INTO ready (seq, attempts, name, order_key)
    SELECT w.seq, w.attempts, r.name, r.order_key
    FROM waiting AS w CROSS JOIN requests AS r ON r.seq = w.seq
    WHERE w.due_at IS NOT NULL AND w.due_at <= ?1";

pub(crate) const DELETE_DUE: &str = "DELETE FROM waiting WHERE due_at IS NOT NULL AND due_at <= ?1";

pub(crate) const SELECT_READY: &str = "
    SELECT r.seq, r.id, r.kind, r.name, r.created_at, r.target, r.order_key, r.idempotency_key, r.correlation, r.cause,
        r.context, r.payload, q.attempts
    FROM ready AS q CROSS JOIN requests AS r ON r.seq = q.seq
    WHERE q.name IN (SELECT value FROM json_each(?1))
    ORDER BY q.seq LIMIT ?2";

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
    pub(crate) claim: Claim,
    /// `claim.names` as a JSON array.
    pub(crate) names: String,
}

impl Operation for Claiming {
    type Answer = Claimed;

    fn run(&self, statements: &mut super::Statements<'_>) -> Result<Claimed, Broken> {
        let statements = &mut statements.claim;
        statements.wake(self.claim.now)?;
        let jobs = statements.hand_out(self)?;
        Ok(Claimed { jobs, next_due: statements.next_due()? })
    }
}

pub(super) struct Statements<'c> {
    insert_due: Statement<'c>,
    delete_due: Statement<'c>,
    select_ready: Statement<'c>,
    insert_claimed: Statement<'c>,
    delete_claimed: Statement<'c>,
    select_next_due: Statement<'c>,
}

impl<'c> Statements<'c> {
    pub(super) fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            insert_due: prepare(connection, INSERT_DUE)?,
            delete_due: prepare(connection, DELETE_DUE)?,
            select_ready: prepare(connection, SELECT_READY)?,
            insert_claimed: prepare(connection, INSERT_CLAIMED)?,
            delete_claimed: prepare(connection, DELETE_CLAIMED)?,
            select_next_due: prepare(connection, SELECT_NEXT_DUE)?,
        })
    }

    /// Makes ready what waited for a time that has come.
    fn wake(&mut self, now: Timestamp) -> Result<(), Broken> {
        if self.insert_due.execute([time(now)])? > 0 {
            self.delete_due.execute([time(now)])?;
        }
        Ok(())
    }

    fn hand_out(&mut self, Claiming { claim, names }: &Claiming) -> Result<Vec<Job>, Broken> {
        let mut found = self
            .select_ready
            .query_and_then(params![names, integer(claim.limit)], rows::ready_job)?
            .collect::<Result<Vec<_>, _>>()?;
        if let Some((last, _)) = found.last() {
            let claimed = params![names, last, claim.worker.as_str(), time(claim.now)];
            self.insert_claimed.execute(claimed)?;
            self.delete_claimed.execute(params![names, last])?;
        }
        for (_, job) in &mut found {
            job.state = JobState::Running;
            job.attempts += 1;
        }
        Ok(found.into_iter().map(|(_, job)| job).collect())
    }

    fn next_due(&mut self) -> Result<Option<Timestamp>, Broken> {
        self.select_next_due.query_row([], |row| Ok(rows::next_due(row)))?
    }
}
