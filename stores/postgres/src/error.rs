//! What can fail, and the message that a caller gets: what is wrong, with which database, and what to do.

use std::error::Error as _;
use std::fmt::{Display, Write};

use enact::Unreadable;
use enact::store::{Cursor, StoreError};
use tokio_postgres::error::SqlState;

/// Why a call failed.
#[derive(Debug)]
pub(crate) enum Error {
    Postgres(tokio_postgres::Error),
    /// The server cannot be reached, or does not answer.
    Silent,
    /// A row holds something that this crate does not write.
    Row {
        table: &'static str,
        row: String,
        unreadable: Unreadable,
    },
    /// A cursor is after the last position of an event.
    CursorAhead {
        cursor: Cursor,
        last: Cursor,
    },
    /// The connection was lost after COMMIT was sent, and it cannot be found out whether the transaction was committed.
    InDoubt(String),
    /// A claim has to change more than it has locked.
    NotShared,
    /// The database cannot be used by this program, for this reason.
    Unusable(String),
    /// The caller broke the contract of the store.
    InvalidCall(&'static str),
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Postgres(error)
    }
}

impl Error {
    /// The error for a caller. Borrows, because one failure can concern many callers.
    pub(crate) fn to_store_error(&self, database: &dyn Display) -> StoreError {
        match self {
            Self::Postgres(error) => {
                StoreError::new(format!("{database}: {}", advice(error))).caused_by(reason(error))
            }
            Self::Silent => StoreError::new(format!(
                "{database}: the server does not answer in time; check it and the network. The store connects again by itself"
            )),
            Self::Row { table, row, unreadable } => StoreError::new(format!(
                "{database}: row {row} of `{table}` cannot be read: {unreadable}; it may have been edited by hand: correct it, or \
                 restore a backup"
            )),
            Self::CursorAhead { cursor, last } => StoreError::cursor_ahead(database, cursor, last),
            Self::InDoubt(reason) => StoreError::new(format!(
                "{database}: the connection was lost during a commit, and it is unknown whether it is stored"
            ))
            .caused_by(reason.as_str()),
            Self::NotShared => {
                StoreError::new(format!("{database}: other transactions were in the way; retry"))
            }
            Self::Unusable(reason) => StoreError::new(format!("{database}: {reason}")),
            Self::InvalidCall(reason) => StoreError::new(format!("{database}: {reason}")),
        }
    }

    /// Whether the connection is lost, so that the call can be made on another one.
    pub(crate) fn is_connection_lost(&self) -> bool {
        match self {
            Self::Postgres(error) => is_connection_lost(error),
            Self::Silent => true,
            _ => false,
        }
    }

    /// Whether the error may concern one member of a group only, so that each is to run alone.
    pub(crate) fn may_be_of_one_member(&self) -> bool {
        let is_of_all = |code: &SqlState| {
            matches!(
                *code,
                SqlState::LOCK_NOT_AVAILABLE | SqlState::QUERY_CANCELED | SqlState::INSUFFICIENT_PRIVILEGE
            )
        };
        match self {
            Self::Postgres(error) => !is_connection_lost(error) && !error.code().is_some_and(is_of_all),
            Self::Silent | Self::InDoubt(_) => false,
            _ => true,
        }
    }

    /// Whether the transaction lost against others, or the server has no room for its locks, so that it passes when it runs without others.
    pub(crate) fn is_lost_race(&self) -> bool {
        match self {
            Self::Postgres(error) => error.code().is_some_and(|code| {
                matches!(
                    *code,
                    SqlState::T_R_DEADLOCK_DETECTED
                        | SqlState::T_R_SERIALIZATION_FAILURE
                        | SqlState::OUT_OF_MEMORY
                )
            }),
            Self::NotShared => true,
            _ => false,
        }
    }
}

pub(crate) fn is_connection_lost(error: &tokio_postgres::Error) -> bool {
    match error.code() {
        None => {
            error.is_closed() || error.source().is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
        }
        Some(code) => {
            // Class 08 is what poolers say.
            code.code().starts_with("08")
                || matches!(
                    *code,
                    SqlState::ADMIN_SHUTDOWN
                        | SqlState::CRASH_SHUTDOWN
                        | SqlState::CANNOT_CONNECT_NOW
                        | SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
                        | SqlState::READ_ONLY_SQL_TRANSACTION
                )
        }
    }
}

/// The error with its causes, none of which holds a payload: `detail` of a constraint may, and is left out.
fn reason(error: &tokio_postgres::Error) -> String {
    let mut reason = match error.as_db_error() {
        Some(error) => format!("{} (SQLSTATE {})", error.message(), error.code().code()),
        None => error.to_string(),
    };
    let mut source = error.source().filter(|_| error.as_db_error().is_none());
    while let Some(cause) = source {
        let _ = write!(reason, ": {cause}");
        source = cause.source();
    }
    reason
}

fn advice(error: &tokio_postgres::Error) -> &'static str {
    let Some(code) = error.code() else {
        return "the server cannot be reached, or the connection was lost; the store connects again by itself";
    };
    match *code {
        SqlState::DISK_FULL => "the disk of the server is full; free space, then retry",
        SqlState::TOO_MANY_CONNECTIONS => {
            "the server has no connection left; raise `max_connections`, or use a pooler"
        }
        SqlState::OUT_OF_MEMORY => "the server ran out of memory or of locks",
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            "the server refuses the user or the password of the URL"
        }
        SqlState::INVALID_CATALOG_NAME => "the database of the URL does not exist; create it",
        SqlState::INSUFFICIENT_PRIVILEGE => {
            "the user lacks a privilege; grant it the schema and its tables, or run the migration as their owner"
        }
        SqlState::ADMIN_SHUTDOWN | SqlState::CRASH_SHUTDOWN | SqlState::CANNOT_CONNECT_NOW => {
            "the server is starting or stopping; the store connects again by itself"
        }
        SqlState::READ_ONLY_SQL_TRANSACTION => {
            "the server is read-only, such as a standby; connect to the primary, with `target_session_attrs=read-write`"
        }
        SqlState::LOCK_NOT_AVAILABLE => {
            "a lock was not available in time; find the transaction that holds it"
        }
        SqlState::QUERY_CANCELED => "the server cancelled the statement: `statement_timeout`, or an operator",
        SqlState::T_R_DEADLOCK_DETECTED => "transactions blocked each other; retry",
        SqlState::UNDEFINED_TABLE | SqlState::UNDEFINED_COLUMN | SqlState::INVALID_SCHEMA_NAME => {
            "the schema is missing or was changed; migrate it"
        }
        SqlState::UNIQUE_VIOLATION => "a row violates a constraint of its table; is its id already in use?",
        SqlState::PROGRAM_LIMIT_EXCEEDED => {
            "a value is larger than PostgreSQL can store; a key can have about 2600 bytes"
        }
        _ => "PostgreSQL returned an error",
    }
}
