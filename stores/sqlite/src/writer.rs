//! The writer thread: commits all queued writes in one transaction, because a commit costs the same for one write as for
//! hundreds.

use std::iter;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};

use enact::store::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, Statement};

use crate::error::Error;
use crate::file_guard::FileGuard;
use crate::file_mark::{self, Marker};
use crate::held_locks::HeldLocks;
use crate::open_file::OpenFile;
use crate::operation::Operation;
use crate::queued_write::{Queued, QueuedWrite};
use crate::recovery::Recovery;
use crate::statements::Statements;
use crate::statements::prepare::prepare;
use crate::wal_sync::{Group, WalSync};
use crate::worker_thread::WorkerThread;
use crate::write_cache::WriteCache;

/// The largest number of writes in one transaction.
const MAX_GROUP: usize = 1024;

pub(crate) struct Writer(WorkerThread<Box<dyn QueuedWrite>>);

/// What the writer knows of the files.
pub(crate) struct WriterFiles {
    pub(crate) guard: FileGuard,
    pub(crate) marker: Marker,
    pub(crate) held: HeldLocks,
}

impl Writer {
    /// Without a `sync`, commits are not made durable.
    pub(crate) fn start(
        file: Arc<OpenFile>,
        connection: Connection,
        files: WriterFiles,
        sync: Option<Arc<WalSync>>,
        cache: Arc<WriteCache>,
    ) -> Result<Self, StoreError> {
        let (started, outcome) = mpsc::sync_channel(1);
        let path = file.path().clone();
        let thread = WorkerThread::spawn("enact-sqlite-writer", file, move |queue| {
            let WriterFiles { guard, marker, held } = files;
            let guard = match Transactions::prepare(&connection, guard, marker, &cache) {
                Ok(transactions) => {
                    let _ = started.send(Ok(()));
                    serve(transactions, sync.as_deref(), &path, queue)
                }
                Err(error) => {
                    let _ = started.send(Err(Error::from(error).to_store_error(&path)));
                    return;
                }
            };
            close(&connection, guard, held, sync.as_deref());
        })?;
        match outcome.recv() {
            Ok(outcome) => outcome.map(|()| Self(thread)),
            Err(_) => {
                Err(StoreError::new("the thread `enact-sqlite-writer` panicked while starting (see the log)"))
            }
        }
    }

    /// Returns when the operation is committed and durable, or is known to have failed. What its output does not
    /// [depend on](Operation::depends_on) may become durable later.
    ///
    /// The operation is queued when this is called, and runs even if the future is dropped.
    pub(crate) fn write<O: Operation>(
        &self,
        operation: O,
    ) -> impl Future<Output = Result<O::Output, StoreError>> + Send + use<'_, O> {
        self.0.call(|reply| Box::new(Queued::new(operation, reply)))
    }
}

fn serve(
    mut transactions: Transactions<'_>,
    sync: Option<&WalSync>,
    path: &Path,
    queue: &Receiver<Box<dyn QueuedWrite>>,
) -> FileGuard {
    while let Ok(first) = queue.recv() {
        match sync.map_or(Ok(()), |sync| transactions.recover(sync)) {
            Ok(()) => {
                write_group(&mut transactions, first, queue.try_iter().take(MAX_GROUP - 1), sync, path);
            }
            Err(error) => refuse([first], &error, path),
        }
    }
    transactions.guard
}

/// Copies the log to the database and deletes it, if this is the last connection and both are what they were.
fn close(connection: &Connection, mut guard: FileGuard, held: HeldLocks, sync: Option<&WalSync>) {
    // A log that is in doubt, or of a database that was moved or truncated, may be all that is left.
    let is_whole = guard.check_now().is_ok() && !sync.is_some_and(WalSync::has_failed);
    // They exclude the lock with which the log is deleted.
    drop(held);
    if is_whole {
        file_mark::close(connection);
    } else {
        let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
    }
}

/// Commits a group in one transaction. If a write fails, each gets a transaction of its own, so that each succeeds or fails
/// alone. That is rare, and saves a savepoint for every write.
fn write_group(
    transactions: &mut Transactions<'_>,
    first: Box<dyn QueuedWrite>,
    mut more: impl Iterator<Item = Box<dyn QueuedWrite>>,
    sync: Option<&WalSync>,
    path: &Path,
) {
    let mut group = vec![first];
    match transactions.run(&mut group, more.by_ref()) {
        Ok(()) => confirm(group, transactions, sync),
        Err(GroupError::Write(_)) if group.len() > 1 => write_each(transactions, group, sync, path),
        Err(GroupError::Write(error)) => refuse(group, &error, path),
        // Writes that are already queued would only wait for the same lock or disk, one after the other.
        Err(GroupError::Transaction(error)) => {
            group.extend(more);
            refuse(group, &error, path);
        }
    }
}

