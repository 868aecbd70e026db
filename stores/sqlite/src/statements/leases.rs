use enact::WorkerId;
use enact::store::Lease;
use rusqlite::{OptionalExtension, params};

use super::prepare::statements;
use crate::encode::duration;
use crate::error::Error;
use crate::raw_text::WorkerText;

statements! { Leases {
    upsert_lease: "
        INSERT INTO leases (worker, renewals, length) VALUES (?1, ?2, ?3)
        ON CONFLICT (worker) DO UPDATE SET renewals = excluded.renewals, length = excluded.length",
    /// Unless the lease was renewed or the worker has running jobs.
    delete_lease: "
        DELETE FROM leases WHERE worker = ?1 AND renewals = ?2
            AND NOT EXISTS (SELECT 1 FROM running AS live WHERE live.worker = ?1)",
    select_renewals: "SELECT renewals FROM leases WHERE worker = ?1",
} }

impl Leases<'_> {
    pub(crate) fn renew(&mut self, lease: &Lease) -> Result<(), Error> {
        let Lease { worker, renewals, length } = lease;
        self.upsert_lease.execute(params![
            WorkerText::of(worker),
            renewals.cast_signed(),
            duration(*length)
        ])?;
        Ok(())
    }

    pub(crate) fn retire(&mut self, worker: &WorkerId, renewals: u64) -> Result<(), Error> {
        self.delete_lease.execute(params![WorkerText::of(worker), renewals.cast_signed()])?;
        Ok(())
    }

    /// Whether the worker's lease has not been renewed since it was renewed for the `renewals`th time.
    pub(crate) fn has_lapsed(&mut self, worker: &WorkerId, renewals: u64) -> Result<bool, Error> {
        let stored: Option<i64> =
            self.select_renewals.query_row([WorkerText::of(worker)], |row| row.get(0)).optional()?;
        Ok(stored.unwrap_or(0) == renewals.cast_signed())
    }
}
