use std::path::PathBuf;
use std::time::Duration;

/// The number of pages (of 4 KiB) in the write-ahead log that triggers a checkpoint, which costs a commit two more fsyncs.
/// Four times SQLite's default: a quarter of these, for a log of about 16 MiB.
pub(crate) const CHECKPOINT_PAGES: u32 = 4000;

/// The size in bytes that the write-ahead log is cut back to when it starts again from its beginning. A long read keeps it from
/// starting again, and it grows meanwhile. Twice the size that triggers a checkpoint: a log that is somewhat larger, as under load, is
/// not cut and extended in turn.
pub(crate) const LOG_SIZE_LIMIT: u32 = 2 * CHECKPOINT_PAGES * 4096;

/// What a committed write survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// The death of the process, a crash of the machine and a loss of power. A write returns after an fsync.
    #[default]
    Full,
    /// The death of the process. A crash of the machine or a loss of power may undo the latest commits, each as a whole; the
    /// file is never corrupted. Nothing waits for an fsync: a reader may be given an event that is undone, and its position is then
    /// that of another.
    Normal,
}

/// The longest timeout that SQLite takes.
pub(crate) const MAX_BUSY_TIMEOUT: Duration = Duration::from_millis(i32::MAX.unsigned_abs() as u64);

/// Only the owner reads and writes.
pub(crate) const DEFAULT_FILE_MODE: u32 = 0o600;

#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) path: PathBuf,
    pub(crate) synchronous: Synchronous,
    pub(crate) busy_timeout: Duration,
    pub(crate) max_size: Option<u64>,
    /// The permissions of a file that is created.
    pub(crate) file_mode: u32,
}
