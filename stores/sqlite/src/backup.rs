//! Copies an open database into a file of its own.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use enact::store::StoreError;
use rusqlite::Connection;
use rusqlite::types::{ToSqlOutput, ValueRef};

use crate::apart::Apart;
use crate::database_path;
use crate::error::Error;
use crate::partial_file::PartialFile;
use crate::store::SqliteStore;

impl SqliteStore {
    /// Writes a backup while the store is open, also under load and beside other processes: all that was committed before this call and,
    /// of what is committed meanwhile, nothing or a prefix. The backup is one file, compact and durable, with the permissions of the
    /// database. How to put it back is in the [crate's documentation](crate#backups).
    ///
    /// It runs on a thread and a connection of its own, which neither writes nor other reads wait for. Its snapshot keeps the write-ahead
    /// log from being cut back until it is done. If the future is dropped, it stops, and leaves no file unless that is whole already.
    ///
    /// It writes to a file beside `to` whose name ends in `-partial`, and renames it once it is whole and durable. A process that is killed
    /// leaves that file, and perhaps its `-journal`: delete them.
    ///
    /// # Errors
    /// If `to` exists, or its directory does not; if there is no space; if the database is damaged. There is no file `to` then.
    pub async fn backup(&self, to: impl AsRef<Path>) -> Result<(), StoreError> {
        let (from, to) = (self.path.clone(), to.as_ref().to_owned());
        self.run_apart("enact-sqlite-backup", move |connection| backup(connection, &from, &to)).await
    }
}

pub(crate) fn backup(connection: &Apart<'_>, from: &Path, to: &Path) -> Result<(), StoreError> {
    database_path::check(to)?;
    let to = database_path::resolve(to)?;
    refuse_existing(&to)?;
    let copy = fs::metadata(from).and_then(|metadata| PartialFile::create(&to, &metadata));
    let copy = copy.map_err(|error| not_written(&to, error))?;
    vacuum_into(connection, copy.path()).map_err(|error| {
        let message = format!("the backup `{}` of `{}` was not written", to.display(), from.display());
        StoreError::new(message).caused_by(Error::from(error).to_store_error(from))
    })?;
    copy.sync().map_err(|error| not_written(&to, error))?;
    // An interrupt before or after the statement had no effect.
    connection.check_dropped()?;
    refuse_existing(&to)?;
    copy.publish(&to).map_err(|error| not_written(&to, error))
}

pub(crate) fn vacuum_into(connection: &Connection, to: &Path) -> rusqlite::Result<()> {
    // The name of a file need not be UTF-8.
    let name = ToSqlOutput::Borrowed(ValueRef::Text(to.as_os_str().as_encoded_bytes()));
    connection.execute("VACUUM INTO ?1", [name]).map(drop)
}

fn refuse_existing(to: &Path) -> Result<(), StoreError> {
    match fs::symlink_metadata(to) {
        Ok(_) => Err(StoreError::new(format!(
            "`{}` exists, and a backup replaces nothing: name a new file, such as one with the date in its name",
            to.display()
        ))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(not_written(to, error)),
    }
}

fn not_written(to: &Path, error: io::Error) -> StoreError {
    let message = format!(
        "the backup `{}` was not written; check that its disk has space, and grant this process write access to its directory",
        to.display()
    );
    StoreError::new(message).caused_by(error)
}
