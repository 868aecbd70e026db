//! The fsync of the write-ahead log, on a thread of its own so that the writer can go on with the next transaction.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use enact::store::StoreError;
use tokio::sync::oneshot;

use crate::error::{Error, is_too_many_files};
use crate::file_id::wal_path;
use crate::partial_file::with_suffix;
use crate::queued_write::QueuedWrite;

/// The writes of a committed transaction that wait for it to be durable. May be empty: a later write may depend on it.
pub(crate) struct Group {
    pub(crate) transaction: u64,
    /// The last position of an event when it was committed; 0 if this process has not assigned one.
    pub(crate) last_event: u64,
    pub(crate) writes: Vec<Box<dyn QueuedWrite>>,
}

/// What waits for an fsync.
enum Call {
    Group(Group),
    /// A caller that has read what may not be durable yet.
    Read(oneshot::Sender<Result<(), StoreError>>),
}

/// How many groups may be queued while an fsync runs. One lets the writer be a transaction ahead; more would only make
/// transactions smaller.
const QUEUED_GROUPS: usize = 1;

/// The longest delay of an fsync that no caller waits for.
const IDLE_DELAY: Duration = Duration::from_millis(1);

/// Makes commits durable and replies to their callers.
///
/// The writer's connection commits without fsync. The log is sequential: one fsync makes all transactions durable that were
/// committed before it.
pub(crate) struct WalSync {
    calls: Option<Sender<Call>>,
    /// One for each queued group.
    permits: SyncSender<()>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    /// Returns when all of the log is durable, as far as it was written since the last call.
    sync: Box<dyn Fn() -> io::Result<()> + Send + Sync>,
    database: PathBuf,
    log: PathBuf,
    /// Exists from a failed fsync until the recovery. It need not survive a power cut: what was lost then is not in the log any more.
    unsynced: PathBuf,
    /// The last transaction that is known to be durable, with all before it.
    durable: AtomicU64,
    /// The last position of an event that is known to be durable, with all before it.
    durable_event: AtomicU64,
    has_failed: AtomicBool,
}

impl WalSync {
    /// For a database that is open.
    pub(crate) fn of(database: &Path) -> Result<Self, StoreError> {
        let explain = |error: io::Error| {
            if is_too_many_files(&error) {
                return Error::TooManyFiles(error.to_string()).to_store_error(database);
            }
            let message = format!(
                "`{}`: its write-ahead log cannot be opened; check that this process may read and write it",
                database.display()
            );
            StoreError::new(message).caused_by(error)
        };
        let open = || File::options().read(true).write(true).open(wal_path(database)?);
        let file = open().map_err(explain)?;
        Self::start(move || file.sync_data(), database).map_err(explain)
    }

    /// `sync` returns when all of the log is durable, as far as it was written since the last call.
    pub(crate) fn start(
        sync: impl Fn() -> io::Result<()> + Send + Sync + 'static,
        database: &Path,
    ) -> io::Result<Self> {
        let (calls, queued) = mpsc::channel();
        let (permits, taken) = mpsc::sync_channel(QUEUED_GROUPS);
        let queue = Queue { calls: queued, permits: taken };
        let unsynced = unsynced_path(database);
        let shared = Arc::new(Shared {
            sync: Box::new(sync),
            database: database.to_owned(),
            log: wal_path(database)?,
            durable: AtomicU64::new(0),
            durable_event: AtomicU64::new(0),
            // Another process has left it.
            has_failed: AtomicBool::new(unsynced.try_exists()?),
            unsynced,
        });
        let serving = shared.clone();
        let thread = thread::Builder::new()
            .name("enact-sqlite-sync".to_owned())
            .spawn(move || serve(&queue, &serving))?;
        Ok(Self { calls: Some(calls), permits, shared, thread: Some(thread) })
    }

    /// Whether a process has left its log after a failed fsync.
    pub(crate) fn is_unsynced(database: &Path) -> bool {
        // If that cannot be read, it is not to be relied on.
        unsynced_path(database).try_exists().unwrap_or(true)
    }

    /// Whether an fsync has failed, and the log was not [recovered](crate::recovery) since. What was not durable then may never become so,
    /// even if later calls succeed: no write may build on it.
    pub(crate) fn has_failed(&self) -> bool {
        self.shared.has_failed.load(Ordering::Acquire)
    }

    /// The last transaction that is known to be durable, with all before it.
    pub(crate) fn durable(&self) -> u64 {
        self.shared.durable.load(Ordering::Acquire)
    }

    /// The last position of an event that is known to be durable, with all before it.
    pub(crate) fn durable_event(&self) -> u64 {
        self.shared.durable_event.load(Ordering::Acquire)
    }

    /// All events up to this position are durable.
    pub(crate) fn note_durable_event(&self, position: u64) {
        self.shared.durable_event.fetch_max(position, Ordering::AcqRel);
    }

