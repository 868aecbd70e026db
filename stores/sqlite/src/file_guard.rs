//! Detects that the files were deleted, moved, replaced or truncated, or that the database has a second name. On Unix a deleted file lives on
//! while it is open, and what is written to it is silently lost.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use enact::store::StoreError;

use crate::error::Error;
use crate::file_id::{FileId, file_id, wal_path};
use crate::file_mark;

const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The database and its write-ahead log, as they were opened.
pub(crate) struct FileGuard {
    database: PathBuf,
    /// The size of the database in bytes when it was last looked at.
    length: u64,
    files: Vec<(PathBuf, FileId)>,
    last_check: Option<Instant>,
}

impl FileGuard {
    /// Guards a database that has just been opened, and that was this file before. Its path has no symbolic links, which may be changed
    /// while it is open.
    pub(crate) fn of(database: &Path, before: FileId) -> Result<Self, StoreError> {
        let find = || -> io::Result<_> {
            let log = wal_path(database)?;
            let log_id = file_id(&log)?;
            let now = file_id(database)?;
            if now != before {
                return Err(io::Error::other("another file has its name now"));
            }
            let files = vec![(database.to_owned(), now), (log, log_id)];
            Ok(Self {
                database: database.to_owned(),
                length: fs::metadata(database)?.len(),
                files,
                last_check: None,
            })
        };
        find().map_err(|error| moved(database, error))
    }

    /// Fails if the database was truncated and, looking once a second, if a file is gone or was replaced, or if the database has got a
    /// second name.
    pub(crate) fn check(&mut self) -> Result<(), Error> {
        // Each time: a checkpoint makes the file as long as it was, with holes.
        self.check_length()?;
        let now = Instant::now();
        if self.last_check.is_some_and(|last| now.duration_since(last) < CHECK_INTERVAL) {
            return Ok(());
        }
        self.check_now()?;
        self.last_check = Some(now);
        Ok(())
    }

    /// As [`check`](Self::check), and looks at all files.
    pub(crate) fn check_now(&mut self) -> Result<(), Error> {
        self.last_check = None;
        self.check_length()?;
        for (file, opened) in &self.files {
            if file_id(file).ok().as_ref() != Some(opened) {
                return Err(Error::FileGone(file.clone()));
            }
        }
        check_names(&self.database)
    }

    /// A database becomes shorter when another program has vacuumed it.
    fn check_length(&mut self) -> Result<(), Error> {
        // If it cannot be read, the next check reports it.
        let Ok(metadata) = fs::metadata(&self.database) else { return Ok(()) };
        if metadata.len() < self.length {
            file_mark::check_length(&self.database, metadata.len())?;
        }
        self.length = metadata.len();
        Ok(())
    }
}

/// Which file has a name, before it is opened.
pub(crate) fn identify(database: &Path) -> Result<FileId, StoreError> {
    file_id(database).map_err(|error| moved(database, error))
}

fn moved(database: &Path, error: io::Error) -> StoreError {
    let message =
        format!("`{}` was deleted, moved or replaced while it was being opened; retry", database.display());
    StoreError::new(message).caused_by(error)
}

/// Fails if the file has several names (hard links). SQLite names the log after the database: with two names it has two logs, and a
/// process that opens the other name overwrites what is in this one's.
pub(crate) fn check_names(database: &Path) -> Result<(), Error> {
    match names(database) {
        Ok(names) if names > 1 => Err(Error::SeveralNames(names)),
        // Other checks report a file that cannot be read.
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn names(file: &Path) -> io::Result<u64> {
    use std::os::unix::fs::MetadataExt;
    Ok(fs::metadata(file)?.nlink())
}

#[cfg(not(unix))]
fn names(_: &Path) -> io::Result<u64> {
    Ok(1)
}
