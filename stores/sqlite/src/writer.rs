//! The one thread that writes: it takes what has been queued and puts it on record in one transaction, because what a
//! commit costs, the wait for the disk, is the same for one write and for hundreds.

use std::iter;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};

use enact::store::StoreError;
use rusqlite::{Connection, Statement};
use tokio::sync::oneshot;

use crate::error::Broken;
use crate::log::{Group, Log};
use crate::operation::{Operation, Statements, prepare};
use crate::recent::Recent;
use crate::whereabouts::Whereabouts;
use crate::worker_thread::WorkerThread;

/// How many writes share a transaction at most.
const LARGEST_GROUP: usize = 1024;

pub(crate) struct Writer(WorkerThread<Box<dyn Queued>>);

impl Writer {
    pub(crate) fn start(
        path: Arc<Path>,
        connection: Connection,
        whereabouts: Whereabouts,
        log: Option<Log>,
        recent: Arc<Recent>,
    ) -> Result<Self, StoreError> {
        let (ready, is_ready) = mpsc::sync_channel(1);
        let thread = WorkerThread::spawn("enact-sqlite-writer", move |queue| {
            match Transactions::prepare(&connection, whereabouts, &recent) {
                Ok(transactions) => {
                    let _ = ready.send(Ok(()));
                    serve(transactions, log.as_ref(), &path, queue);
                }
                Err(error) => {
                    let _ = ready.send(Err(Broken::from(error).explain(&path)));
                }
            }
        })?;
        match is_ready.recv() {
            Ok(outcome) => outcome.map(|()| Self(thread)),
            Err(_) => Err(StoreError::new("the writer's thread has died of a panic, see its message")),
        }
    }

    /// Returns when the operation is on record, or is not and never will be, and the disk has what the answer relies on.
    pub(crate) async fn write<O: Operation>(&self, operation: O) -> Result<O::Answer, StoreError> {
        self.0.ask(|reply| Box::new(Pending { operation, answer: None, relies_on: 0, reply })).await
    }
}

/// A write in the queue.
pub(crate) trait Queued: Send {
    /// Carries the operation out and keeps its answer, which is true once the transaction has been committed.
    fn run(&mut self, statements: &mut Statements<'_>) -> Result<(), Broken>;

    /// Notes the entity that was written, after the transaction.
    fn note(&self, recent: &Recent);

    /// The transaction that the disk must have before the answer is given.
    fn relies_on(&self) -> u64;

    fn answer(self: Box<Self>, outcome: Result<(), StoreError>);
}

struct Pending<O: Operation> {
    operation: O,
    answer: Option<O::Answer>,
    relies_on: u64,
    reply: oneshot::Sender<Result<O::Answer, StoreError>>,
}

impl<O: Operation> Queued for Pending<O> {
    fn run(&mut self, statements: &mut Statements<'_>) -> Result<(), Broken> {
        let answer = self.operation.run(statements)?;
        self.relies_on = self.operation.relies_on(&answer, statements.recent);
        self.answer = Some(answer);
        Ok(())
    }

    fn note(&self, recent: &Recent) {
        let written = self.answer.as_ref().and_then(|answer| self.operation.written(answer));
        if let Some((key, entity)) = written {
            recent.note_entity(key.clone(), entity);
        }
    }

    fn relies_on(&self) -> u64 {
        self.relies_on
    }

