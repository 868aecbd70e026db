//! Copies an open database into a file of its own.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use enact::store::StoreError;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, InterruptHandle};
use tokio::sync::oneshot;

use crate::database_path;
use crate::error::Error;
use crate::open;
use crate::open_file::OpenFile;
use crate::partial_file::PartialFile;
use crate::store::SqliteStore;

/// A reader of the write-ahead log waits for another process only while that recovers or closes the database.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

impl SqliteStore {
    /// Writes a backup while the store is open, also under load and beside other processes: all that was committed before this call and,
    /// of what is committed meanwhile, nothing or a prefix. The backup is one file, compact and durable, with the permissions of the
    /// database. How to put it back is in the [crate's documentation](crate#backups).
    ///
    /// It runs on a thread and a connection of its own, which neither writes nor other reads wait for. Its snapshot keeps the write-ahead
    /// log from being cut back until it is done. If the future is dropped, it stops, and leaves no file unless that is whole already.
    ///
    /// It writes to a file beside `to` whose name ends in `-partial`, and renames it once it is whole and durable. A process that is killed
    /// leaves that file, and perhaps its `-journal`: delete them.
    ///
    /// # Errors
    /// If `to` exists, or its directory does not; if there is no space; if the database is damaged. There is no file `to` then.
    pub async fn backup(&self, to: impl AsRef<Path>) -> Result<(), StoreError> {
        let file = self.readers.jobs.file().clone();
        file.check_process()?;
        let to = to.as_ref().to_owned();
        let (start, started) = oneshot::channel();
        let (reply, result) = oneshot::channel();
        let run = move || {
            let outcome = backup(&file, &to, start, || reply.is_closed());
            // The caller may have dropped its future.
            let _ = reply.send(outcome);
        };
        thread::Builder::new().name("enact-sqlite-backup".to_owned()).spawn(run).map_err(|error| {
            StoreError::new("the thread `enact-sqlite-backup` cannot be started").caused_by(error)
        })?;
        // Without a handle it has failed before it began, and its result says why.
        let _interrupt = started.await.ok();
        result.await.unwrap_or_else(|_| {
            Err(StoreError::new("the thread `enact-sqlite-backup` panicked (see the log); check the backup"))
        })
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

pub(crate) fn backup(
    file: &Arc<OpenFile>,
    to: &Path,
    start: oneshot::Sender<InterruptOnDrop>,
    is_dropped: impl Fn() -> bool,
) -> Result<(), StoreError> {
    let from = file.path();
    database_path::check(to)?;
    let to = database_path::resolve(to)?;
    refuse_existing(&to)?;
    let connection = open::connect(from, BUSY_TIMEOUT).map_err(|error| error.to_store_error(from))?;
    let dropped = || StoreError::new(format!("the backup `{}` was dropped", to.display()));
    start.send(InterruptOnDrop(connection.get_interrupt_handle())).map_err(|_| dropped())?;
    let copy = fs::metadata(from).and_then(|metadata| PartialFile::create(&to, &metadata));
    let copy = copy.map_err(|error| not_written(&to, error))?;
    vacuum_into(&connection, copy.path()).map_err(|error| {
        let message = format!("the backup `{}` of `{}` was not written", to.display(), from.display());
        StoreError::new(message).caused_by(Error::from(error).to_store_error(from))
    })?;
    drop(connection);
    if is_dropped() {
        // An interrupt before the statement began had no effect.
        return Err(dropped());
    }
    refuse_existing(&to)?;
    copy.publish(&to).map_err(|error| not_written(&to, error))
}

fn vacuum_into(connection: &Connection, to: &Path) -> rusqlite::Result<()> {
    // The name of a file need not be UTF-8.
    let name = ToSqlOutput::Borrowed(ValueRef::Text(to.as_os_str().as_encoded_bytes()));
    connection.execute("VACUUM INTO ?1", [name]).map(drop)
}

fn refuse_existing(to: &Path) -> Result<(), StoreError> {
    match fs::symlink_metadata(to) {
        Ok(_) => Err(StoreError::new(format!(
            "`{}` exists, and a backup replaces nothing: name a new file, such as one with the date in its name",
            to.display()
        ))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(not_written(to, error)),
    }
}

fn not_written(to: &Path, error: io::Error) -> StoreError {
    let message = format!(
        "the backup `{}` was not written; check that its disk has space, and grant this process write access to its directory",
        to.display()
    );
    StoreError::new(message).caused_by(error)
}
