//! The wait for the disk. A thread of its own waits, so that the writer can go on with the next transaction meanwhile.

use std::fs::{self, File};
use std::io;
use std::iter;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::{self, JoinHandle};

use enact::store::StoreError;

use crate::error::Broken;
use crate::writer::Queued;

type Group = Vec<Box<dyn Queued>>;

/// How many groups may wait for the disk behind those that it is busy with. One lets the writer be ahead by a
/// transaction; more would only make the transactions smaller.
const WAITING_GROUPS: usize = 1;

/// SQLite's write-ahead log, as far as its way to the disk is concerned.
///
/// The writer's connection commits without waiting for the disk, and what it has committed is answered here, once the
/// disk has it. A transaction is never on the disk without those before it: they are in the log in their order, and one
/// wait is for all of the log.
pub(crate) struct Log {
    groups: Option<SyncSender<Group>>,
    has_failed: Arc<AtomicBool>,
    /// How many groups the disk does not have yet.
    waiting: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Log {
    /// The log of an open database.
    pub(crate) fn of(database: &Path) -> Result<Self, StoreError> {
        let explain = |error: io::Error| {
            let message = format!("`{}`: its write-ahead log cannot be opened", database.display());
            StoreError::new(message).caused_by(error)
        };
        let file = open(database).map_err(explain)?;
        let (groups, queue) = mpsc::sync_channel(WAITING_GROUPS);
        let has_failed = Arc::new(AtomicBool::new(false));
        let waiting = Arc::new(AtomicUsize::new(0));
        let (path, failed, unconfirmed): (Arc<Path>, _, _) =
            (database.into(), has_failed.clone(), waiting.clone());
        let thread = thread::Builder::new()
            .name("enact-sqlite-log".to_owned())
            .spawn(move || serve(&file, &queue, &failed, &unconfirmed, &path))
            .map_err(explain)?;
        Ok(Self { groups: Some(groups), has_failed, waiting, thread: Some(thread) })
    }

    /// Whether the disk has once failed to confirm. What has not reached it then may never do so, although later waits
    /// succeed: nothing may be built on it.
    pub(crate) fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Acquire)
    }

    /// Whether the disk has everything that was committed.
    pub(crate) fn is_idle(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) == 0
    }

    /// Answers a committed group once the disk has it.
    pub(crate) fn confirm(&self, group: Group) {
        if let Some(groups) = &self.groups {
            self.waiting.fetch_add(1, Ordering::Relaxed);
            // Were the thread gone, the group's callers would learn of it by the loss of their replies.
            let _ = groups.send(group);
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.groups = None;
        if let Some(thread) = self.thread.take() {
            // A panic has been reported where it happened.
            let _ = thread.join();
        }
    }
}

/// SQLite names the log after the file that a path leads to, behind all links.
fn open(database: &Path) -> io::Result<File> {
    let mut name = fs::canonicalize(database)?.into_os_string();
    name.push("-wal");
    File::options().read(true).write(true).open(name)
}

fn serve(file: &File, queue: &Receiver<Group>, has_failed: &AtomicBool, waiting: &AtomicUsize, path: &Path) {
    while let Ok(first) = queue.recv() {
        let groups: Vec<Group> = iter::once(first).chain(queue.try_iter()).collect();
        let outcome =
            if has_failed.load(Ordering::Acquire) { Err(None) } else { file.sync_data().map_err(Some) };
        let broken = outcome.err().map(|error| Broken::Unconfirmed(error.map(|error| error.to_string())));
        if broken.is_some() {
            has_failed.store(true, Ordering::Release);
        }
        waiting.fetch_sub(groups.len(), Ordering::Relaxed);
        for write in groups.into_iter().flatten() {
            write.answer(broken.as_ref().map_or(Ok(()), |broken| Err(broken.explain(path))));
        }
    }
}
