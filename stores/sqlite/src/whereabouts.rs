//! Whether the files are still where they were opened. On Unix a file that is deleted lives on as long as somebody has it open, and
//! what is written to it then is lost without a word.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use enact::store::StoreError;

use crate::error::Broken;

/// How long after a look the files are taken to be where they were.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Where the database and its write-ahead log were when they were opened.
pub(crate) struct Whereabouts {
    files: Vec<(PathBuf, Identity)>,
    last_look: Option<Instant>,
}

impl Whereabouts {
    /// Those of a database that has just been opened.
    pub(crate) fn of(database: &Path) -> Result<Self, StoreError> {
        let look = || -> io::Result<_> {
            let mut files = Vec::new();
            for file in [fs::canonicalize(database)?, log_of(database)?] {
                let identity = identity(&file)?;
                files.push((file, identity));
            }
            Ok(files)
        };
        let files = look().map_err(|error| {
            let message = format!("`{}` was deleted or moved while it was opened", database.display());
            StoreError::new(message).caused_by(error)
        })?;
        Ok(Self { files, last_look: None })
    }

    /// Refuses if a file is gone, or another one is in its place. It looks once a second at most.
    pub(crate) fn check(&mut self) -> Result<(), Broken> {
        let now = Instant::now();
        if self.last_look.is_some_and(|last| now.duration_since(last) < LOOK_EVERY) {
            return Ok(());
        }
        self.last_look = None;
        for (file, opened) in &self.files {
            if identity(file).ok().as_ref() != Some(opened) {
                return Err(Broken::Gone(file.clone()));
            }
        }
        self.last_look = Some(now);
        Ok(())
    }
}

/// SQLite names the log after the file that a path leads to, behind all links.
pub(crate) fn log_of(database: &Path) -> io::Result<PathBuf> {
    let mut name: OsString = fs::canonicalize(database)?.into();
    name.push("-wal");
    Ok(name.into())
}

/// What tells a file from any other that may come to its path: device and inode.
#[cfg(unix)]
type Identity = (u64, u64);

#[cfg(unix)]
fn identity(file: &Path) -> io::Result<Identity> {
    use std::os::unix::fs::MetadataExt;
    let metadata = fs::metadata(file)?;
    Ok((metadata.dev(), metadata.ino()))
}

/// Elsewhere nobody can delete or move a file that is open.
#[cfg(not(unix))]
type Identity = ();

#[cfg(not(unix))]
fn identity(_: &Path) -> io::Result<Identity> {
    Ok(())
}
