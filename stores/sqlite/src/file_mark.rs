//! Whether the database and the log beside it belong together. SQLite plays a log back over whatever file has the name.
//!
//! A database that is closed has no log, and the version in its header says so: a log beside it is another's. While it is open, it says in
//! the table `file` which file it is and which log it has. That row is in the database itself, and not in its log alone, from the
//! moment that the store is open. Each time the log starts again, its [number](wal_file::number) is written to the row, by the first or
//! second transaction in it. So the row in the database has the number of the log, or one of the two before.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Transaction, TransactionBehavior};

use crate::descriptors;
use crate::error::{Error, Mismatch};
use crate::file_id::wal_path;
use crate::wal_file;

/// How often the log may have started again since its number was written to the database.
const MAX_LAG: u32 = 2;

/// The version of the format of a database that has no log.
pub(crate) const CLOSED: u8 = 1;

/// The row of the table `file`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileMark {
    inode: Option<i64>,
    /// The number of the log. `None`: there is none, or it was not noted yet.
    log: Option<i64>,
}

impl FileMark {
    /// `None` if the database has no such table yet.
    fn read(connection: &Connection) -> rusqlite::Result<Option<Self>> {
        let find_table = "SELECT count(*) FROM sqlite_schema WHERE name = 'file'";
        let has_table: bool = connection.query_row(find_table, [], |row| row.get(0))?;
        if !has_table {
            return Ok(None);
        }
        connection
            .query_row("SELECT inode, log FROM file", [], |row| {
                Ok(Self { inode: row.get(0)?, log: row.get(1)? })
            })
            .optional()
    }

    fn write(self, connection: &Connection) -> rusqlite::Result<()> {
        let Self { inode, log } = self;
        connection
            .prepare_cached("INSERT OR REPLACE INTO file (id, inode, log) VALUES (1, ?1, ?2)")?
            .execute((inode, log))
            .map(drop)
    }
}

/// Fails if a database lacks what was written to it, or has the log of another. This is before SQLite opens it, which may delete the log or
/// copy it into the database. Other processes may have it open. Changes nothing.
pub(crate) fn check(database: &Path) -> Result<(), Error> {
    const TRIES: u32 = 10;
    const PAUSE: Duration = Duration::from_millis(10);

    let mut seen = None;
    for _ in 0..TRIES {
        let Some(mut log) = open_log(database) else { return Ok(()) };
        let length = fs::metadata(database).map(|metadata| metadata.len());
        let (Ok(length), Ok(Some(number))) = (length, wal_file::number(&mut log)) else { return Ok(()) };
        let Err(error) = compare(database, length, &mut log, number) else { return Ok(()) };
        // While another process writes, it looks the same for a moment.
        if seen.replace((length, number)) == Some((length, number)) {
            return Err(error);
        }
        thread::sleep(PAUSE);
    }
    // Another process writes much: it has the database open.
    Ok(())
}

fn compare(database: &Path, length: u64, log: &mut File, number: u32) -> Result<(), Error> {
    if length == 0 {
        return Err(Error::Mismatch(Mismatch::Emptied));
    }
    // If it cannot be read, SQLite reports that.
    if descriptors::format_version(database).ok().flatten() == Some(CLOSED) {
        return Err(Error::Mismatch(Mismatch::OtherLog));
    }
    match connect_without_log(database).and_then(|connection| FileMark::read(&connection)) {
        Ok(Some(FileMark { log: Some(marked), .. })) => {
            let lag = u32::try_from(marked).map(|marked| number.wrapping_sub(marked));
            if lag.is_ok_and(|lag| lag <= MAX_LAG) {
                Ok(())
            } else {
                Err(Error::Mismatch(Mismatch::OtherLog))
            }
        }
        // A log that was not noted yet; or the database of another application, which other checks report.
        Ok(_) => Ok(()),
        // It is shorter than it says. This is also so if a process was killed while it copied the log back.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) => {
            check_pages(length, log)
        }
        Err(error) => Err(error.into()),
    }
}

/// Fails if a database lacks pages. For one that is open and has become shorter.
pub(crate) fn check_length(database: &Path, length: u64) -> Result<(), Error> {
    if length == 0 {
        return Err(Error::Mismatch(Mismatch::Emptied));
    }
    let Some(mut log) = open_log(database) else { return Ok(()) };
    // Another process may start the log again while it is read.
    check_pages(length, &mut log).or_else(|_| check_pages(length, &mut log))
}

/// Fails if pages are neither in a database of this length nor in its log.
fn check_pages(length: u64, log: &mut File) -> Result<(), Error> {
    let logged = wal_file::pages(log).map_err(Error::log_unreadable)?;
    let Some(pages) = length.checked_div(logged.page_size) else { return Ok(()) };
    // SQLite keeps its locks in that page, and no data.
    let lock_page = 0x4000_0000 / logged.page_size + 1;
    let is_missing = |page: &u32| !logged.pages.contains(page) && u64::from(*page) != lock_page;
    let first = u32::try_from(pages + 1).unwrap_or(u32::MAX);
    if (first..=logged.database_size).any(|page| is_missing(&page)) {
        return Err(Error::Mismatch(Mismatch::Truncated));
    }
    Ok(())
}

