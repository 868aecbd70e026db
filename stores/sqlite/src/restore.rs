//! Replaces a database by a backup.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use enact::store::StoreError;
use jiff::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::backup::vacuum_into;
use crate::check::integrity_problems;
use crate::database_path;
use crate::descriptors;
use crate::error::Error;
use crate::file_mark;
use crate::open_file;
use crate::partial_file::{PartialFile, sync_directory, with_suffix};
use crate::schema::{self, FileKind};
use crate::store::SqliteStore;

impl SqliteStore {
    /// Replaces a database, which need not exist, by a backup. No process may have that open. Blocks until it is done.
    ///
    /// The database that was there is kept, with its write-ahead log, under a name that ends in `-replaced-` and the time, which is
    /// returned. Delete both when you do not need them any more. A log that was there without a database is kept in the same way.
    ///
    /// The backup is read and verified before anything is changed, and is not changed. If the process is killed meanwhile, the database is
    /// the old one or the restored one, or [`open`](Self::open) refuses it, because the log is still the old one's or the old database has
    /// two names: call this again.
    ///
    /// # Errors
    /// If the backup does not exist, is not whole, is not enact's or was written by a newer version, has a write-ahead log or a journal beside
    /// it, or is a copy of a database that was open; if a process has the database open, which cannot be seen if the database was
    /// emptied; if there is no space. If the error says that the restore did not complete, call this again.
    pub fn restore(
        backup: impl AsRef<Path>,
        database: impl AsRef<Path>,
    ) -> Result<Option<PathBuf>, StoreError> {
        restore(backup.as_ref(), database.as_ref())
    }
}

fn restore(backup: &Path, database: &Path) -> Result<Option<PathBuf>, StoreError> {
    let backup = resolve(backup)?;
    let database = resolve(database)?;
    let not_written = |error: io::Error| not_written(&database, error);
    let metadata = fs::metadata(&backup).map_err(|error| unreadable(&backup, error))?;
    if backup == database {
        return Err(StoreError::new(format!(
            "`{}` is named as the backup and as the database: name the backup's file",
            backup.display()
        )));
    }
    open_file::check_not_open(&database)?;
    let source = open_backup(&backup)?;
    let like = fs::metadata(&database).unwrap_or(metadata);
    let copy = PartialFile::create(&database, &like).map_err(not_written)?;
    vacuum_into(&source, copy.path()).map_err(|error| damaged(&backup, &error))?;
    verify(copy.path()).map_err(|error| damaged(&backup, &error))?;
    copy.sync().map_err(not_written)?;

    let old = lock(&database)?;
    let replaced = set_aside(&database).map_err(not_written)?;
    if cfg!(windows) {
        // A file that is open cannot be replaced there.
        drop(old);
        copy.publish(&database).map_err(not_written)?;
    } else {
        copy.publish(&database).map_err(not_written)?;
        drop(old);
    }
    remove_log(&database).map_err(|error| {
        let message = format!(
            "`{0}` was replaced, but `{0}-wal`, the log of the old database, is still there; restore again",
            database.display()
        );
        StoreError::new(message).caused_by(error)
    })?;
    Ok(replaced)
}

fn resolve(path: &Path) -> Result<PathBuf, StoreError> {
    database_path::check(path)?;
    database_path::resolve(path)
}

/// Opens a backup that can be relied on.
fn open_backup(backup: &Path) -> Result<Connection, StoreError> {
    let explain = |error: Error| error.to_store_error(backup);
    open_file::check_not_open(backup)?;
    if fs::metadata(with_suffix(backup, "-wal")).is_ok_and(|log| log.len() > 0) {
        return Err(StoreError::new(format!(
            "`{0}` has a write-ahead log beside it, `{0}-wal`: it is not a backup, but a database that is open or that a crash has left. \
             Open it as a store and call `SqliteStore::backup`",
            backup.display()
        )));
    }
    if fs::metadata(with_suffix(backup, "-journal")).is_ok_and(|journal| journal.len() > 0) {
        return Err(StoreError::new(format!(
            "`{0}` has a journal beside it, `{0}-journal`: a transaction on it was not completed. Open it once as a store, or use another \
             backup",
            backup.display()
        )));
    }
    let connection = file_mark::connect_without_log(backup).map_err(|error| explain(error.into()))?;
    match schema::inspect(&connection).map_err(explain)? {
        FileKind::Empty => {
            return Err(StoreError::new(format!("`{}` is empty: it is not a backup", backup.display())));
        }
        kind => kind.ensure_usable(backup)?,
    }
    let version = descriptors::format_version(backup).map_err(|error| unreadable(backup, error))?;
    if version != Some(file_mark::CLOSED) {
        file_mark::check_copied(&connection, backup).map_err(explain)?;
    }
    Ok(connection)
}

