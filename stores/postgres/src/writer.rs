//! Takes queued writes into groups, and commits each group as one transaction.

use std::rc::Rc;
use std::sync::Arc;

use enact::store::StoreError;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{Notify, watch};

use crate::connection::Connection;
use crate::error::Error;
use crate::operation::{Progress, QueuedWrite};
use crate::transaction::{Failed, Mode, Transaction};
use crate::world::{Needs, Settled, World};

/// The largest group. A larger one would not be cheaper for each of its members.
const MAX_GROUP: usize = 500;
/// The size in bytes at which a group is closed.
const MAX_BYTES: usize = 8 << 20;
/// How often a transaction runs again after it was blocked by another, or its connection was lost.
const MAX_RUNS: usize = 5;

/// Runs until the queue is closed. `decided` is the number of writes that have been decided; `work` is notified when there is something to
/// claim.
pub(crate) async fn write(
    connection: Rc<Connection>,
    mut queue: UnboundedReceiver<Box<dyn QueuedWrite>>,
    decided: watch::Sender<u64>,
    work: Arc<Notify>,
) {
    let mut next = None;
    loop {
        let first = match next.take() {
            Some(first) => first,
            None => match queue.recv().await {
                Some(first) => first,
                None => return,
            },
        };
        let mut group = vec![first];
        let mut bytes = group[0].bytes();
        while !group[0].is_alone()
            && group.len() < MAX_GROUP
            && bytes < MAX_BYTES
            && let Ok(write) = queue.try_recv()
        {
            if write.is_alone() {
                next = Some(write);
                break;
            }
            bytes += write.bytes();
            group.push(write);
        }
        let members = group.len() as u64;
        run_group(&connection, group, &work).await;
        decided.send_modify(|decided| *decided += members);
    }
}

/// Runs a group, and each member alone if it fails.
async fn run_group(connection: &Connection, mut group: Vec<Box<dyn QueuedWrite>>, work: &Notify) {
    match run_until_decided(connection, &mut group, work).await {
        Ok(()) => reply(group, &Ok(())),
        Err(error) if group.len() == 1 || !error.may_be_of_one_member() => {
            reply(group, &Err(error.to_store_error(&connection.target.label)));
        }
        Err(error) => {
            tracing::debug!(error = %error.to_store_error(&connection.target.label), "the writes of a group run alone");
            for write in group {
                let mut alone = vec![write];
                let result = run_until_decided(connection, &mut alone, work).await;
                reply(alone, &result.map_err(|error| error.to_store_error(&connection.target.label)));
            }
        }
    }
}

fn reply(group: Vec<Box<dyn QueuedWrite>>, outcome: &Result<(), StoreError>) {
    for write in group {
        write.reply(outcome.clone());
    }
}

/// Runs a group as one transaction, again if that was lost to another transaction or with its connection.
async fn run_until_decided(
    connection: &Connection,
    group: &mut [Box<dyn QueuedWrite>],
    work: &Notify,
) -> Result<(), Error> {
    let mut runs = 0;
    let mut mode = Mode::Shared;
    loop {
        runs += 1;
        match run_once(connection, group, mode, work).await {
            Ok(()) => return Ok(()),
            Err(Failed::InDoubt(doubt)) => {
                if doubt.was_committed(connection).await? {
                    settle(group, None);
                    return Ok(());
                }
                refuse(group);
                if runs == MAX_RUNS {
                    return Err(Error::Silent);
                }
            }
            Err(Failed::Undone(error)) => {
                refuse(group);
                let is_repeated = error.is_connection_lost() || error.is_lost_race();
                if !is_repeated || runs == MAX_RUNS {
                    return Err(error);
                }
                if error.is_lost_race() {
                    mode = Mode::Exclusive;
                }
            }
        }
    }
}

/// Tells the members what has followed from their changes; `None`: this is not known, and they are committed.
fn settle(group: &mut [Box<dyn QueuedWrite>], settled: Option<&Settled>) {
    for write in group {
        write.settle(settled);
    }
}

/// Tells the members that nothing is committed.
fn refuse(group: &mut [Box<dyn QueuedWrite>]) {
    for write in group {
        write.refused();
    }
}

async fn run_once(
    connection: &Connection,
    group: &mut [Box<dyn QueuedWrite>],
    mode: Mode,
    work: &Notify,
) -> Result<(), Failed> {
    let session = connection.session().await?;
    let mut open: Option<Transaction<'_>> = None;
    loop {
        let mut needs = Needs::default();
        for write in &*group {
            write.needs(&mut needs);
        }
        let is_exclusive = needs.is_exclusive || group.iter().any(|write| write.is_alone());
        let mode = if is_exclusive { Mode::Exclusive } else { mode };
        let (loaded, calls): (Vec<_>, Vec<_>) = needs.calls(mode).into_iter().unzip();
        let (transaction, rows) = match open.take() {
            None => Transaction::begin(connection, &session, mode, calls).await?,
            Some(transaction) => {
                let rows = transaction.run(calls).await?;
                (transaction, rows)
            }
        };
        let mut world = World::default();
        let mut progress = Progress::Done;
        if let Err(error) = decide(&mut world, group, &loaded, &rows, &mut progress) {
            return Err(transaction.fail(error).await);
        }
        if progress == Progress::Again {
            let (calls, _) = world.flush();
            transaction.run(calls).await?;
            open = Some(transaction);
            continue;
        }
        if world.is_unchanged() {
            // What an earlier round has changed is committed nevertheless.
            transaction.commit(Vec::new()).await?;
            return Ok(());
        }
        let (calls, settling) = world.flush();
        let rows = if group.iter().all(|write| write.may_be_durable_later()) {
            transaction.commit_soon(calls).await?
        } else {
            transaction.commit(calls).await?
        };
        let mut settled = Settled::default();
        for (index, settles) in settling {
            settled.add(settles, rows.get(index).map_or(&[], Vec::as_slice));
        }
        if world.has_work || settled.has_any_work() {
            work.notify_one();
        }
        settle(group, Some(&settled));
        return Ok(());
    }
}

fn decide(
    world: &mut World,
    group: &mut [Box<dyn QueuedWrite>],
    loaded: &[crate::world::Loaded],
    rows: &[Vec<tokio_postgres::Row>],
    progress: &mut Progress,
) -> Result<(), Error> {
    for (loaded, rows) in loaded.iter().zip(rows) {
        world.load(*loaded, rows)?;
    }
    for write in group {
        if write.run(world)? == Progress::Again {
            *progress = Progress::Again;
        }
    }
    Ok(())
}
