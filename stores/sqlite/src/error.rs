//! What can fail, and the message that a caller gets: what is wrong, with which file, and what to do.

use std::fs::File;
use std::io;
use std::path::{Display, Path, PathBuf};

use enact::Unreadable;
use enact::store::{Cursor, StoreError};
use rusqlite::ErrorCode;

/// Why a call failed.
#[derive(Debug)]
pub(crate) enum Error {
    Sqlite(rusqlite::Error),
    /// The process, or the system, has reached its limit of open files.
    TooManyFiles(String),
    /// A row holds something that this crate does not write.
    Row {
        table: &'static str,
        row: String,
        unreadable: Unreadable,
    },
    /// An fsync failed, now (with the reason) or earlier.
    SyncFailed(Option<String>),
    /// The write-ahead log cannot be read.
    LogUnreadable(String),
    /// After a failed fsync, a part of the write-ahead log is missing.
    LogLost,
    /// A file is no longer at the path where it was opened.
    FileGone(PathBuf),
    /// The database has so many names (hard links), and SQLite has a log for each.
    SeveralNames(u64),
    /// The database and what is beside it do not fit together.
    Mismatch(Mismatch),
    /// A cursor is after the last position of an event.
    CursorAhead {
        cursor: Cursor,
        last: Cursor,
    },
    /// The caller broke the contract of the store.
    InvalidCall(&'static str),
}

/// How a database and what is beside it do not fit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mismatch {
    /// The database has no byte left, and its log has some.
    Emptied,
    /// Pages are neither in the database nor in its log.
    Truncated,
    /// The log belongs to another database, or to another state of this one.
    OtherLog,
    /// The file was copied from a database that was open, without its log.
    CopiedWhileOpen,
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            // SQLite does not say why it cannot open a file.
            Some(ErrorCode::CannotOpen | ErrorCode::SystemIoFailure) if is_at_file_limit() => {
                Self::TooManyFiles(error.to_string())
            }
            _ => Self::Sqlite(error),
        }
    }
}

/// Whether no more files can be opened. This is for a call that has failed and still holds what it has opened.
pub(crate) fn is_at_file_limit() -> bool {
    cfg!(unix) && File::open("/").is_err_and(|error| is_too_many_files(&error))
}

/// Whether a file was not opened because too many are open.
pub(crate) fn is_too_many_files(error: &io::Error) -> bool {
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    cfg!(unix) && matches!(error.raw_os_error(), Some(ENFILE | EMFILE))
}

impl Error {
    #[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
    pub(crate) fn log_unreadable(error: io::Error) -> Self {
        if is_too_many_files(&error) {
            return Self::TooManyFiles(error.to_string());
        }
        Self::LogUnreadable(error.to_string())
    }

    /// The error for a caller. Borrows, because one failure can concern many callers.
    pub(crate) fn to_store_error(&self, path: &Path) -> StoreError {
        let path = path.display();
        match self {
            Self::Sqlite(error) => {
                StoreError::new(format!("`{path}`: {}", advice(error))).caused_by(error.to_string())
            }
            Self::TooManyFiles(reason) => StoreError::new(format!(
                "`{path}`: too many open files; raise the limit of this process (`ulimit -n`, `LimitNOFILE=` of a systemd unit) or \
                 that of the system"
            ))
            .caused_by(reason.as_str()),
            Self::Row { table, row, unreadable } => StoreError::new(format!(
                "`{path}`: row {row} of `{table}` cannot be read: {unreadable}; it may have been edited by hand: correct it, or \
                 restore a backup"
            )),
            Self::SyncFailed(reason) => {
                let error = StoreError::new(format!(
                    "`{path}`: fsync failed, so it is unknown whether the latest writes are stored; check the disk and the \
                     system log. The store refuses writes until it has written its log again, which it tries once a minute or \
                     more often"
                ));
                match reason {
                    Some(reason) => error.caused_by(reason.as_str()),
                    None => error,
                }
            }
            Self::LogUnreadable(reason) => StoreError::new(format!(
                "`{path}`: its write-ahead log cannot be read; check the disk and the system log, then retry"
            ))
            .caused_by(reason.as_str()),
            Self::LogLost => StoreError::new(format!(
                "`{path}`: fsync failed, and the system has dropped a part of the write-ahead log that was not on the disk; \
                 writes are refused. Check the disk, stop all processes that use the database, and start them again: what was \
                 confirmed is kept"
            )),
            Self::FileGone(file) => StoreError::new(format!(
                "`{path}`: the file `{}` was deleted, moved or replaced while it was open; writes are refused. If it was moved, \
                 move it back and retry. Otherwise stop all processes that use the database, restore a backup and reopen \
                 the store",
                file.display()
            )),
            Self::SeveralNames(names) => StoreError::new(format!(
                "`{path}`: the file has {names} names (hard links). SQLite keeps a log for each, which damages the database: the store \
                 does not write to it. Delete the other names (`find DIRECTORY -samefile '{path}'` finds them) and retry; to have \
                 a second database, copy the file instead"
            )),
            Self::Mismatch(mismatch) => StoreError::new(mismatch_text(&path, *mismatch)),
            Self::CursorAhead { cursor, last } => {
                StoreError::cursor_ahead(format_args!("`{path}`"), cursor, last)
            }
            Self::InvalidCall(reason) => StoreError::new(format!("`{path}`: {reason}")),
        }
    }