fn verify(copy: &Path) -> rusqlite::Result<()> {
    let connection = file_mark::connect_without_log(copy)?;
    match integrity_problems(&connection)?.into_iter().next() {
        None => Ok(()),
        Some(problem) => Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT),
            Some(problem),
        )),
    }
}

/// Locks the database against all others until the connection is closed, which leaves its log. `None` if there is nothing to lock: it does
/// not exist, or it is damaged, so that no process can use it.
fn lock(database: &Path) -> Result<Option<Connection>, StoreError> {
    if !fs::metadata(database).is_ok_and(|metadata| metadata.len() > 0) {
        return Ok(None);
    }
    let lock = || -> Result<Connection, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(database, flags)?;
        // Before it reads: the log stays if that fails.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        connection.busy_timeout(Duration::ZERO)?;
        connection.pragma_update(None, "locking_mode", "exclusive")?;
        connection.execute_batch("BEGIN EXCLUSIVE; ROLLBACK")?;
        Ok(connection)
    };
    match lock() {
        Ok(connection) => Ok(Some(connection)),
        Err(error) if error.is_busy() => Err(StoreError::new(format!(
            "`{}` is open in another process, and was not changed: stop all processes that use it, then restore",
            database.display()
        ))),
        Err(Error::Sqlite(error)) if is_damage(&error) => Ok(None),
        Err(error) => Err(error.to_store_error(database)),
    }
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Gives the database that is there, and its log, second names, under which they are kept. If the process is killed then, the database has two
/// names, and is not opened.
pub(crate) fn set_aside(database: &Path) -> io::Result<Option<PathBuf>> {
    let replaced =
        with_suffix(database, &Timestamp::now().strftime("-replaced-%Y%m%dT%H%M%S.%6fZ").to_string());
    let kept = |suffix| (with_suffix(database, suffix), with_suffix(&replaced, suffix));
    let has_database = link(database, &replaced)?;
    let (log, kept_log) = kept("-wal");
    link(&log, &kept_log)?;
    // SQLite would roll the restored database back by the first, and the second makes a store write its log again.
    for (file, kept) in [kept("-journal"), kept("-unsynced")] {
        ignore_missing(fs::rename(file, kept))?;
    }
    sync_directory(database)?;
    Ok(has_database.then_some(replaced))
}

/// Gives a file a second name; `false` if it does not exist. A file system without hard links gets a copy.
fn link(file: &Path, name: &Path) -> io::Result<bool> {
    match fs::hard_link(file, name) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(error),
        Err(_) => {
            fs::copy(file, name)?;
            File::options().write(true).open(name)?.sync_all()?;
            Ok(true)
        }
    }
}

/// Deletes what would be taken for the restored database's. The log has a [second name](set_aside).
fn remove_log(database: &Path) -> io::Result<()> {
    ignore_missing(fs::remove_file(with_suffix(database, "-wal")))?;
    ignore_missing(fs::remove_file(with_suffix(database, "-shm")))?;
    sync_directory(database)
}

fn ignore_missing(outcome: io::Result<()>) -> io::Result<()> {
    outcome.or_else(|error| if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

fn damaged(backup: &Path, error: &rusqlite::Error) -> StoreError {
    let message = format!(
        "the backup `{}` cannot be restored, and the database was not changed: use another backup, or check that the disk has space",
        backup.display()
    );
    StoreError::new(message).caused_by(error.to_string())
}

fn unreadable(backup: &Path, error: io::Error) -> StoreError {
    StoreError::new(format!("the backup `{}` cannot be read", backup.display())).caused_by(error)
}

fn not_written(database: &Path, error: io::Error) -> StoreError {
    let message = format!(
        "the restore of `{}` did not complete; check that its disk has space, grant this process write access to its directory, then \
         restore again",
        database.display()
    );
    StoreError::new(message).caused_by(error)
}
