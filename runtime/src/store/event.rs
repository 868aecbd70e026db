//! Events, and positions in their log.

use std::sync::Arc;

use jiff::Timestamp;

use crate::model::{CorrelationId, EventId, JobId, Json};

/// An event to be put on record.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Its id.
    pub id: EventId,
    /// The name of its type.
    pub name: Arc<str>,
    /// The event as JSON.
    pub payload: Json,
    /// The matter that it belongs to.
    pub correlation: CorrelationId,
    /// The job whose handler emitted it; `None` if a caller at the boundary did.
    pub cause: Option<JobId>,
    /// When it was committed: all events of one commit have the same time.
    pub emitted_at: Timestamp,
}

/// A committed event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its place in the commit order.
    pub cursor: Cursor,
    /// Its id: what a relay deduplicates by (r18).
    pub id: EventId,
    /// The name of its type.
    pub name: Arc<str>,
    /// The event as JSON.
    pub payload: Json,
    /// The matter that it belongs to.
    pub correlation: CorrelationId,
    /// The job whose handler emitted it; `None` if a caller at the boundary did.
    pub cause: Option<JobId>,
    /// When it was committed: all events of one commit have the same time.
    pub emitted_at: Timestamp,
}

/// A place in the commit order of events, or between two of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor(u64);

impl Cursor {
    /// Before the first event.
    pub const START: Self = Self(0);

    /// The cursor that a relay has kept as a number.
    pub const fn from_u64(position: u64) -> Self {
        Self(position)
    }

    /// The cursor as a number to keep.
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}
