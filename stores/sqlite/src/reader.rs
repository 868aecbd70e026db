//! A thread that reads, on a connection of its own: it waits for no writer, and no writer for it.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use enact::store::StoreError;
use rusqlite::Connection;

use crate::error::Broken;
use crate::worker_thread::WorkerThread;

/// How many reads share a snapshot at most.
const LARGEST_BATCH: usize = 256;

type Read = Box<dyn FnOnce(&Connection) + Send>;

pub(crate) struct Reader {
    thread: WorkerThread<Read>,
    path: Arc<Path>,
}

impl Reader {
    pub(crate) fn start(
        name: &'static str,
        path: Arc<Path>,
        connection: Connection,
    ) -> Result<Self, StoreError> {
        let thread = WorkerThread::spawn(name, move |queue| serve(&connection, queue))?;
        Ok(Self { thread, path })
    }

    pub(crate) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, Broken> + Send + 'static,
    ) -> Result<T, StoreError> {
        let path = self.path.clone();
        self.thread
            .ask(move |reply| {
                Box::new(move |connection| {
                    // A caller that has gone away needs no answer.
                    let _ = reply.send(query(connection).map_err(|broken| broken.explain(&path)));
                })
            })
            .await
    }
}

/// Reads that are queued together share a snapshot, which spares each of them the taking and releasing of locks. The
/// snapshot is begun after they were queued, so each sees all that its caller was told of.
fn serve(connection: &Connection, queue: &Receiver<Read>) {
    while let Ok(first) = queue.recv() {
        let batch: Vec<Read> = queue.try_iter().take(LARGEST_BATCH - 1).collect();
        // Without the shared snapshot each read has one of its own: slower, and as good.
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
