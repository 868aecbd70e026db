//! Opens databases, and starts the bank on them.

use std::convert::Infallible;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bank::domain::Notifier;
use enact::prelude::*;
use enact::store::Store;
use enact::{MemoryStore, RuntimeBuilder};
use enact_postgres::{PostgresStore, PostgresStoreBuilder};
use enact_sqlite::SqliteStore;

use super::args::RuntimeArgs;
use super::notifier::LogNotifier;

/// How long running jobs may take to finish when the program closes the bank.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(30);

/// The concurrency of the queue `mail`.
const MAIL_CONCURRENCY: usize = 4;

/// Where the data of a bank is. The domain is the same.
#[derive(Clone, Debug)]
pub(crate) enum Database {
    /// A `SQLite` file.
    File(PathBuf),
    /// A `PostgreSQL` database.
    Server(PostgresStoreBuilder),
}

impl FromStr for Database {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let is_url = ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
        Ok(if is_url { Self::Server(PostgresStore::builder(text)) } else { Self::File(text.into()) })
    }
}

/// Without the URL, which may have a password.
impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Server(_) => f.write_str("PostgreSQL"),
        }
    }
}

impl Database {
    /// The file, for commands that a database server has its own programs for.
    pub(crate) fn file(&self) -> Result<&Path> {
        match self {
            Self::File(path) => Ok(path),
            Self::Server(_) => bail!(
                "`--db` is a PostgreSQL database: back it up with `pg_dump`, restore it with `pg_restore`, check it with `pg_amcheck`"
            ),
        }
    }
}

/// Starts the bank on a database, which is created if it does not exist. It runs all jobs in the database, not only those
/// of this program.
pub(crate) async fn start_bank(args: &RuntimeArgs) -> Result<Runtime> {
    Ok(builder(args, LogNotifier::default()).await?.start().await?)
}

/// Starts the bank on an existing database.
pub(crate) async fn start_existing_bank(args: &RuntimeArgs) -> Result<Runtime> {
    if let Database::File(path) = &args.db {
        check_exists(path)?;
    }
    start_bank(args).await
}

/// Starts the bank on an existing database without running jobs.
pub(crate) async fn start_without_worker(db: &Database) -> Result<Runtime> {
    let builder = match db {
        Database::File(path) => builder_on(open_existing_file(path)?, LogNotifier::default()),
        Database::Server(server) => builder_on(connect_to_existing(server).await?, LogNotifier::default()),
    };
    Ok(builder.without_worker().start().await?)
}

/// Starts the bank without a database.
pub(crate) async fn start_in_memory() -> Result<Runtime> {
    Ok(builder_on(MemoryStore::new(), LogNotifier::default()).start().await?)
}

pub(crate) async fn builder(args: &RuntimeArgs, notifier: LogNotifier) -> Result<RuntimeBuilder> {
    let builder = match &args.db {
        Database::File(path) => builder_on(SqliteStore::open(path)?, notifier),
        Database::Server(server) => builder_on(server.clone().connect().await?, notifier),
    };
    Ok(builder.lease(args.lease))
}

fn builder_on(store: impl Store, notifier: LogNotifier) -> RuntimeBuilder {
    Runtime::builder(store).queue("mail", MAIL_CONCURRENCY).provide::<dyn Notifier>(Arc::new(notifier))
}

pub(crate) async fn close_bank(bank: Runtime) -> Result<()> {
    Ok(bank.shutdown(CLOSE_TIMEOUT).await?)
}

/// Opens an existing database for reading, without starting the bank.
pub(crate) async fn open_existing(db: &Database) -> Result<Box<dyn Store>> {
    Ok(match db {
        Database::File(path) => Box::new(open_existing_file(path)?),
        Database::Server(server) => Box::new(connect_to_existing(server).await?),
    })
}

pub(crate) fn open_existing_file(path: &Path) -> Result<SqliteStore> {
    check_exists(path)?;
    Ok(SqliteStore::open(path)?)
}

async fn connect_to_existing(server: &PostgresStoreBuilder) -> Result<PostgresStore> {
    Ok(server.clone().migrate(false).connect().await?)
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
