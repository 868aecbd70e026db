//! Creates the file of a new database. SQLite would create it with the permissions that the umask leaves, which is for everybody to
//! read on most systems.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use enact::store::StoreError;

use crate::error::{Error, is_too_many_files};

/// When a process closes a descriptor of a file, it loses all of its locks on that file, also those of SQLite. So no store opens a file
/// before the descriptor that created it is closed.
static CREATION: Mutex<()> = Mutex::new(());

/// Refuses a mode with which the database could not be opened again. This is before there is a file.
pub(crate) fn check_mode(path: &Path, mode: u32) -> Result<(), StoreError> {
    if mode & 0o600 == 0o600 && mode & !0o777 == 0 {
        return Ok(());
    }
    Err(StoreError::new(format!(
        "`{}`: `file_mode` is {mode:#o}, but the owner must be able to read and write the file, and there are no permissions beyond \
         0o777; use 0o600, or 0o660 for a group",
        path.display()
    )))
}

/// Creates an empty file, which SQLite takes for a new database, unless there is a file.
pub(crate) fn create(path: &Path, mode: u32) -> Result<(), StoreError> {
    let _creation = CREATION.lock().unwrap_or_else(PoisonError::into_inner);
    match create_new(path, mode) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) if is_too_many_files(&error) => {
            Err(Error::TooManyFiles(error.to_string()).to_store_error(path))
        }
        Err(error) => {
            let message = format!(
                "`{}` does not exist and cannot be created; grant this process write access to its directory, or name another",
                path.display()
            );
            Err(StoreError::new(message).caused_by(error))
        }
        Ok(()) => Ok(()),
    }
}

#[cfg(unix)]
fn create_new(path: &Path, mode: u32) -> io::Result<()> {
    use std::fs::Permissions;
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};

    let file = File::options().write(true).create_new(true).mode(mode).open(path)?;
    // Adds what the umask has taken away. Some file systems have no permissions to set.
    let _ = file.set_permissions(Permissions::from_mode(mode));
    Ok(())
}

#[cfg(not(unix))]
fn create_new(path: &Path, _mode: u32) -> io::Result<()> {
    File::options().write(true).create_new(true).open(path).map(drop)
}
