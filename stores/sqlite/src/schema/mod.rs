//! The schema of the file and its migrations.

use std::path::Path;

use enact::store::StoreError;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::encode::integer;
use crate::error::Error;

/// The migration at index `n` leads from version `n` to `n + 1`. Never change one that was
/// released. Until the first release, edit `1.sql`.
const MIGRATIONS: &[&str] = &[include_str!("1.sql")];

/// The version that this code reads and writes, stored in the file as `PRAGMA user_version`.
const VERSION: usize = MIGRATIONS.len();

/// Marks a file as enact's, as `PRAGMA application_id`.
const APPLICATION_ID: i32 = i32::from_be_bytes(*b"enac");

/// What a file was found to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FileKind {
    /// A new file, or a database without any table.
    Empty,
    /// A file of a schema version that this code knows.
    Known { version: usize },
    /// A file of a schema version that this code does not know.
    Newer { version: i64 },
    /// A database of another application.
    Foreign,
}

impl FileKind {
    /// Refuses a file that must not be changed.
    pub(crate) fn ensure_usable(&self, path: &Path) -> Result<(), StoreError> {
        let path = path.display();
        match self {
            Self::Empty | Self::Known { .. } => Ok(()),
            Self::Newer { version } => Err(StoreError::new(format!(
                "`{path}` was written by a newer version of enact-sqlite: its schema version is {version}, the newest \
                 supported is {VERSION}; upgrade enact-sqlite or open another file"
            ))),
            Self::Foreign => Err(StoreError::new(format!(
                "`{path}` is the database of another application: it has tables but not enact's application id; \
                 open another file"
            ))),
        }
    }
}

/// Reads everything from one snapshot, because another process may be migrating the file.
pub(crate) fn inspect(connection: &Connection) -> Result<FileKind, Error> {
    kind_of(&connection.unchecked_transaction()?)
}

fn kind_of(connection: &Transaction<'_>) -> Result<FileKind, Error> {
    let application: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let objects: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(match (application, usize::try_from(version)) {
        (APPLICATION_ID, Ok(version @ ..=VERSION)) => FileKind::Known { version },
        (APPLICATION_ID, _) => FileKind::Newer { version },
        (0, Ok(0)) if objects == 0 => FileKind::Empty,
        _ => FileKind::Foreign,
    })
}

/// Migrates the file to [`VERSION`] in one transaction. Returns what it is afterwards. Safe while other processes do the same.
pub(crate) fn migrate(connection: &Connection) -> Result<FileKind, Error> {
    let current = FileKind::Known { version: VERSION };
    if inspect(connection)? == current {
        return Ok(current);
    }
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    let version = match kind_of(&transaction)? {
        FileKind::Empty => 0,
        FileKind::Known { version } => version,
        unusable => return Ok(unusable),
    };
    for migration in &MIGRATIONS[version..] {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", integer(VERSION))?;
    transaction.commit()?;
    Ok(current)
}
