//! A write as one part of a transaction.

use enact::store::{EntityKey, StoredEntity};

use crate::error::Error;
use crate::statements::Statements;
use crate::write_cache::WriteCache;

/// A write. It decides everything inside the write transaction, so that it is correct whatever other processes do.
///
/// An expected refusal (a lost race, a conflict) is an output, and must be returned before the first row is changed. Only an
/// [`Error`] may leave changes behind; it makes the writer roll back.
pub(crate) trait Operation: Send + 'static {
    type Output: Send + 'static;

    fn run(&self, statements: &mut Statements<'_>) -> Result<Self::Output, Error>;

    /// The transaction that must be durable before the output is returned: the current one unless less will do.
    fn depends_on(&self, _output: &Self::Output, cache: &WriteCache) -> u64 {
        cache.transaction()
    }

    /// The transaction was not committed, or is not durable: the caller gets an error.
    fn refused(&self) {}

    /// The entity that was written, as stored by the transaction.
    fn written_entity(&self, _output: &Self::Output) -> Option<(&EntityKey, StoredEntity)> {
        None
    }
}
