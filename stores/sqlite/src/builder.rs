use std::path::Path;
use std::time::Duration;

use enact::store::StoreError;

use crate::open;
use crate::options::{DEFAULT_FILE_MODE, MAX_BUSY_TIMEOUT, Options, Synchronous};
use crate::store::SqliteStore;

impl SqliteStore {
    /// Opens a file with the default options. Creates it if it does not exist.
    ///
    /// # Errors
    /// As [`SqliteStoreBuilder::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::builder(path).open()
    }

    /// Opens a file with other options.
    ///
    /// The path is used as it is, whatever its characters: it is not a URI.
    pub fn builder(path: impl AsRef<Path>) -> SqliteStoreBuilder {
        SqliteStoreBuilder(Options {
            path: path.as_ref().to_owned(),
            synchronous: Synchronous::default(),
            busy_timeout: Duration::from_secs(5),
            max_size: None,
            file_mode: DEFAULT_FILE_MODE,
        })
    }
}

/// Options of a [`SqliteStore`].
#[derive(Clone, Debug)]
#[must_use = "call `open`"]
pub struct SqliteStoreBuilder(Options);

impl SqliteStoreBuilder {
    /// What a committed write survives. Default: [`Synchronous::Full`].
    pub fn synchronous(mut self, synchronous: Synchronous) -> Self {
        self.0.synchronous = synchronous;
        self
    }

    /// How long a call waits for a lock that another process holds before it fails. Default: 5 seconds. Resolution: one
    /// millisecond.
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.0.busy_timeout = timeout.min(MAX_BUSY_TIMEOUT);
        self
    }

    /// The largest size of the database in bytes, rounded down to whole pages of 4096 bytes. Default: no limit. A call that would
    /// exceed it fails and changes nothing. The write-ahead log beside the file is not counted, and a file that is
    /// already larger keeps its size.
    pub fn max_size(mut self, bytes: u64) -> Self {
        self.0.max_size = Some(bytes);
        self
    }

    /// The permissions of a file that is created, whatever the umask. Default: `0o600`, only the owner reads and writes. Processes of
    /// several users share a file with `0o660` in a directory of their group. SQLite gives the same permissions to the files that it
    /// keeps beside the database. A file that exists keeps its own. Only Unix has such permissions: elsewhere this has no effect.
    pub fn file_mode(mut self, mode: u32) -> Self {
        self.0.file_mode = mode;
        self
    }

    /// Opens the file. Creates it if it does not exist.
    ///
    /// # Errors
    /// If the path is empty, or an address such as `:memory:`, `file:bank.db` or `sqlite://bank.db`; if the directory does not exist;
    /// if the file cannot be written, has a second name (a hard link), is not a SQLite database, belongs to another application or
    /// was written by a newer version of this crate; if a new file would have a [`file_mode`](Self::file_mode) with which its owner
    /// cannot read and write it; if it stays locked for longer than the [`busy_timeout`](Self::busy_timeout); if the file was open
    /// in the process that forked this one; if the program is linked with a SQLite older than 3.40.0, as it can be
    /// [without the feature `bundled`](crate#beside-other-sqlite-libraries). The error names the file and what to do.
    pub fn open(self) -> Result<SqliteStore, StoreError> {
        open::open(&self.0)
    }
}
