//! What can break, and how it is told to the caller: what is wrong, with which file, and what to do.

use std::path::{Path, PathBuf};

use enact::store::StoreError;
use rusqlite::ErrorCode;

/// Why a call could not be carried out.
#[derive(Debug)]
pub(crate) enum Broken {
    /// SQLite refused.
    Sqlite(rusqlite::Error),
    /// A row does not hold what this crate writes.
    Row { table: &'static str, row: String, column: &'static str, reason: String },
    /// The disk has not confirmed what was written, now or earlier.
    Unconfirmed(Option<String>),
    /// The file is no longer where it was opened.
    Gone(PathBuf),
    /// The call makes no sense.
    Call(&'static str),
}

impl From<rusqlite::Error> for Broken {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl Broken {
    /// The error for a caller. One breakage can concern many callers, so it is not consumed.
    pub(crate) fn explain(&self, path: &Path) -> StoreError {
        let path = path.display();
        match self {
            Self::Sqlite(error) => {
                StoreError::new(format!("`{path}`: {}", advice(error))).caused_by(error.to_string())
            }
            Self::Row { table, row, column, reason } => StoreError::new(format!(
                "`{path}`: row {row} of `{table}` cannot be read: column `{column}` {reason}; was it edited by hand?"
            )),
            Self::Unconfirmed(reason) => {
                let error = StoreError::new(format!(
                    "`{path}`: the disk has failed to confirm a write, so that the latest writes may be on record or not; \
                     check the disk and the system's log, then open the store anew"
                ));
                match reason {
                    Some(reason) => error.caused_by(reason.as_str()),
                    None => error,
                }
            }
            Self::Gone(file) => StoreError::new(format!(
                "`{path}`: the file `{}` was deleted, moved or replaced while it was open, so that nothing more is written; \
                 move it back if it was moved, and call again; otherwise stop all that uses the database, restore a backup, \
                 and open the store anew",
                file.display()
            )),
            Self::Call(reason) => StoreError::new(format!("`{path}`: {reason}")),
        }
    }

    /// Whether another connection was in the way.
    pub(crate) fn is_busy(&self) -> bool {
        matches!(self, Self::Sqlite(error)
            if matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)))
    }
}

fn advice(error: &rusqlite::Error) -> &'static str {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "the database is locked: another connection kept the lock for longer than the busy timeout; \
             look for a program that holds a transaction open, or raise `busy_timeout`"
        }
        Some(ErrorCode::DiskFull) => {
            "the database is full: there is no space left on its disk, or it has reached the store's `max_size`; \
             free some space or raise the limit, then call again"
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            "the file cannot be written to: allow this process to write both the file and its directory"
        }
        Some(ErrorCode::CannotOpen) => {
            "the file cannot be opened: allow this process to read and write both the file and its directory"
        }
        Some(ErrorCode::NotADatabase) => {
            "the file is no SQLite database, or it is encrypted or damaged: name another file, or restore a backup"
        }
        Some(ErrorCode::DatabaseCorrupt) => {
            "the database is damaged: restore a backup; `sqlite3 FILE .recover` may save what is left"
        }
        Some(ErrorCode::SystemIoFailure) => {
            "the file could not be read or written: check its disk and the system's log, then call again"
        }
        Some(ErrorCode::OutOfMemory) => "SQLite ran out of memory",
        Some(ErrorCode::TooBig) => "a value is larger than SQLite can keep",
        Some(ErrorCode::ConstraintViolation) => {
            "a record breaks the rules of its table: is its id on record already?"
        }
        _ => "SQLite refused",
    }
}
