//! How a file is opened: it is looked at before it is touched.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use enact::store::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::builder::{SqliteStoreBuilder, Synchronous};
use crate::error::Broken;
use crate::log::Log;
use crate::reader::Reader;
use crate::recent::Recent;
use crate::whereabouts::Whereabouts;
use crate::writer::Writer;
use crate::{SqliteStore, schema};

/// How many pages (of 4 KiB) the write-ahead log grows by before they are moved into the database, which makes a commit
/// wait for the disk twice more. Four times SQLite's own number: a quarter of these waits, for a log of some 16 MiB.
const CHECKPOINT_PAGES: u32 = 4000;

/// Memory for pages, of each connection.
const CACHE_KIB: i32 = 16 * 1024;

/// All the reads' statements; listings make some of their own.
const CACHED_STATEMENTS: usize = 64;

pub(crate) fn open(options: &SqliteStoreBuilder) -> Result<SqliteStore, StoreError> {
    open_with(options, |path| match options.synchronous {
        Synchronous::Full => Log::of(path).map(Some),
        Synchronous::Normal => Ok(None),
    })
}

/// Opens a file, whose write-ahead log is opened by `log`.
pub(crate) fn open_with(
    options: &SqliteStoreBuilder,
    log: impl FnOnce(&Path) -> Result<Option<Log>, StoreError>,
) -> Result<SqliteStore, StoreError> {
    let path: Arc<Path> = options.path.as_path().into();
    check_place(&path)?;
    let writer = connect_writer(&path, options)?;
    let whereabouts = Whereabouts::of(&path)?;
    let log = log(&path)?;
    let load = connect_reader(&path, options)?;
    let look_up = connect_reader(&path, options)?;
    let recent = Arc::new(Recent::new());
    Ok(SqliteStore {
        load: Reader::start("enact-sqlite-load", path.clone(), load)?,
        look_up: Reader::start("enact-sqlite-look-up", path.clone(), look_up)?,
        writer: Writer::start(path.clone(), writer, whereabouts, log, recent.clone())?,
        recent,
        path,
    })
}

/// What SQLite would only call "unable to open database file".
fn check_place(path: &Path) -> Result<(), StoreError> {
    if path.as_os_str().is_empty() || path == Path::new(":memory:") {
        return Err(StoreError::new(
            "a SQLite store is a file: give it a path; for a store in memory use enact's own",
        ));
    }
    if path.is_dir() {
        return Err(StoreError::new(format!("`{}` is a directory: name a file in it", path.display())));
    }
    let directory = match path.parent() {
        None => Path::new("/"),
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
    };
    if !directory.is_dir() {
        return Err(StoreError::new(format!(
            "`{}` cannot be opened: there is no directory `{}`; make it first",
            path.display(),
            directory.display()
        )));
    }
    Ok(())
}

fn connect_writer(path: &Path, options: &SqliteStoreBuilder) -> Result<Connection, StoreError> {
    let explain = |broken: Broken| broken.explain(path);
    let connection = connect(path, OpenFlags::SQLITE_OPEN_CREATE, options.busy_timeout).map_err(explain)?;
    if connection.is_readonly("main").map_err(|error| explain(error.into()))? {
        return Err(StoreError::new(format!(
            "`{}` is read-only: allow this process to write both the file and its directory",
            path.display()
        )));
    }
    let patience = Patience::of(options.busy_timeout);
    patience.retry(|| schema::check(&connection)).map_err(explain)?.accept(path)?;
    let journal = patience.retry(|| use_write_ahead_log(&connection)).map_err(explain)?;
    if journal != "wal" {
        return Err(StoreError::new(format!(
            "`{}` cannot have a write-ahead log (its journal is `{journal}`): a file system without shared memory, as of \
             a network drive, will not do; use a local one",
            path.display()
        )));
    }
    patience.retry(|| schema::migrate(&connection)).map_err(explain)?.accept(path)?;
    configure_writer(&connection, options).map_err(explain)?;
    Ok(connection)
}

fn connect_reader(path: &Path, options: &SqliteStoreBuilder) -> Result<Connection, StoreError> {
    let connect = || -> Result<Connection, Broken> {
        let connection = connect(path, OpenFlags::empty(), options.busy_timeout)?;
        connection.pragma_update(None, "query_only", true)?;
        connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
        Ok(connection)
    };
    connect().map_err(|broken| broken.explain(path))
}

fn connect(path: &Path, more_flags: OpenFlags, busy_timeout: Duration) -> Result<Connection, Broken> {
    // An absolute path is never taken for a URI.
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | more_flags;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(busy_timeout)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    // Bound values do not enter the plans. Otherwise SQLite would plan anew whenever a value is bound that is compared
    // with what a partial index is about, which is most of the time.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

fn use_write_ahead_log(connection: &Connection) -> Result<String, Broken> {
    Ok(connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?)
}

fn configure_writer(connection: &Connection, options: &SqliteStoreBuilder) -> Result<(), Broken> {
    // SQLite itself waits for the disk only where the database could be damaged otherwise. That a commit is on the disk
    // before it is answered is the log's business.
    connection.pragma_update(None, "synchronous", "normal")?;
    // macOS tells a write that has reached the drive from one that has reached the disk; nobody else does.
    connection.pragma_update(None, "fullfsync", options.synchronous == Synchronous::Full)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    if let Some(bytes) = options.max_size {
        let page_size: u64 =
            connection.pragma_query_value(None, "page_size", |row| row.get::<_, u32>(0))?.into();
        let pages = u32::try_from(bytes / page_size).unwrap_or(u32::MAX - 1).max(1);
        connection.pragma_update(None, "max_page_count", pages)?;
    }
    Ok(())
}

/// The busy timeout, for what SQLite does not apply its own to: two processes that turn a new file to its write-ahead
/// log at the same time.
struct Patience {
    until: Instant,
}

impl Patience {
    fn of(timeout: Duration) -> Self {
        Self { until: Instant::now() + timeout }
    }

    fn retry<T>(&self, mut act: impl FnMut() -> Result<T, Broken>) -> Result<T, Broken> {
        const PAUSE: Duration = Duration::from_millis(5);
        loop {
            match act() {
                Err(broken) if broken.is_busy() && Instant::now() < self.until => thread::sleep(PAUSE),
                outcome => return outcome,
            }
        }
    }
}
