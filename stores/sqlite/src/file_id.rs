//! Which file has a name, and what the log of a database is called.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// SQLite names the log after the real path of the database, with symbolic links resolved.
pub(crate) fn wal_path(database: &Path) -> io::Result<PathBuf> {
    let mut name: OsString = fs::canonicalize(database)?.into();
    name.push("-wal");
    Ok(name.into())
}

/// Device and inode.
#[cfg(unix)]
pub(crate) type FileId = (u64, u64);

#[cfg(unix)]
pub(crate) fn file_id(file: &Path) -> io::Result<FileId> {
    use std::os::unix::fs::MetadataExt;
    let metadata = fs::metadata(file)?;
    Ok((metadata.dev(), metadata.ino()))
}

/// Other systems do not let an open file be deleted or moved.
#[cfg(not(unix))]
pub(crate) type FileId = ();

#[cfg(not(unix))]
pub(crate) fn file_id(_: &Path) -> io::Result<FileId> {
    Ok(())
}
