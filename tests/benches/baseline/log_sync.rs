//! The fsync of the write-ahead log on a thread of its own.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, SyncSender};
use std::thread::{self, JoinHandle};

/// Makes committed groups durable in order.
pub(crate) struct LogSync {
    committed: SyncSender<usize>,
    /// Returns the number of durable jobs.
    thread: JoinHandle<usize>,
}

impl LogSync {
    /// For a database whose log exists.
    pub(crate) fn of(database: &Path) -> Self {
        let mut log = database.as_os_str().to_owned();
        log.push("-wal");
        let log = File::options().read(true).write(true).open(PathBuf::from(log)).unwrap();
        // As in the store, one group is queued while an fsync runs.
        let (committed, queued) = mpsc::sync_channel(1);
        let thread = thread::spawn(move || {
            let mut durable = 0;
            while let Ok(first) = queued.recv() {
                let jobs = first + queued.try_iter().sum::<usize>();
                log.sync_data().unwrap();
                durable += jobs;
            }
            durable
        });
        Self { committed, thread }
    }

    /// Queues a committed group, and waits while another one is queued.
    pub(crate) fn confirm(&self, jobs: usize) {
        self.committed.send(jobs).unwrap();
    }

    /// Waits until all are durable, and returns the number of their jobs.
    pub(crate) fn finish(self) -> usize {
        drop(self.committed);
        self.thread.join().unwrap()
    }
}
