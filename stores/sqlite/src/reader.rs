//! Threads that read, each on a connection of its own: readers do not wait for the writer, nor the writer for readers.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use enact::store::StoreError;
use rusqlite::Connection;

use crate::error::Error;
use crate::open_file::OpenFile;
use crate::worker_thread::WorkerThread;

/// The largest number of reads that share a snapshot.
const MAX_BATCH: usize = 256;

type Read = Box<dyn FnOnce(&Connection) + Send>;

/// A thread for each purpose, so that what the runtime waits for does not wait for a long listing.
pub(crate) struct Readers {
    /// Single entities: an execution waits for them.
    pub(crate) entities: Reader,
    /// Short reads about jobs and workers, which cost the same however many there are.
    pub(crate) jobs: Reader,
    /// Pages of events.
    pub(crate) events: Reader,
    /// Pages of jobs and entities, counts, and what may be pruned. They may read many rows.
    pub(crate) lists: Reader,
}

impl Readers {
    pub(crate) fn start(
        file: &Arc<OpenFile>,
        connect: impl Fn() -> Result<Connection, StoreError>,
    ) -> Result<Self, StoreError> {
        let start = |name| Reader::start(name, file.clone(), connect()?);
        Ok(Self {
            entities: start("enact-sqlite-entities")?,
            jobs: start("enact-sqlite-jobs")?,
            events: start("enact-sqlite-events")?,
            lists: start("enact-sqlite-lists")?,
        })
    }
}

pub(crate) struct Reader {
    thread: WorkerThread<Read>,
    path: Arc<Path>,
}

impl Reader {
    fn start(name: &'static str, file: Arc<OpenFile>, connection: Connection) -> Result<Self, StoreError> {
        let path = file.path().clone();
        let thread = WorkerThread::spawn(name, file, move |queue| serve(&connection, queue))?;
        Ok(Self { thread, path })
    }

    /// As [`OpenFile::check_process`].
    pub(crate) fn check_process(&self) -> Result<(), StoreError> {
        self.thread.check_process()
    }

    pub(crate) fn file(&self) -> &Arc<OpenFile> {
        self.thread.file()
    }

    pub(crate) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        let path = self.path.clone();
        self.thread
            .call(move |reply| {
                Box::new(move |connection| {
                    // The caller may have dropped its future.
                    let _ = reply.send(query(connection).map_err(|error| error.to_store_error(&path)));
                })
            })
            .await
    }
}

/// Queued reads share a snapshot, which saves each of them taking and releasing locks. The snapshot begins after they were
/// queued, so each sees every write that its caller has seen confirmed.
fn serve(connection: &Connection, queue: &Receiver<Read>) {
    while let Ok(first) = queue.recv() {
        let batch: Vec<Read> = queue.try_iter().take(MAX_BATCH - 1).collect();
        // Without a shared snapshot each read has its own: slower, and as correct.
        let shares = !batch.is_empty() && connection.execute_batch("BEGIN").is_ok();
        first(connection);
        for read in batch {
            read(connection);
        }
        if shares {
            let _ = connection.execute_batch("COMMIT");
        }
    }
}
