//! Reading committed events.

use std::fmt;
use std::sync::Arc;

use super::boundary::check_boundary;
use crate::context::ExecutionContext;
use crate::engine::{Engine, pruning};
use crate::model::Failure;
use crate::model::clock::Timestamp;
use crate::store::{Cursor, StoredEvent};

/// Reads committed events in commit order ([r18](crate::rules#r18)), as a relay to a message broker does.
#[derive(Clone)]
pub struct Events(Arc<Engine>);

impl Events {
    pub(super) fn new(engine: Arc<Engine>) -> Self {
        Self(engine)
    }

    /// Lists at most `limit` events after `cursor`, in commit order. Read until a page is empty: a page that is shorter than `limit`
    /// need not be the last.
    ///
    /// All that are listed are durable: a cursor that was returned denotes the same event after a power failure.
    ///
    /// A relay stores the cursor of the last event that it has delivered. After a crash it may deliver some events again;
    /// receivers deduplicate by event id.
    ///
    /// # Errors
    /// `Unavailable` if the store cannot be reached. `Refused`, with the code `cursor_ahead`, if the cursor is after the last position
    /// that was ever assigned: the database was restored from a backup, or is another one than the cursor is of. Until new events
    /// have reached the cursor, a relay would silently deliver none of them; reset its cursor.
    pub async fn list(&self, cursor: &Cursor, limit: usize) -> Result<Vec<StoredEvent>, Failure> {
        Ok(self.0.store.events(cursor, limit).await?)
    }

    /// Deletes the events that were emitted before `before`, oldest first, and returns how many. A relay that has not
    /// delivered them yet never will. Cursors stay valid.
    ///
    /// # Errors
    /// `Refused` inside an execution; `Unavailable` if the store cannot be reached, in which case some may be deleted.
    pub async fn prune(&self, before: Timestamp) -> Result<u64, Failure> {
        check_boundary(ExecutionContext::current().as_ref(), "events().prune")?;
        Ok(pruning::prune_events(&self.0, before).await?)
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Events")
    }
}
