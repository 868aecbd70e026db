//! Reading committed events.

use std::fmt;
use std::sync::Arc;

use super::boundary::check_boundary;
use crate::context::ExecutionContext;
use crate::engine::{Engine, pruning};
use crate::model::Failure;
use crate::model::clock::Timestamp;
use crate::store::{Cursor, StoredEvent};

/// Reads committed events in commit order (r18): what a relay publishes elsewhere.
#[derive(Clone)]
pub struct Events(Arc<Engine>);

impl Events {
    pub(super) fn new(engine: Arc<Engine>) -> Self {
        Self(engine)
    }

    /// At most `limit` events behind `cursor`. A relay keeps the cursor of the last one that it has passed on; after a
    /// crash it passes some on again, and who receives them deduplicates by their id.
    ///
    /// # Errors
    /// If the store cannot be reached.
    pub async fn after(&self, cursor: Cursor, limit: usize) -> Result<Vec<StoredEvent>, Failure> {
        Ok(self.0.store.events(cursor, limit).await?)
    }

    /// Deletes the events that were emitted before this time, first to last. A relay that has not passed them on by then
    /// never will; cursors stay true. Answers how many.
    ///
    /// # Errors
    /// `Refused` inside an execution; `Unavailable` if the store cannot be reached, and some may be deleted then.
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