fn write_each(
    transactions: &mut Transactions<'_>,
    group: Vec<Box<dyn QueuedWrite>>,
    sync: Option<&WalSync>,
    path: &Path,
) {
    let mut group = group.into_iter();
    while let Some(write) = group.next() {
        let mut alone = vec![write];
        match transactions.run(&mut alone, iter::empty()) {
            Ok(()) => confirm(alone, transactions, sync),
            Err(GroupError::Write(error)) => refuse(alone, &error, path),
            Err(GroupError::Transaction(error)) => {
                refuse(alone.into_iter().chain(group.by_ref()), &error, path);
            }
        }
    }
}

/// Replies to the writes of the transaction that was just committed, to each once what it depends on is durable.
fn confirm(group: Vec<Box<dyn QueuedWrite>>, transactions: &Transactions<'_>, sync: Option<&WalSync>) {
    let durable = sync.map_or(u64::MAX, WalSync::durable);
    let (now, later): (Vec<_>, Vec<_>) = group.into_iter().partition(|write| write.depends_on() <= durable);
    for write in now {
        write.reply(Ok(()));
    }
    if let Some(sync) = sync {
        sync.confirm(Group {
            transaction: transactions.cache.transaction(),
            last_event: transactions.statements.counters.last_event(),
            writes: later,
        });
    }
}

fn refuse(group: impl IntoIterator<Item = Box<dyn QueuedWrite>>, error: &Error, path: &Path) {
    for write in group {
        write.reply(Err(error.to_store_error(path)));
    }
}

/// Why a group was not committed.
enum GroupError {
    /// The transaction could not be started or committed.
    Transaction(Error),
    /// One of its writes failed.
    Write(Error),
}

struct Transactions<'c> {
    connection: &'c Connection,
    guard: FileGuard,
    marker: Marker,
    begin: Statement<'c>,
    select_data_version: Statement<'c>,
    commit: Statement<'c>,
    statements: Statements<'c>,
    cache: &'c WriteCache,
    recovery: Recovery,
    /// Changes whenever another connection has committed.
    data_version: i64,
}

impl<'c> Transactions<'c> {
    fn prepare(
        connection: &'c Connection,
        guard: FileGuard,
        marker: Marker,
        cache: &'c WriteCache,
    ) -> rusqlite::Result<Self> {
        Ok(Self {
            connection,
            guard,
            marker,
            begin: prepare(connection, "BEGIN IMMEDIATE")?,
            select_data_version: prepare(connection, "PRAGMA data_version")?,
            commit: prepare(connection, "COMMIT")?,
            statements: Statements::prepare(connection, cache)?,
            cache,
            recovery: Recovery::default(),
            data_version: 0,
        })
    }

    /// Recovers the log if an fsync has failed.
    fn recover(&mut self, sync: &WalSync) -> Result<(), Error> {
        if !sync.has_failed() {
            return Ok(());
        }
        self.guard.check()?;
        self.recovery.try_now(self.connection, sync, self.cache.transaction())
    }

    /// Commits the whole group and what `more` yields meanwhile, or nothing.
    fn run(
        &mut self,
        group: &mut Vec<Box<dyn QueuedWrite>>,
        more: impl Iterator<Item = Box<dyn QueuedWrite>>,
    ) -> Result<(), GroupError> {
        self.cache.begin_transaction();
        let outcome = self.begin_to_commit(group, more);
        if outcome.is_err() {
            // After some errors, such as a full disk, SQLite has already rolled back.
            if !self.connection.is_autocommit() {
                // If this fails too, the next BEGIN reports it.
                let _ = self.connection.execute_batch("ROLLBACK");
            }
            self.clear_caches();
        }
        outcome
    }

    fn begin_to_commit(
        &mut self,
        group: &mut Vec<Box<dyn QueuedWrite>>,
        mut more: impl Iterator<Item = Box<dyn QueuedWrite>>,
    ) -> Result<(), GroupError> {
        self.guard.check().map_err(GroupError::Transaction)?;
        self.begin.execute([]).map_err(|error| GroupError::Transaction(error.into()))?;
        self.detect_other_writers().map_err(|error| GroupError::Transaction(error.into()))?;
        self.marker.update(self.connection).map_err(GroupError::Transaction)?;
        let mut next = 0;
        while let Some(write) = group.get_mut(next) {
            write.run(&mut self.statements).map_err(GroupError::Write)?;
            next += 1;
            if next == group.len() {
                group.extend(more.next());
            }
        }
        self.statements.flush().map_err(GroupError::Write)?;
        self.commit.execute([]).map_err(|error| GroupError::Transaction(error.into()))?;
        self.marker.after_commit(self.connection);
        for write in group {
            write.update_cache(self.cache);
        }
        Ok(())
    }

    /// Clears the caches if another process has written.
    fn detect_other_writers(&mut self) -> rusqlite::Result<()> {
        let data_version = self.select_data_version.query_row([], |row| row.get(0))?;
        if data_version != self.data_version {
            self.data_version = data_version;
            self.clear_caches();
        }
        Ok(())
    }

    fn clear_caches(&mut self) {
        self.statements.clear_caches();
        self.marker.forget();
    }
}
