//! Long work on a thread and a connection of its own, which neither writes nor other reads wait for.

use std::ops::Deref;
use std::path::Path;
use std::thread;
use std::time::Duration;

use enact::store::StoreError;
use rusqlite::{Connection, InterruptHandle};
use tokio::sync::oneshot;

use crate::open;
use crate::store::SqliteStore;

/// A reader of the write-ahead log waits for another process only while that recovers or closes the database.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The connection of a call that its caller may drop meanwhile.
pub(crate) struct Apart<'a> {
    connection: Connection,
    is_dropped: &'a dyn Fn() -> bool,
}

impl Apart<'_> {
    /// Fails if the caller has dropped its future.
    pub(crate) fn check_dropped(&self) -> Result<(), StoreError> {
        if (self.is_dropped)() { Err(dropped()) } else { Ok(()) }
    }
}

impl Deref for Apart<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

/// Interrupts what a connection runs. Does nothing while it runs nothing, and once the connection is closed. A channel that is dropped
/// before this was received drops it too.
pub(crate) struct InterruptOnDrop(InterruptHandle);

impl Drop for InterruptOnDrop {
    fn drop(&mut self) {
        self.0.interrupt();
    }
}

impl SqliteStore {
    /// Runs this on a thread of its own. If the future is dropped, its statement is interrupted.
    pub(crate) async fn run_apart<T: Send + 'static>(
        &self,
        name: &'static str,
        run: impl FnOnce(&Apart<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let file = self.readers.jobs.file().clone();
        file.check_process()?;
        let (start, started) = oneshot::channel();
        let (reply, result) = oneshot::channel::<Result<T, StoreError>>();
        let serve_call = move || {
            let outcome = serve(file.path(), start, &|| reply.is_closed(), run);
            // The caller may have dropped its future.
            let _ = reply.send(outcome);
        };
        thread::Builder::new().name(name.to_owned()).spawn(serve_call).map_err(|error| {
            StoreError::new(format!("the thread `{name}` cannot be started")).caused_by(error)
        })?;
        // Without a handle it has failed before it began, and its result says why.
        let _interrupt = started.await.ok();
        result
            .await
            .unwrap_or_else(|_| Err(StoreError::new(format!("the thread `{name}` panicked (see the log)"))))
    }
}

pub(crate) fn serve<T>(
    file: &Path,
    start: oneshot::Sender<InterruptOnDrop>,
    is_dropped: &dyn Fn() -> bool,
    run: impl FnOnce(&Apart<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let connection = open::connect(file, BUSY_TIMEOUT).map_err(|error| error.to_store_error(file))?;
    let handle = InterruptOnDrop(connection.get_interrupt_handle());
    start.send(handle).map_err(|_| dropped())?;
    run(&Apart { connection, is_dropped })
}

fn dropped() -> StoreError {
    StoreError::new("the call was dropped")
}