/// A connection that reads a file as it is, takes no locks and leaves nothing beside it. The file must not change meanwhile.
pub(crate) fn connect_without_log(file: &Path) -> rusqlite::Result<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(immutable_uri(file), flags)
}

/// All that has a meaning in a URI is escaped.
fn immutable_uri(file: &Path) -> String {
    let path = file.as_os_str().as_encoded_bytes().iter().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b':' => {
            char::from(*byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    });
    format!("file:{}?immutable=1", path.collect::<String>())
}

/// Whether there is a log that SQLite would read.
pub(crate) fn has_log(database: &Path) -> bool {
    number(database).is_some()
}

fn number(database: &Path) -> Option<u32> {
    wal_file::number(&mut open_log(database)?).ok().flatten()
}

fn open_log(database: &Path) -> Option<File> {
    File::open(wal_path(database).ok()?).ok()
}

/// Whether the database is open, was left by a crash, or is a copy of such a file: it is in WAL mode.
pub(crate) fn is_in_use(connection: &Connection) -> Result<bool, Error> {
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    Ok(mode == "wal")
}

/// Fails if a database that [was open](is_in_use), and has no log, is a copy.
pub(crate) fn check_copied(connection: &Connection, database: &Path) -> Result<(), Error> {
    let Some(mark) = FileMark::read(connection)? else { return Ok(()) };
    if mark.inode == inode(database) { Ok(()) } else { Err(Error::Mismatch(Mismatch::CopiedWhileOpen)) }
}

/// Notes in a closed database which file it is. Does nothing if another process has opened it meanwhile.
pub(crate) fn prepare_for_log(connection: &Connection, database: &Path) -> Result<(), Error> {
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    let mark = FileMark { inode: inode(database), log: None };
    if !is_in_use(&transaction)? && FileMark::read(&transaction)? != Some(mark) {
        mark.write(&transaction)?;
    }
    Ok(transaction.commit()?)
}

/// Notes in the database itself which log it has, and creates the log. Does nothing if that is noted.
pub(crate) fn note_log(connection: &Connection, database: &Path) -> Result<(), Error> {
    let mark = FileMark { inode: inode(database), log: number(database).map(i64::from) };
    if mark.log.is_some() && FileMark::read(connection)? == Some(mark) {
        return Ok(());
    }
    // The number of the log is known once it has a transaction.
    FileMark { log: None, ..mark }.write(connection)?;
    FileMark { log: number(database).map(i64::from), ..mark }.write(connection)?;
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
    Ok(())
}

/// If no other connection has the database open: copies the log into it, deletes the log, and notes that there is none. The connection has no
/// busy timeout afterwards.
pub(crate) fn close(connection: &Connection) {
    let close = || -> Result<(), Error> {
        connection.busy_timeout(Duration::ZERO)?;
        if let Some(mark) = FileMark::read(connection)?.filter(|mark| mark.log.is_some()) {
            FileMark { log: None, ..mark }.write(connection)?;
        }
        connection.pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(()))?;
        Ok(())
    };
    // Others go on, and note their log. If it fails for another reason, the log stays, as after a crash.
    let _ = close();
}

/// Keeps the row of the table `file` true while the database is open.
pub(crate) struct Marker {
    database: PathBuf,
    log: File,
    inode: Option<i64>,
    /// What the row is. `None`: it is not known.
    written: Option<FileMark>,
    /// The number of the log in the last transaction.
    last: Option<u32>,
    /// Another program has started the log again, perhaps several times.
    is_behind: bool,
}

impl Marker {
    pub(crate) fn of(database: &Path) -> io::Result<Self> {
        let mut log = File::open(wal_path(database)?)?;
        let last = wal_file::number(&mut log)?;
        Ok(Self {
            database: database.to_owned(),
            log,
            inode: inode(database),
            written: None,
            last,
            is_behind: false,
        })
    }

    /// Another connection has written, or a transaction was rolled back.
    pub(crate) fn forget(&mut self) {
        self.written = None;
    }

    /// Writes the row if it is not true any more. At the beginning of a transaction that writes.
    pub(crate) fn update(&mut self, connection: &Connection) -> Result<(), Error> {
        let number = wal_file::number(&mut self.log).map_err(Error::log_unreadable)?;
        let is_next = self.last.zip(number).is_some_and(|(last, number)| number.wrapping_sub(last) <= 1);
        self.is_behind |= !is_next;
        self.last = number;
        let mark = FileMark { inode: self.inode, log: number.map(i64::from) };
        if mark.log.is_none() || self.written == Some(mark) {
            return Ok(());
        }
        if self.written.is_some() || FileMark::read(connection)? != Some(mark) {
            mark.write(connection)?;
        }
        self.written = Some(mark);
        Ok(())
    }

    /// Notes the log in the database itself if other programs have started it again without a note.
    pub(crate) fn after_commit(&mut self, connection: &Connection) {
        if self.is_behind && note_log(connection, &self.database).is_ok() {
            self.is_behind = false;
            self.written = None;
            self.last = number(&self.database);
        }
    }
}

/// What tells a file from a copy of it, across restarts. `None` where the system has no such number.
#[cfg(unix)]
fn inode(file: &Path) -> Option<i64> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(file).ok().map(|metadata| metadata.ino().cast_signed())
}

#[cfg(not(unix))]
fn inode(_: &Path) -> Option<i64> {
    None
}
