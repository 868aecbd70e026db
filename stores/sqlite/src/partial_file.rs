//! A file that appears under its name as a whole, or not at all.

use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use uuid::Uuid;

/// A file beside its target, with a name of its own that ends in `-partial`. It is deleted when it is dropped, unless it was
/// [published](Self::publish). A process that is killed leaves it.
pub(crate) struct PartialFile {
    path: PathBuf,
    is_published: bool,
}

impl PartialFile {
    /// An empty file with the permissions and, as far as this process may give them, the owner and group of another.
    pub(crate) fn create(target: &Path, like: &Metadata) -> io::Result<Self> {
        let path = with_suffix(target, &format!("-{}-partial", Uuid::now_v7().simple()));
        create_new(&path, like)?;
        Ok(Self { path, is_published: false })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the content durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        File::options().write(true).open(&self.path)?.sync_all()
    }

    /// Gives a file that is [durable](Self::sync) its name, durably. A file that has the name is replaced.
    pub(crate) fn publish(mut self, target: &Path) -> io::Result<()> {
        fs::rename(&self.path, target)?;
        self.is_published = true;
        sync_directory(target)
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        if !self.is_published {
            // What cannot be deleted stays under its name, which says that it is not whole.
            let _ = fs::remove_file(&self.path);
            let _ = fs::remove_file(with_suffix(&self.path, "-journal"));
        }
    }
}

/// The name of a file that belongs to another: SQLite and this crate append to the whole name.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// Makes changes of names in a file's directory durable.
#[cfg(unix)]
pub(crate) fn sync_directory(file: &Path) -> io::Result<()> {
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}

/// Other systems cannot open a directory.
#[cfg(not(unix))]
pub(crate) fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn create_new(path: &Path, like: &Metadata) -> io::Result<()> {
    use std::fs::Permissions;
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};

    // This process must be able to read and write it.
    let mode = like.mode() & 0o777 | 0o600;
    let file = File::options().write(true).create_new(true).mode(0o600).open(path)?;
    // Only root may give a file away, and some file systems have neither owners nor permissions.
    let _ = fchown(&file, Some(like.uid()), Some(like.gid()));
    let _ = file.set_permissions(Permissions::from_mode(mode));
    Ok(())
}

#[cfg(not(unix))]
fn create_new(path: &Path, _like: &Metadata) -> io::Result<()> {
    File::options().write(true).create_new(true).open(path).map(drop)
}
