//! The writes. Each decides everything inside the write transaction, so that it is right whatever other processes do.

mod claim;
mod commit;
mod renew;
mod submit;

use enact::store::{EntityKey, StoredEntity};
use rusqlite::{Connection, PrepFlags, Statement};

pub(crate) use claim::Claiming;
pub(crate) use commit::Committing;
pub(crate) use renew::Renewing;
pub(crate) use submit::Submitting;

use crate::error::Broken;
use crate::recent::Recent;

/// A write, as one part of a transaction.
///
/// A refusal that is to be expected (a lost race, a conflict) is an answer, and must be given before the first row is
/// changed; only what is [`Broken`] may leave changes behind, and makes the writer roll back.
pub(crate) trait Operation: Send + 'static {
    type Answer: Send + 'static;

    fn run(&self, statements: &mut Statements<'_>) -> Result<Self::Answer, Broken>;

    /// The transaction that the disk must have before the answer is given: the open one, unless the answer relies on less.
    fn relies_on(&self, _answer: &Self::Answer, recent: &Recent) -> u64 {
        recent.transaction()
    }

    /// The entity that was written, if the answer says so, as it is on record after the transaction.
    fn written(&self, _answer: &Self::Answer) -> Option<(&EntityKey, StoredEntity)> {
        None
    }
}

/// Every statement of the writes, prepared once.
pub(crate) struct Statements<'c> {
    submit: submit::Statements<'c>,
    claim: claim::Statements<'c>,
    commit: commit::Statements<'c>,
    renew: renew::Statements<'c>,
    pub(crate) recent: &'c Recent,
}

impl<'c> Statements<'c> {
    pub(crate) fn prepare(connection: &'c Connection, recent: &'c Recent) -> rusqlite::Result<Self> {
        Ok(Self {
            submit: submit::Statements::prepare(connection, recent)?,
            claim: claim::Statements::prepare(connection, recent)?,
            commit: commit::Statements::prepare(connection, recent)?,
            renew: renew::Statements::prepare(connection)?,
            recent,
        })
    }
}

/// Prepares a statement that is kept. SQLite must be told: it would make it in a small, fast memory that every execution
/// of a statement has need of.
pub(crate) fn prepare<'c>(connection: &'c Connection, sql: &str) -> rusqlite::Result<Statement<'c>> {
    connection.prepare_with_flags(sql, PrepFlags::SQLITE_PREPARE_PERSISTENT)
}

#[cfg(test)]
pub(crate) mod sql {
    //! The statements' texts, for a look at their plans.

    pub(crate) use super::claim::{
        DELETE_DUE, DELETE_READY, INSERT_CLAIMED, INSERT_DUE, SELECT_NEXT_DUE, SELECT_READY, SELECT_REQUEST,
    };
    pub(crate) use super::commit::{
        DELETE_HEAD, DELETE_LANE, DELETE_RUNNING, INSERT_ATTEMPT, INSERT_ENTITY, INSERT_HEAD, INSERT_RETRIED,
        SELECT_FENCED, SELECT_HEAD, SELECT_LEASE, SELECT_SEQ, SELECT_VERSION, UPDATE_ENTITY,
    };
    pub(crate) use super::renew::UPSERT_LEASE;
    pub(crate) use super::submit::{
        INSERT_EVENT, INSERT_LANE, INSERT_READY, INSERT_REQUEST, INSERT_RUNNING, INSERT_WAITING,
        SELECT_HOLDER, SELECT_LANE,
    };

    pub(crate) const ALL: &[&str] = &[
        DELETE_DUE,
        DELETE_HEAD,
        DELETE_LANE,
        DELETE_READY,
        DELETE_RUNNING,
        INSERT_ATTEMPT,
        INSERT_CLAIMED,
        INSERT_DUE,
        INSERT_ENTITY,
        INSERT_EVENT,
        INSERT_HEAD,
        INSERT_LANE,
        INSERT_READY,
        INSERT_REQUEST,
        INSERT_RETRIED,
        INSERT_RUNNING,
        INSERT_WAITING,
        SELECT_FENCED,
        SELECT_HEAD,
        SELECT_HOLDER,
        SELECT_LANE,
        SELECT_LEASE,
        SELECT_NEXT_DUE,
        SELECT_SEQ,
        SELECT_READY,
        SELECT_REQUEST,
        SELECT_VERSION,
        UPDATE_ENTITY,
        UPSERT_LEASE,
    ];
}
