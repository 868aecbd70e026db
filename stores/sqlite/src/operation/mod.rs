//! The writes. Each decides everything inside the write transaction, so that it is right whatever other processes do.

mod claim;
mod commit;
mod renew;
mod submit;

use rusqlite::Connection;

pub(crate) use claim::Claiming;
pub(crate) use commit::Committing;
pub(crate) use renew::Renewing;
pub(crate) use submit::Submitting;

use crate::error::Broken;

/// A write, as one part of a transaction.
///
/// A refusal that is to be expected (a lost race, a conflict) is an answer, and must be given before the first row is
/// changed; only what is [`Broken`] may leave changes behind, and makes the writer roll back.
pub(crate) trait Operation: Send + 'static {
    type Answer: Send + 'static;

    fn run(&self, statements: &mut Statements<'_>) -> Result<Self::Answer, Broken>;
}

/// Every statement of the writes, prepared once.
pub(crate) struct Statements<'c> {
    submit: submit::Statements<'c>,
    claim: claim::Statements<'c>,
    commit: commit::Statements<'c>,
    renew: renew::Statements<'c>,
}

impl<'c> Statements<'c> {
    pub(crate) fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            submit: submit::Statements::prepare(connection)?,
            claim: claim::Statements::prepare(connection)?,
            commit: commit::Statements::prepare(connection)?,
            renew: renew::Statements::prepare(connection)?,
        })
    }
}
