//! Detects that the files were deleted, moved or replaced, or that the database has a second name. On Unix a deleted file lives on
//! while it is open, and what is written to it is silently lost.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use enact::store::StoreError;

use crate::error::Error;

const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The database and its write-ahead log, as they were opened.
pub(crate) struct FileGuard {
    database: PathBuf,
    files: Vec<(PathBuf, FileId)>,
    last_check: Option<Instant>,
}

impl FileGuard {
    /// Guards a database that has just been opened. Its path has no symbolic links, which may be changed while it is open.
    pub(crate) fn of(database: &Path) -> Result<Self, StoreError> {
        let find = || -> io::Result<_> {
            let mut files = Vec::new();
            for file in [database.to_owned(), wal_path(database)?] {
                let id = file_id(&file)?;
                files.push((file, id));
            }
            Ok(files)
        };
        let files = find().map_err(|error| {
            let message =
                format!("`{}` was deleted or moved while it was being opened; retry", database.display());
            StoreError::new(message).caused_by(error)
        })?;
        Ok(Self { database: database.to_owned(), files, last_check: None })
    }

    /// Fails if a file is gone or was replaced, or if the database has got a second name. Looks at the files at most once a second.
    pub(crate) fn check(&mut self) -> Result<(), Error> {
        let now = Instant::now();
        if self.last_check.is_some_and(|last| now.duration_since(last) < CHECK_INTERVAL) {
            return Ok(());
        }
        self.last_check = None;
        for (file, opened) in &self.files {
            if file_id(file).ok().as_ref() != Some(opened) {
                return Err(Error::FileGone(file.clone()));
            }
        }
        check_names(&self.database)?;
        self.last_check = Some(now);
        Ok(())
    }
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

/// SQLite names the log after the real path of the database, with symbolic links resolved.
pub(crate) fn wal_path(database: &Path) -> io::Result<PathBuf> {
    let mut name: OsString = fs::canonicalize(database)?.into();
    name.push("-wal");
    Ok(name.into())
}

/// Device and inode.
#[cfg(unix)]
type FileId = (u64, u64);

#[cfg(unix)]
fn file_id(file: &Path) -> io::Result<FileId> {
    use std::os::unix::fs::MetadataExt;
    let metadata = fs::metadata(file)?;
    Ok((metadata.dev(), metadata.ino()))
}

/// Other systems do not let an open file be deleted or moved.
#[cfg(not(unix))]
type FileId = ();

#[cfg(not(unix))]
fn file_id(_: &Path) -> io::Result<FileId> {
    Ok(())
}