    /// Whether another connection held a lock.
    pub(crate) fn is_busy(&self) -> bool {
        matches!(self, Self::Sqlite(error)
            if matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)))
    }
}

fn mismatch_text(path: &Display<'_>, mismatch: Mismatch) -> String {
    match mismatch {
        Mismatch::Emptied => format!(
            "`{path}` is empty, and `{path}-wal`, the write-ahead log, is not: the database was emptied or deleted, and nothing is written to \
             it now. Stop all processes that use it and restore a backup with `SqliteStore::restore`, which keeps the log. For a new \
             database, move the log away"
        ),
        Mismatch::Truncated => format!(
            "`{path}` was truncated: it ends before pages that are not in the write-ahead log either, and nothing is written to it now. \
             Stop all processes that use it and restore a backup with `SqliteStore::restore`, or try to recover it with \
             `sqlite3 FILE .recover`"
        ),
        Mismatch::OtherLog => format!(
            "`{path}-wal` is the write-ahead log of another database, or of another state of `{path}`: the database was replaced, and the \
             log of the old one is still there. Restore the database with `SqliteStore::restore`, which keeps the log. If the database was changed by another program and the log does belong to it, run \
             `sqlite3 '{path}' 'PRAGMA wal_checkpoint(TRUNCATE)'`"
        ),
        Mismatch::CopiedWhileOpen => format!(
            "`{path}` is a copy of a database that was open, without its write-ahead log: what was committed last is missing, and it may be \
             damaged. Use a backup made by `SqliteStore::backup`. If the file was made by a tool that copies a whole state, such as \
             `.backup` of the shell, run `sqlite3 '{path}' 'PRAGMA journal_mode = delete'`"
        ),
    }
}

fn advice(error: &rusqlite::Error) -> &'static str {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "the database stayed locked for longer than the busy timeout; find the program that holds a transaction open, \
             or raise `busy_timeout`"
        }
        Some(ErrorCode::DiskFull) => {
            "the database is full: the disk has no space left, or the file has reached `max_size`; free space or raise the \
             limit, then retry"
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            "the file cannot be written; grant this process write access to the file and its directory"
        }
        Some(ErrorCode::CannotOpen) => {
            "the file cannot be opened; grant this process read and write access to the file and its directory"
        }
        Some(ErrorCode::NotADatabase) => {
            "the file is not a SQLite database, or it is encrypted or damaged; open another file or restore a backup"
        }
        Some(ErrorCode::DatabaseCorrupt) => {
            "the database is damaged; restore a backup, or try to recover it with `sqlite3 FILE .recover`"
        }
        Some(ErrorCode::SystemIoFailure) => {
            "the file could not be read or written; check the disk and the system log, then retry"
        }
        Some(ErrorCode::OutOfMemory) => "SQLite ran out of memory",
        Some(ErrorCode::TooBig) => "a value is larger than SQLite can store",
        Some(ErrorCode::ConstraintViolation) => {
            "a row violates a constraint of its table; is its id already in use?"
        }
        _ => "SQLite returned an error",
    }
}
