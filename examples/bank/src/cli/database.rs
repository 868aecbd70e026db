//! Opens databases, and starts the bank on them.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bank::domain::Notifier;
use enact::prelude::*;
use enact::store::Store;
use enact::{MemoryStore, RuntimeBuilder};
use enact_sqlite::SqliteStore;

use super::args::RuntimeArgs;
use super::notifier::LogNotifier;

/// How long running jobs may take to finish when the program closes the bank.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(30);

/// The concurrency of the queue `mail`.
const MAIL_CONCURRENCY: usize = 4;

/// Starts the bank on a database, which is created if it does not exist. It runs all jobs in the database, not only those
/// of this program.
pub(crate) async fn start_bank(args: &RuntimeArgs) -> Result<Runtime> {
    Ok(builder(args, LogNotifier::default())?.start().await?)
}

/// Starts the bank on an existing database.
pub(crate) async fn start_existing_bank(args: &RuntimeArgs) -> Result<Runtime> {
    check_exists(&args.db)?;
    start_bank(args).await
}

/// Starts the bank on an existing database without running jobs.
pub(crate) async fn start_without_worker(db: &Path) -> Result<Runtime> {
    Ok(builder_on(open_existing(db)?, LogNotifier::default()).without_worker().start().await?)
}

/// Starts the bank without a database.
pub(crate) async fn start_in_memory() -> Result<Runtime> {
    Ok(builder_on(MemoryStore::new(), LogNotifier::default()).start().await?)
}

pub(crate) fn builder(args: &RuntimeArgs, notifier: LogNotifier) -> Result<RuntimeBuilder> {
    Ok(builder_on(SqliteStore::open(&args.db)?, notifier).lease(args.lease))
}

fn builder_on(store: impl Store, notifier: LogNotifier) -> RuntimeBuilder {
    Runtime::builder(store).queue("mail", MAIL_CONCURRENCY).provide::<dyn Notifier>(Arc::new(notifier))
}

pub(crate) async fn close_bank(bank: Runtime) -> Result<()> {
    Ok(bank.shutdown(CLOSE_TIMEOUT).await?)
}

/// Opens an existing database for reading, without starting the bank.
pub(crate) fn open_existing(db: &Path) -> Result<SqliteStore> {
    check_exists(db)?;
    Ok(SqliteStore::open(db)?)
}

fn check_exists(db: &Path) -> Result<()> {
    if !db.try_exists().with_context(|| format!("cannot access `{}`", db.display()))? {
        bail!(
            "database `{}` not found; create it with `bank replay`, `bank open`, `bank deposit` or `bank work`",
            db.display()
        );
    }
    Ok(())
}