    /// Returns when all that was read before is durable, by whichever process it was written: after an fsync that begins after this call.
    pub(crate) async fn confirm_reads(&self) -> Result<(), StoreError> {
        let (reply, result) = oneshot::channel();
        if let Some(calls) = &self.calls {
            let _ = calls.send(Call::Read(reply));
        }
        // If the thread has panicked, the call is dropped with its `reply`.
        result.await.unwrap_or_else(|_| {
            Err(StoreError::new("the thread `enact-sqlite-sync` panicked (see the log); reopen the store"))
        })
    }

    /// Opens the log, to write it again.
    pub(crate) fn open_log(&self) -> io::Result<File> {
        File::options().read(true).write(true).open(&self.shared.log)
    }

    /// Makes the log durable after it was written again, up to this transaction.
    pub(crate) fn recover(&self, transaction: u64) -> io::Result<()> {
        (self.shared.sync)()?;
        // Before the failure is forgotten. If it stays, the next process only recovers once more.
        fs::remove_file(&self.shared.unsynced).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        })?;
        self.shared.durable.store(transaction, Ordering::Release);
        self.shared.has_failed.store(false, Ordering::Release);
        Ok(())
    }

    /// Replies to the group's callers once its transaction is durable.
    pub(crate) fn confirm(&self, group: Group) {
        let Some(calls) = &self.calls else { return };
        // If the thread has panicked, the group is dropped and its callers see their reply channels close.
        let has_permit = if group.writes.is_empty() {
            // If the queue is full, an fsync is about to start that covers this transaction.
            self.permits.try_send(()).is_ok()
        } else {
            self.permits.send(()).is_ok()
        };
        if has_permit {
            let _ = calls.send(Call::Group(group));
        }
    }
}

impl Drop for WalSync {
    fn drop(&mut self) {
        self.calls = None;
        if let Some(thread) = self.thread.take() {
            // A panic has already been reported on the thread.
            let _ = thread.join();
        }
    }
}

/// The path of the database has no symbolic links.
fn unsynced_path(database: &Path) -> PathBuf {
    with_suffix(database, "-unsynced")
}

fn serve(queue: &Queue, shared: &Shared) {
    while let Some(Batch { groups, reads }) = queue.next_batch() {
        let outcome =
            if shared.has_failed.load(Ordering::Acquire) { Err(None) } else { (shared.sync)().map_err(Some) };
        let error = outcome.err().map(|error| Error::SyncFailed(error.map(|error| error.to_string())));
        if error.is_none() {
            for Group { transaction, last_event, .. } in &groups {
                shared.durable.fetch_max(*transaction, Ordering::AcqRel);
                shared.durable_event.fetch_max(*last_event, Ordering::AcqRel);
            }
        } else {
            // If the disk takes no file either, only this process knows of the failure.
            let _ = File::create(&shared.unsynced);
            shared.has_failed.store(true, Ordering::Release);
        }
        let outcome = || error.as_ref().map_or(Ok(()), |error| Err(error.to_store_error(&shared.database)));
        for write in groups.into_iter().flat_map(|group| group.writes) {
            write.reply(outcome());
        }
        for read in reads {
            // The caller may have dropped its future.
            let _ = read.send(outcome());
        }
    }
}

struct Queue {
    calls: Receiver<Call>,
    permits: Receiver<()>,
}

/// What the next fsync makes durable.
#[derive(Default)]
struct Batch {
    groups: Vec<Group>,
    reads: Vec<oneshot::Sender<Result<(), StoreError>>>,
}

impl Batch {
    /// Whether a caller waits for it.
    fn is_urgent(&self) -> bool {
        !self.reads.is_empty() || self.groups.iter().any(|group| !group.writes.is_empty())
    }
}

impl Queue {
    /// Waits for calls, and for [`IDLE_DELAY`] if no caller waits for them; `None` when the store is dropped.
    fn next_batch(&self) -> Option<Batch> {
        let mut batch = Batch::default();
        self.take(self.calls.recv().ok()?, &mut batch);
        let latest = Instant::now() + IDLE_DELAY;
        loop {
            for call in self.calls.try_iter() {
                self.take(call, &mut batch);
            }
            if batch.is_urgent() {
                return Some(batch);
            }
            match self.calls.recv_timeout(latest.saturating_duration_since(Instant::now())) {
                Ok(call) => self.take(call, &mut batch),
                // The delay has passed, or the sender is gone.
                Err(_) => return Some(batch),
            }
        }
    }

    fn take(&self, call: Call, batch: &mut Batch) {
        match call {
            Call::Group(group) => {
                // It was sent before the group.
                let _ = self.permits.try_recv();
                batch.groups.push(group);
            }
            Call::Read(reply) => batch.reads.push(reply),
        }
    }
}
