//! The wait for the disk. A thread of its own waits, so that the writer can go on with the next transaction meanwhile.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use enact::store::StoreError;

use crate::error::Broken;
use crate::whereabouts::log_of;
use crate::writer::Queued;

/// What was committed in a transaction and waits for the disk. It may be nothing: somebody may rely on it later.
pub(crate) struct Group {
    pub(crate) transaction: u64,
    pub(crate) writes: Vec<Box<dyn Queued>>,
}

/// How many groups may wait for the disk behind those that it is busy with. One lets the writer be ahead by a
/// transaction; more would only make the transactions smaller.
const WAITING_GROUPS: usize = 1;

/// How long what nobody waits for may take until it is on its way to the disk.
const AT_LEISURE: Duration = Duration::from_millis(1);

/// SQLite's write-ahead log, as far as its way to the disk is concerned.
///
/// The writer's connection commits without waiting for the disk, and what it has committed is answered here, once the
/// disk has it. A transaction is never on the disk without those before it: they are in the log in their order, and one
/// wait is for all of the log.
pub(crate) struct Log {
    groups: Option<SyncSender<Group>>,
    progress: Arc<Progress>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Progress {
    /// The last transaction that the disk has for certain, with all those before it.
    durable: AtomicU64,
    has_failed: AtomicBool,
}

impl Log {
    /// The log of an open database.
    pub(crate) fn of(database: &Path) -> Result<Self, StoreError> {
        let explain = |error: io::Error| {
            let message = format!("`{}`: its write-ahead log cannot be opened", database.display());
            StoreError::new(message).caused_by(error)
        };
        let open = || File::options().read(true).write(true).open(log_of(database)?);
        let file = open().map_err(explain)?;
        Self::on_disk(move || file.sync_data(), database).map_err(explain)
    }

    /// The log of an open database, all of which is on the disk when `wait` returns.
    pub(crate) fn on_disk(
        wait: impl Fn() -> io::Result<()> + Send + 'static,
        database: &Path,
    ) -> io::Result<Self> {
        let (groups, queue) = mpsc::sync_channel(WAITING_GROUPS);
        let progress = Arc::new(Progress::default());
        let (path, shared): (Arc<Path>, _) = (database.into(), progress.clone());
        let thread = thread::Builder::new()
            .name("enact-sqlite-log".to_owned())
            .spawn(move || serve(wait, &queue, &shared, &path))?;
        Ok(Self { groups: Some(groups), progress, thread: Some(thread) })
    }

    /// Whether the disk has once failed to confirm. What has not reached it then may never do so, although later waits
    /// succeed: nothing may be built on it.
    pub(crate) fn has_failed(&self) -> bool {
        self.progress.has_failed.load(Ordering::Acquire)
    }

    /// The last transaction that the disk has for certain, with all those before it.
    pub(crate) fn durable(&self) -> u64 {
        self.progress.durable.load(Ordering::Acquire)
    }

    /// Answers a committed group once the disk has it.
    pub(crate) fn confirm(&self, group: Group) {
        let Some(groups) = &self.groups else { return };
        // Were the thread gone, the group's callers would learn of it by the loss of their replies.
        if group.writes.is_empty() {
            // If there is no room, a wait is about to begin that covers it.
            let _ = groups.try_send(group);
        } else {
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

fn serve(wait: impl Fn() -> io::Result<()>, queue: &Receiver<Group>, progress: &Progress, path: &Path) {
    let Progress { durable, has_failed } = progress;
    while let Some(groups) = next(queue) {
        let outcome = if has_failed.load(Ordering::Acquire) { Err(None) } else { wait().map_err(Some) };
        let broken = outcome.err().map(|error| Broken::Unconfirmed(error.map(|error| error.to_string())));
        match (&broken, groups.last()) {
            (None, Some(last)) => durable.store(last.transaction, Ordering::Release),
            _ => has_failed.store(true, Ordering::Release),
        }
        for write in groups.into_iter().flat_map(|group| group.writes) {
            write.answer(broken.as_ref().map_or(Ok(()), |broken| Err(broken.explain(path))));
        }
    }
}

/// The groups to be confirmed next, when it is time; `None` when there will be no more.
fn next(queue: &Receiver<Group>) -> Option<Vec<Group>> {
    let mut groups = vec![queue.recv().ok()?];
    let latest = Instant::now() + AT_LEISURE;
    loop {
        groups.extend(queue.try_iter());
        if groups.iter().any(|group| !group.writes.is_empty()) {
            return Some(groups);
        }
        match queue.recv_timeout(latest.saturating_duration_since(Instant::now())) {
            Ok(group) => groups.push(group),
            // It is time, or there is nothing more to come.
            Err(_) => return Some(groups),
        }
    }
}
