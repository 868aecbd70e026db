//! The writes. Each decides everything inside the write transaction, so that it is right whatever other processes do.

mod by_hand;
mod claim;
mod commit;
mod counters;
mod live;
mod prune;
mod renew;
mod submit;
mod tick;

use enact::store::{EntityKey, StoredEntity};
use rusqlite::{Connection, PrepFlags, Statement};

pub(crate) use by_hand::{Cancelling, LiveRequest, Retrying};
pub(crate) use claim::Claiming;
pub(crate) use commit::Committing;
pub(crate) use prune::{Pruning, PruningEvents};
pub(crate) use renew::{Renewing, Retiring};
pub(crate) use submit::Submitting;
pub(crate) use tick::Ticking;

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
    by_hand: by_hand::Statements<'c>,
    prune: prune::Statements<'c>,
    tick: tick::Statements<'c>,
    renew: renew::Statements<'c>,
    live: live::Live<'c>,
    counters: counters::Counters<'c>,
    pub(crate) recent: &'c Recent,
}

impl<'c> Statements<'c> {
    pub(crate) fn prepare(connection: &'c Connection, recent: &'c Recent) -> rusqlite::Result<Self> {
        Ok(Self {
            submit: submit::Statements::prepare(connection, recent)?,
            claim: claim::Statements::prepare(connection, recent)?,
            commit: commit::Statements::prepare(connection, recent)?,
            by_hand: by_hand::Statements::prepare(connection, recent)?,
            prune: prune::Statements::prepare(connection)?,
            tick: tick::Statements::prepare(connection)?,
            renew: renew::Statements::prepare(connection)?,
            live: live::Live::prepare(connection, recent)?,
            counters: counters::Counters::prepare(connection)?,
            recent,
        })
    }

    /// Writes what is written once for all of a transaction, before it is committed.
    pub(crate) fn flush(&mut self) -> Result<(), Broken> {
        self.counters.flush()
    }

    /// Forgets all that is kept in memory of what is on record, as it may not be so any more.
    pub(crate) fn forget(&mut self) {
        self.counters.forget();
        self.recent.forget();
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

    pub(crate) use super::by_hand::{
        DELETE_PREDECESSORS, DELETE_WAITING, INSERT_CANCELLED_ATTEMPT, SELECT_LAST_ATTEMPT,
        SELECT_LIVE_REQUEST, SELECT_UNDERWAY,
    };
    pub(crate) use super::claim::{
        DELETE_DUE, DELETE_READY, INSERT_CLAIMED, INSERT_DUE, SELECT_FIRST_NAME, SELECT_NEXT_DUE,
        SELECT_NEXT_NAME, SELECT_READY, SELECT_REQUEST,
    };
    pub(crate) use super::commit::{
        DELETE_RUNNING, INSERT_ATTEMPT, INSERT_ENTITY, INSERT_RETRIED, SELECT_FENCED, SELECT_RENEWALS,
        SELECT_SEQ, SELECT_VERSION, UPDATE_ENTITY,
    };
    pub(crate) use super::counters::{
        SELECT_LAST_EVENT, SELECT_LAST_REQUEST, SELECT_QUEUED, UPSERT_PLACE, UPSERT_QUEUED,
    };
    pub(crate) use super::live::{
        DELETE_FREED, DELETE_LANE, DELETE_SUCCESSORS, DELETE_TURN, END_PENDING, GIVE_TURN, INSERT_CANCELLED,
        INSERT_FREED, INSERT_LANE, INSERT_PREDECESSOR, INSERT_READY, INSERT_TURN, INSERT_WAITING,
        SELECT_HEAD, SELECT_STANDING, SELECT_SUCCESSORS, SELECT_TURN, TAKE_TURN, UPDATE_TURN,
    };
    pub(crate) use super::prune::{
        DELETE_ATTEMPTS, DELETE_CANCELLED, DELETE_EVENTS, DELETE_REQUEST, SELECT_END,
    };
    pub(crate) use super::renew::{DELETE_LEASE, UPSERT_LEASE};
    pub(crate) use super::submit::{INSERT_EVENT, INSERT_REQUEST, INSERT_STARTED, SELECT_HOLDER};
    pub(crate) use super::tick::{SELECT_LAST_TICK, UPSERT_TICK};

    pub(crate) const ALL: &[&str] = &[
        DELETE_ATTEMPTS,
        DELETE_CANCELLED,
        DELETE_DUE,
        DELETE_EVENTS,
        DELETE_FREED,
        DELETE_LANE,
        DELETE_LEASE,
        DELETE_PREDECESSORS,
        DELETE_READY,
        DELETE_REQUEST,
        DELETE_RUNNING,
        DELETE_SUCCESSORS,
        DELETE_TURN,
        DELETE_WAITING,
        END_PENDING,
        GIVE_TURN,
        INSERT_ATTEMPT,
        INSERT_CANCELLED,
        INSERT_CANCELLED_ATTEMPT,
        INSERT_CLAIMED,
        INSERT_DUE,
        INSERT_ENTITY,
        INSERT_EVENT,
        INSERT_FREED,
        INSERT_LANE,
        INSERT_PREDECESSOR,
        INSERT_READY,
        INSERT_REQUEST,
        INSERT_RETRIED,
        INSERT_STARTED,
        INSERT_TURN,
        INSERT_WAITING,
        SELECT_END,
        SELECT_FENCED,
        SELECT_FIRST_NAME,
        SELECT_HEAD,
        SELECT_HOLDER,
        SELECT_LAST_ATTEMPT,
        SELECT_LAST_EVENT,
        SELECT_LAST_REQUEST,
        SELECT_LAST_TICK,
        SELECT_LIVE_REQUEST,
        SELECT_NEXT_DUE,
        SELECT_NEXT_NAME,
        SELECT_QUEUED,
        SELECT_READY,
        SELECT_RENEWALS,
        SELECT_REQUEST,
        SELECT_SEQ,
        SELECT_STANDING,
        SELECT_SUCCESSORS,
        SELECT_TURN,
        SELECT_UNDERWAY,
        SELECT_VERSION,
        TAKE_TURN,
        UPDATE_ENTITY,
        UPDATE_TURN,
        UPSERT_LEASE,
        UPSERT_PLACE,
        UPSERT_QUEUED,
        UPSERT_TICK,
    ];
}
