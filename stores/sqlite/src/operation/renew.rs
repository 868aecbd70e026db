use enact::WorkerId;
use enact::store::Lease;
use rusqlite::{Connection, Statement, params};

use super::{Operation, prepare};
use crate::encode::{integer, length};
use crate::error::Broken;

pub(crate) const UPSERT_LEASE: &str = "
    INSERT INTO workers (id, renewals, length) VALUES (?1, ?2, ?3)
    ON CONFLICT (id) DO UPDATE SET renewals = excluded.renewals, length = excluded.length";

pub(crate) const DELETE_LEASE: &str = "
    DELETE FROM workers WHERE id = ?1 AND renewals = ?2 AND NOT EXISTS (SELECT 1 FROM running AS live WHERE live.worker = ?1)";

/// [`Store::renew`](enact::store::Store::renew).
pub(crate) struct Renewing(pub(crate) Lease);

impl Operation for Renewing {
    type Answer = ();

    fn run(&self, statements: &mut super::Statements<'_>) -> Result<(), Broken> {
        let Lease { worker, renewals, length: long } = &self.0;
        let lease = params![worker.as_str(), integer(*renewals), length(*long)];
        statements.renew.upsert_lease.execute(lease)?;
        Ok(())
    }
}

/// [`Store::retire`](enact::store::Store::retire).
pub(crate) struct Retiring {
    pub(crate) worker: WorkerId,
    pub(crate) renewals: u64,
}

impl Operation for Retiring {
    type Answer = ();

    fn run(&self, statements: &mut super::Statements<'_>) -> Result<(), Broken> {
        let Self { worker, renewals } = self;
        statements.renew.delete_lease.execute(params![worker.as_str(), integer(*renewals)])?;
        Ok(())
    }
}

pub(super) struct Statements<'c> {
    upsert_lease: Statement<'c>,
    delete_lease: Statement<'c>,
}

impl<'c> Statements<'c> {
    pub(super) fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            upsert_lease: prepare(connection, UPSERT_LEASE)?,
            delete_lease: prepare(connection, DELETE_LEASE)?,
        })
    }
}
