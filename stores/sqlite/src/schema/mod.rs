//! What is in the file, and how an older file becomes a newer one.

use std::path::Path;

use enact::store::StoreError;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::encode::integer;
use crate::error::Broken;

/// Each brings a file from the version before it, its place in the list, to its own. Never change one that was released.
const MIGRATIONS: &[&str] = &[include_str!("1.sql")];

/// The version that this code reads and writes, kept in the file as `PRAGMA user_version`.
const VERSION: usize = MIGRATIONS.len();

/// Marks a file as ours, as `PRAGMA application_id`.
const APPLICATION_ID: i32 = i32::from_be_bytes(*b"enac");

/// Whose file it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// Nobody's yet.
    Nobody,
    /// Ours, of a version that this code knows.
    Us { version: usize },
    /// Ours, of a version that this code does not know.
    Newer { version: i64 },
    /// Another program's.
    Another,
}

impl Owner {
    /// Refuses a file that must not be touched.
    pub(crate) fn accept(&self, path: &Path) -> Result<(), StoreError> {
        let path = path.display();
        match self {
            Self::Nobody | Self::Us { .. } => Ok(()),
            Self::Newer { version } => Err(StoreError::new(format!(
                "`{path}` was made by a newer version of enact-sqlite: its schema has version {version}, and this one \
                 knows those up to {VERSION}; upgrade enact-sqlite, or name another file"
            ))),
            Self::Another => Err(StoreError::new(format!(
                "`{path}` is another program's database: it has tables, and none of enact's marks; name another file"
            ))),
        }
    }
}

/// Looks whose file it is. Another process may be about to make it ours, so all is read from one snapshot.
pub(crate) fn check(connection: &Connection) -> Result<Owner, Broken> {
    owner(&connection.unchecked_transaction()?)
}

fn owner(connection: &Transaction<'_>) -> Result<Owner, Broken> {
    let application: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let objects: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(match (application, usize::try_from(version)) {
        (APPLICATION_ID, Ok(version @ ..=VERSION)) => Owner::Us { version },
        (APPLICATION_ID, _) => Owner::Newer { version },
        (0, Ok(0)) if objects == 0 => Owner::Nobody,
        _ => Owner::Another,
    })
}

/// Brings the file to [`VERSION`], in one transaction. Other processes may be about to do the same.
pub(crate) fn migrate(connection: &Connection) -> Result<Owner, Broken> {
    let current = Owner::Us { version: VERSION };
    if check(connection)? == current {
        return Ok(current);
    }
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    let version = match owner(&transaction)? {
        Owner::Nobody => 0,
        Owner::Us { version } => version,
        refused => return Ok(refused),
    };
    for migration in &MIGRATIONS[version..] {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", integer(VERSION))?;
    transaction.commit()?;
    Ok(current)
}
