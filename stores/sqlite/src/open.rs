//! Opens a file. Nothing is written before the file is known to be enact's or empty.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use enact::store::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, MAIN_DB, OpenFlags};

use crate::database_path;
use crate::error::{Error, is_at_file_limit};
use crate::file_creation;
use crate::file_guard::{self, FileGuard, check_names};
use crate::file_mark::{self, Marker};
use crate::held_locks::HeldLocks;
use crate::open_file::OpenFile;
use crate::options::{CHECKPOINT_PAGES, LOG_SIZE_LIMIT, Options, Synchronous};
use crate::reader::Readers;
use crate::schema;
use crate::sqlite_version;
use crate::store::SqliteStore;
use crate::wal_sync::WalSync;
use crate::write_cache::WriteCache;
use crate::writer::{Writer, WriterFiles};

/// The page cache of each connection.
const CACHE_KIB: i32 = 16 * 1024;

/// Enough for all statements of the reads, and some more for those that [`jobs`](crate::queries::jobs) builds.
const CACHED_STATEMENTS: usize = 64;

pub(crate) fn open(options: &Options) -> Result<SqliteStore, StoreError> {
    open_with(options, rusqlite::version_number(), |path| match options.synchronous {
        Synchronous::Full => WalSync::of(path).map(Some),
        Synchronous::Normal => Ok(None),
    })
}

/// `sqlite` is the number of the SQLite that is linked. `sync` is called when the write-ahead log exists.
pub(crate) fn open_with(
    options: &Options,
    sqlite: i32,
    sync: impl FnOnce(&Path) -> Result<Option<WalSync>, StoreError>,
) -> Result<SqliteStore, StoreError> {
    database_path::check(&options.path)?;
    let path: Arc<Path> = database_path::resolve(&options.path)?.into();
    sqlite_version::check(sqlite, &path)?;
    file_creation::check_mode(&path, options.file_mode)?;
    file_creation::create(&path, options.file_mode)?;
    check_names(&path).map_err(|error| error.to_store_error(&path))?;
    let file = OpenFile::new(path.clone())?;
    let before = file_guard::identify(&path)?;
    let writer = connect_writer(&path, options)?;
    let guard = FileGuard::of(&path, before)?;
    let explain = |error| Error::log_unreadable(error).to_store_error(&path);
    let marker = Marker::of(&path).map_err(explain)?;
    let held = HeldLocks::of(&path).map_err(explain)?;
    let sync = sync(&path)?.map(Arc::new);
    let readers = Readers::start(&file, || connect_reader(&path, options))?;
    let cache = Arc::new(WriteCache::new());
    Ok(SqliteStore {
        readers,
        writer: Writer::start(
            file,
            writer,
            WriterFiles { guard, marker, held },
            sync.clone(),
            cache.clone(),
        )?,
        sync,
        cache,
        path,
    })
}

fn connect_writer(path: &Path, options: &Options) -> Result<Connection, StoreError> {
    let explain = |error: Error| error.to_store_error(path);
    file_mark::check(path).map_err(explain)?;
    let had_log = file_mark::has_log(path);
    let connection = connect(path, options.busy_timeout).map_err(explain)?;
    if connection.is_readonly(MAIN_DB).map_err(|error| explain(error.into()))? {
        return Err(StoreError::new(format!(
            "`{}` is read-only; grant this process write access to the file and its directory",
            path.display()
        )));
    }
    let busy = BusyRetry::until(options.busy_timeout);
    busy.retry(|| schema::inspect(&connection)).map_err(explain)?.ensure_usable(path)?;
    let is_unsynced = WalSync::is_unsynced(path);
    if !had_log && busy.retry(|| file_mark::is_in_use(&connection)).map_err(explain)? {
        file_mark::check_copied(&connection, path).map_err(explain)?;
    }
    if !is_unsynced {
        file_mark::close(&connection);
        connection.busy_timeout(options.busy_timeout).map_err(|error| explain(error.into()))?;
    }
    busy.retry(|| schema::migrate(&connection)).map_err(explain)?.ensure_usable(path)?;
    busy.retry(|| file_mark::prepare_for_log(&connection, path)).map_err(explain)?;
    let journal = busy.retry(|| enable_wal(&connection)).map_err(explain)?;
    if journal != "wal" && is_at_file_limit() {
        return Err(explain(Error::TooManyFiles(format!("the journal mode is `{journal}`"))));
    }
    if journal != "wal" {
        return Err(StoreError::new(format!(
            "`{}` cannot use a write-ahead log (its journal mode is `{journal}`): the file system does not support shared \
             memory, as network drives do not; move the file to a local disk",
            path.display()
        )));
    }
    configure_writer(&connection, options).map_err(explain)?;
    if !is_unsynced {
        busy.retry(|| file_mark::note_log(&connection, path)).map_err(explain)?;
    }
    Ok(connection)
}

fn connect_reader(path: &Path, options: &Options) -> Result<Connection, StoreError> {
    let connect = || -> Result<Connection, Error> {
        let connection = connect(path, options.busy_timeout)?;
        connection.pragma_update(None, "query_only", true)?;
        connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
        Ok(connection)
    };
    connect().map_err(|error| error.to_store_error(path))
}

pub(crate) fn connect(path: &Path, busy_timeout: Duration) -> Result<Connection, Error> {
    // The path is absolute, so SQLite does not parse it as a URI.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(busy_timeout)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    // Plans do not depend on bound values. Otherwise SQLite plans a statement again whenever a value is bound that is compared
    // with a column of a partial index, which is most of the time.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

/// Returns the journal mode that is in effect.
fn enable_wal(connection: &Connection) -> Result<String, Error> {
    Ok(connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?)
}

fn configure_writer(connection: &Connection, options: &Options) -> Result<(), Error> {
    // SQLite calls fsync only where the database could be corrupted otherwise. `WalSync` makes commits durable.
    connection.pragma_update(None, "synchronous", "normal")?;
    // On macOS, fsync alone does not flush the drive's cache.
    connection.pragma_update(None, "fullfsync", options.synchronous == Synchronous::Full)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", LOG_SIZE_LIMIT)?;
    if let Some(bytes) = options.max_size {
        let page_size: u64 =
            connection.pragma_query_value(None, "page_size", |row| row.get::<_, u32>(0))?.into();
        let pages = u32::try_from(bytes / page_size).unwrap_or(u32::MAX - 1).max(1);
        connection.pragma_update(None, "max_page_count", pages)?;
    }
    Ok(())
}

/// The busy timeout for what SQLite does not apply its own to: two processes that switch a new file to its write-ahead log at
/// the same time.
struct BusyRetry {
    until: Instant,
}

impl BusyRetry {
    fn until(timeout: Duration) -> Self {
        Self { until: Instant::now() + timeout }
    }

    fn retry<T>(&self, mut act: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
        const PAUSE: Duration = Duration::from_millis(5);
        loop {
            match act() {
                Err(error) if error.is_busy() && Instant::now() < self.until => thread::sleep(PAUSE),
                outcome => return outcome,
            }
        }
    }
}
