//! Locks that this process cannot lose. It loses SQLite's when it closes any descriptor of the file, as when a program reads or copies its own
//! database. Another process that opens and closes the database then takes itself for the last one, and deletes the log. The
//! locks of an open file description exclude SQLite's, and last until that is closed. Only Linux and Android have them.

use std::io;
use std::path::Path;

use crate::descriptors;
use crate::file_id::FileId;
use crate::partial_file::with_suffix;

/// Of the database: what SQLite locks exclusively before it deletes the log.
const SHARED_BYTES: (i64, i64) = (0x4000_0002, 510);
/// Of the shared memory: what SQLite locks exclusively before it clears it.
const SHARED_MEMORY_BYTES: (i64, i64) = (128, 1);

/// Shared locks on a database that is open, until they are dropped.
pub(crate) struct HeldLocks(Vec<(FileId, (i64, i64))>);

impl HeldLocks {
    pub(crate) fn of(database: &Path) -> io::Result<Self> {
        let mut held = Self(Vec::new());
        for (file, bytes) in
            [(database.to_owned(), SHARED_BYTES), (with_suffix(database, "-shm"), SHARED_MEMORY_BYTES)]
        {
            held.0.push((descriptors::lock(&file, bytes)?, bytes));
        }
        Ok(held)
    }
}

impl Drop for HeldLocks {
    fn drop(&mut self) {
        for (id, bytes) in self.0.drain(..) {
            descriptors::unlock(id, bytes);
        }
    }
}
