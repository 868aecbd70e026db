//! Recovers from a failed fsync of the write-ahead log; see the crate's documentation on failures.

use std::io;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::error::Error;
use crate::options::CHECKPOINT_PAGES;
use crate::wal_file::{self, ValidLog};
use crate::wal_sync::WalSync;

/// The pauses between tries. A try reads and writes the whole log.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// When to try next.
#[derive(Default)]
pub(crate) struct Recovery {
    pause: Duration,
    next: Option<Instant>,
    /// Frames of the log are missing, so it cannot be recovered while it is open.
    is_lost: bool,
}

impl Recovery {
    /// Recovers from a failed fsync, or says why not. `transaction` is the last one that was committed.
    pub(crate) fn try_now(
        &mut self,
        connection: &Connection,
        sync: &WalSync,
        transaction: u64,
    ) -> Result<(), Error> {
        if self.is_lost {
            return Err(Error::LogLost);
        }
        if self.next.is_some_and(|next| Instant::now() < next) {
            return Err(Error::SyncFailed(None));
        }
        let recovered = recover(connection, sync, transaction);
        if recovered.is_ok() {
            *self = Self::default();
        } else {
            self.is_lost = matches!(recovered, Err(Error::LogLost));
            self.pause = (self.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
            self.next = Some(Instant::now() + self.pause);
        }
        recovered
    }
}

fn recover(connection: &Connection, sync: &WalSync, transaction: u64) -> Result<(), Error> {
    // A checkpoint copies pages from the log to the database. It must not do so with pages that the log on the disk may lack.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    let recovered = rewrite(connection, sync, transaction);
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    recovered
}

fn rewrite(connection: &Connection, sync: &WalSync, transaction: u64) -> Result<(), Error> {
    let mut log = sync.open_log().map_err(sync_failed)?;
    // A commit of one page, at the end of the log. Its checksum includes all frames before it, so it is valid only if none is missing.
    let before = in_transaction(connection, "COMMIT", || {
        let before = wal_file::read(&mut log).map_err(sync_failed)?;
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        connection.pragma_update(None, "user_version", version)?;
        Ok(before)
    })?;
    // No other process writes to the log meanwhile.
    in_transaction(connection, "ROLLBACK", || {
        let after = wal_file::rewrite(&mut log).map_err(sync_failed)?;
        if !is_longer(before, after) {
            return Err(Error::LogLost);
        }
        sync.recover(transaction).map_err(sync_failed)
    })
}

/// Whether the log has a valid commit that it did not have before.
fn is_longer(before: ValidLog, after: ValidLog) -> bool {
    if before.salts == after.salts { after.end > before.end } else { after.end > 0 }
}

fn in_transaction<T>(
    connection: &Connection,
    end: &str,
    run: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let outcome = run().and_then(|output| {
        connection.execute_batch(end)?;
        Ok(output)
    });
    if !connection.is_autocommit() {
        // If this fails, the next BEGIN reports it.
        let _ = connection.execute_batch("ROLLBACK");
    }
    outcome
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn sync_failed(error: io::Error) -> Error {
    Error::SyncFailed(Some(error.to_string()))
}
