use enact::WorkerId;
use jiff::Timestamp;
use rusqlite::{Connection, Statement, params};

use super::{Operation, prepare};
use crate::encode::time;
use crate::error::Broken;

pub(crate) const UPSERT_LEASE: &str = "
    INSERT INTO workers (id, lease_until) VALUES (?1, ?2)
    ON CONFLICT (id) DO UPDATE SET lease_until = excluded.lease_until";

/// [`Store::renew`](enact::store::Store::renew).
pub(crate) struct Renewing {
    pub(crate) worker: WorkerId,
    pub(crate) until: Timestamp,
}

impl Operation for Renewing {
    type Answer = ();

    fn run(&self, statements: &mut super::Statements<'_>) -> Result<(), Broken> {
        statements.renew.upsert_lease.execute(params![self.worker.as_str(), time(self.until)])?;
        Ok(())
    }
}

pub(super) struct Statements<'c> {
    upsert_lease: Statement<'c>,
}

impl<'c> Statements<'c> {
    pub(super) fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self { upsert_lease: prepare(connection, UPSERT_LEASE)? })
    }
}