    fn answer(self: Box<Self>, outcome: Result<(), StoreError>) {
        let Self { answer, reply, .. } = *self;
        let answer = match (outcome, answer) {
            (Ok(()), Some(answer)) => Ok(answer),
            (Err(error), _) => Err(error),
            // The dropped `reply` tells the caller that the writer has failed it.
            (Ok(()), None) => return,
        };
        // A caller that has gone away needs no answer.
        let _ = reply.send(answer);
    }
}

fn serve(
    mut transactions: Transactions<'_>,
    log: Option<&Log>,
    path: &Path,
    queue: &Receiver<Box<dyn Queued>>,
) {
    while let Ok(first) = queue.recv() {
        if log.is_some_and(Log::has_failed) {
            refuse([first], &Broken::Unconfirmed(None), path);
        } else {
            write(&mut transactions, first, queue.try_iter().take(LARGEST_GROUP - 1), log, path);
        }
    }
}

/// Puts a group on record in one transaction. If one of it breaks, each gets a transaction of its own, so that each
/// succeeds or fails by itself. That is rare, and spares every write the savepoint that it would need otherwise.
fn write(
    transactions: &mut Transactions<'_>,
    first: Box<dyn Queued>,
    mut more: impl Iterator<Item = Box<dyn Queued>>,
    log: Option<&Log>,
    path: &Path,
) {
    let mut group = vec![first];
    match transactions.run(&mut group, more.by_ref()) {
        Ok(()) => confirm(group, transactions.recent.transaction(), log),
        Err(Failed::One(_)) if group.len() > 1 => write_each(transactions, group, log, path),
        Err(Failed::One(broken)) => refuse(group, &broken, path),
        // What is queued behind would only wait for the same lock or the same disk, one after the other. What is queued once the
        // first has been told is not among it: by then it may go.
        Err(Failed::All(broken)) => {
            group.extend(more);
            refuse(group, &broken, path);
        }
    }
}

fn write_each(
    transactions: &mut Transactions<'_>,
    group: Vec<Box<dyn Queued>>,
    log: Option<&Log>,
    path: &Path,
) {
    let mut group = group.into_iter();
    while let Some(write) = group.next() {
        let mut alone = vec![write];
        match transactions.run(&mut alone, iter::empty()) {
            Ok(()) => confirm(alone, transactions.recent.transaction(), log),
            Err(Failed::One(broken)) => refuse(alone, &broken, path),
            // As above.
            Err(Failed::All(broken)) => refuse(alone.into_iter().chain(group.by_ref()), &broken, path),
        }
    }
}

/// Answers what has been committed in a transaction, once it is as safe as it has to be.
fn confirm(group: Vec<Box<dyn Queued>>, transaction: u64, log: Option<&Log>) {
    let durable = log.map_or(u64::MAX, Log::durable);
    let (now, later): (Vec<_>, Vec<_>) = group.into_iter().partition(|write| write.relies_on() <= durable);
    for write in now {
        write.answer(Ok(()));
    }
    if let Some(log) = log {
        log.confirm(Group { transaction, writes: later });
    }
}

fn refuse(group: impl IntoIterator<Item = Box<dyn Queued>>, broken: &Broken, path: &Path) {
    for write in group {
        write.answer(Err(broken.explain(path)));
    }
}

/// Why a group is not on record.
enum Failed {
    /// The transaction could not be begun or committed.
    All(Broken),
    /// One of the group broke.
    One(Broken),
}

struct Transactions<'c> {
    connection: &'c Connection,
    whereabouts: Whereabouts,
    begin: Statement<'c>,
    select_data_version: Statement<'c>,
    commit: Statement<'c>,
    statements: Statements<'c>,
    recent: &'c Recent,
    /// Changes whenever another connection has committed.
    data_version: i64,
}

impl<'c> Transactions<'c> {
    fn prepare(
        connection: &'c Connection,
        whereabouts: Whereabouts,
        recent: &'c Recent,
    ) -> rusqlite::Result<Self> {
        Ok(Self {
            connection,
            whereabouts,
            begin: prepare(connection, "BEGIN IMMEDIATE")?,
            select_data_version: prepare(connection, "PRAGMA data_version")?,
            commit: prepare(connection, "COMMIT")?,
            statements: Statements::prepare(connection, recent)?,
            recent,
            data_version: 0,
        })
    }

    /// Puts all of a group on record, or nothing of it.
    fn run(
        &mut self,
        group: &mut Vec<Box<dyn Queued>>,
        more: impl Iterator<Item = Box<dyn Queued>>,
    ) -> Result<(), Failed> {
        self.recent.begin();
        let outcome = self.begin_to_commit(group, more);
        if outcome.is_err() {
            // Some errors, a full disk for one, make SQLite roll back by itself.
            if !self.connection.is_autocommit() {
                // Should this fail as well, the next BEGIN will say so.
                let _ = self.connection.execute_batch("ROLLBACK");
            }
            self.statements.forget();
        }
        outcome
    }

    fn begin_to_commit(
        &mut self,
        group: &mut Vec<Box<dyn Queued>>,
        mut more: impl Iterator<Item = Box<dyn Queued>>,
    ) -> Result<(), Failed> {
        self.whereabouts.check().map_err(Failed::All)?;
        self.begin.execute([]).map_err(|error| Failed::All(error.into()))?;
        self.look_for_others().map_err(|error| Failed::All(error.into()))?;
        let mut next = 0;
        while let Some(write) = group.get_mut(next) {
            write.run(&mut self.statements).map_err(Failed::One)?;
            next += 1;
            if next == group.len() {
                group.extend(more.next());
            }
        }
        self.statements.flush().map_err(Failed::One)?;
        self.commit.execute([]).map_err(|error| Failed::All(error.into()))?;
        for write in group {
            write.note(self.recent);
        }
        Ok(())
    }

    /// Forgets what was written last if another process has written since.
    fn look_for_others(&mut self) -> rusqlite::Result<()> {
        let data_version = self.select_data_version.query_row([], |row| row.get(0))?;
        if data_version != self.data_version {
            self.data_version = data_version;
            self.statements.forget();
        }
        Ok(())
    }
}
