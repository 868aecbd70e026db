//! Descriptors of files that SQLite has open. When a process closes any descriptor of a file, it loses all of its POSIX locks on that file,
//! which are SQLite's. So a descriptor that was opened once is shared by all stores of the process, and is kept until the file is deleted.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::file_id::{FileId, file_id};

static DESCRIPTORS: Mutex<Vec<Descriptor>> = Mutex::new(Vec::new());

struct Descriptor {
    id: FileId,
    file: File,
    /// The number of stores that have a lock by it.
    locks: usize,
}

/// Which version of the format a database is written in: 1, or 2 if it may have a write-ahead log. `None` if it is shorter than that.
pub(crate) fn format_version(database: &Path) -> io::Result<Option<u8>> {
    const READ_VERSION: u64 = 19;
    with(database, |descriptor| {
        let mut version = [0];
        descriptor.file.seek(SeekFrom::Start(READ_VERSION))?;
        Ok((descriptor.file.read(&mut version)? == 1).then_some(version[0]))
    })
}

/// Locks these bytes against exclusive locks of other processes, if no store of this process has done so yet. Returns which file it is.
pub(crate) fn lock(file: &Path, bytes: (i64, i64)) -> io::Result<FileId> {
    with(file, |descriptor| {
        descriptor.locks += 1;
        set_lock(&descriptor.file, bytes, true);
        Ok(descriptor.id)
    })
}

/// Unlocks these bytes, if no other store of this process has locked them.
pub(crate) fn unlock(id: FileId, bytes: (i64, i64)) {
    if let Some(descriptor) = descriptors().iter_mut().find(|descriptor| descriptor.id == id) {
        descriptor.locks -= 1;
        if descriptor.locks == 0 {
            set_lock(&descriptor.file, bytes, false);
        }
    }
}

fn with<T>(file: &Path, act: impl FnOnce(&mut Descriptor) -> io::Result<T>) -> io::Result<T> {
    let mut descriptors = descriptors();
    descriptors.retain(|descriptor| descriptor.locks > 0 || !is_deleted(&descriptor.file));
    let id = file_id(file)?;
    if let Some(descriptor) = descriptors.iter_mut().find(|descriptor| descriptor.id == id) {
        return act(descriptor);
    }
    let mut descriptor = Descriptor { id, file: File::open(file)?, locks: 0 };
    let outcome = act(&mut descriptor);
    descriptors.push(descriptor);
    outcome
}

fn descriptors() -> MutexGuard<'static, Vec<Descriptor>> {
    DESCRIPTORS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(unix)]
fn is_deleted(file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    file.metadata().is_ok_and(|metadata| metadata.nlink() == 0)
}

/// Closing a descriptor does no harm on other systems.
#[cfg(not(unix))]
fn is_deleted(_: &File) -> bool {
    true
}

/// Some file systems have no such locks.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn set_lock(file: &File, (start, length): (i64, i64), is_locked: bool) {
    use nix::fcntl::{FcntlArg, fcntl};
    use nix::libc;

    let kind = if is_locked { libc::F_RDLCK } else { libc::F_UNLCK };
    let lock = libc::flock {
        l_type: libc::c_short::try_from(kind).unwrap_or_default(),
        l_whence: 0,
        l_start: start,
        l_len: length,
        l_pid: 0,
    };
    let _ = fcntl(file, FcntlArg::F_OFD_SETLK(&lock));
}

/// Other systems have no locks of an open file description.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn set_lock(_: &File, _: (i64, i64), _: bool) {}
