use std::path::{Path, PathBuf};
use std::time::Duration;

use enact::store::StoreError;

use crate::{SqliteStore, open};

/// When a write has been made, how safe is it?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// It survives the death of the process, the crash of the machine and the loss of power: whoever relies on a write
    /// waits until the disk has it.
    #[default]
    Full,
    /// It survives the death of the process. A crash of the machine or a loss of power may undo the latest commits, all
    /// of each; the file is never damaged, and what stays is a state that it has had. In return no commit waits for the
    /// disk.
    Normal,
}

/// Options of a [`SqliteStore`].
#[derive(Clone, Debug)]
#[must_use = "call `open`"]
pub struct SqliteStoreBuilder {
    pub(crate) path: PathBuf,
    pub(crate) synchronous: Synchronous,
    pub(crate) busy_timeout: Duration,
    pub(crate) max_size: Option<u64>,
}

impl SqliteStoreBuilder {
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            synchronous: Synchronous::default(),
            busy_timeout: Duration::from_secs(5),
            max_size: None,
        }
    }

    /// What a committed write survives; [`Synchronous::Full`] if not given.
    pub fn synchronous(mut self, synchronous: Synchronous) -> Self {
        self.synchronous = synchronous;
        self
    }

    /// How long a call waits for another process to let go of the file before it fails; 5 seconds if not given.
    /// SQLite counts milliseconds.
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// The size in bytes that this store may let the database grow to; up to the disk if not given. What would exceed it
    /// fails, and leaves nothing behind. The write-ahead log beside the file comes on top. Rounded down to whole pages
    /// of 4096 bytes; a file that is larger already keeps its size.
    pub fn max_size(mut self, bytes: u64) -> Self {
        self.max_size = Some(bytes);
        self
    }

    /// Opens the file, and makes it if it does not exist.
    ///
    /// # Errors
    /// If the directory does not exist; if the file cannot be written, is no SQLite database, is another program's or
    /// was made by a newer version of this crate; if it stays locked for longer than
    /// [`busy_timeout`](Self::busy_timeout). The error names the file and what to do.
    pub fn open(self) -> Result<SqliteStore, StoreError> {
        open::open(&self)
    }
}
