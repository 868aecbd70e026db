use enact::store::{Claim, Claimed};
use enact::{Job, JobState};
use jiff::Timestamp;
use rusqlite::{Connection, Statement, params};

use super::{Operation, prepare};
use crate::encode::{integer, time};
use crate::error::Broken;
use crate::rows;

/// Only what waits has a time that it is due at.
pub(crate) const UPDATE_DUE: &str = "
    UPDATE queue SET state = 'ready', due_at = NULL WHERE due_at IS NOT NULL AND due_at <= ?1";

pub(crate) const SELECT_READY: &str = "
    SELECT r.seq, r.id, r.kind, r.name, r.created_at, r.target, r.order_key, r.idempotency_key, r.correlation, r.cause,
        r.context, r.payload, q.attempts
    FROM queue AS q CROSS JOIN requests AS r ON r.seq = q.seq
    WHERE q.state = 'ready' AND q.name IN (SELECT value FROM json_each(?1))
    ORDER BY q.seq LIMIT ?2";

pub(crate) const UPDATE_CLAIMED: &str = "
    UPDATE queue SET state = 'running', attempts = attempts + 1, worker = ?2, started_at = ?3
    WHERE state = 'ready' AND seq = ?1";

pub(crate) const SELECT_NEXT_DUE: &str = "SELECT min(due_at) FROM queue WHERE due_at IS NOT NULL";

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
        statements.update_due.execute([time(self.claim.now)])?;
        let jobs = statements.hand_out(self)?;
        Ok(Claimed { jobs, next_due: statements.next_due()? })
    }
}

pub(super) struct Statements<'c> {
    update_due: Statement<'c>,
    select_ready: Statement<'c>,
    update_claimed: Statement<'c>,
    select_next_due: Statement<'c>,
}

impl<'c> Statements<'c> {
    pub(super) fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            update_due: prepare(connection, UPDATE_DUE)?,
            select_ready: prepare(connection, SELECT_READY)?,
            update_claimed: prepare(connection, UPDATE_CLAIMED)?,
            select_next_due: prepare(connection, SELECT_NEXT_DUE)?,
        })
    }

    fn hand_out(&mut self, claiming: &Claiming) -> Result<Vec<Job>, Broken> {
        let Claiming { claim, names } = claiming;
        // All are found before the first is changed: they are found in the order that the change takes them out of.
        let mut found = self
            .select_ready
            .query_and_then(params![names, integer(claim.limit)], rows::ready_job)?
            .collect::<Result<Vec<_>, _>>()?;
        for (seq, job) in &mut found {
            self.update_claimed.execute(params![*seq, claim.worker.as_str(), time(claim.now)])?;
            job.state = JobState::Running;
            job.attempts += 1;
        }
        Ok(found.into_iter().map(|(_, job)| job).collect())
    }

    fn next_due(&mut self) -> Result<Option<Timestamp>, Broken> {
        self.select_next_due.query_row([], |row| Ok(rows::next_due(row)))?
    }
}
