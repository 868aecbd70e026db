//! Events, and positions in their log.

use std::sync::Arc;

use jiff::Timestamp;

use super::position::Cursor;
use crate::model::{CorrelationId, EventId, JobId, Json, Unreadable};

/// An event to append.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Its id.
    pub id: EventId,
    /// The name of its type.
    pub name: Arc<str>,
    /// The event as JSON.
    pub payload: Json,
    /// Shared by all jobs and events with a common origin ([r32](crate::rules#r32)).
    pub correlation: CorrelationId,
    /// The job whose handler emitted it; `None` if it was emitted at the boundary.
    pub cause: Option<JobId>,
    /// When it was committed. All events of a commit have the same time.
    pub emitted_at: Timestamp,
}

/// A committed event.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredEvent {
    /// Its position in commit order.
    pub cursor: Cursor,
    /// Its id, by which a relay deduplicates ([r18](crate::rules#r18)).
    pub id: EventId,
    /// The name of its type.
    pub name: Arc<str>,
    /// The event as JSON.
    pub payload: Json,
    /// Shared by all jobs and events with a common origin ([r32](crate::rules#r32)).
    pub correlation: CorrelationId,
    /// The job whose handler emitted it; `None` if it was emitted at the boundary.
    pub cause: Option<JobId>,
    /// When it was committed. All events of a commit have the same time.
    pub emitted_at: Timestamp,
    /// The parts of the stored event that cannot be read; empty unless the store is damaged. Their fields hold placeholders, so
    /// a relay must not deliver such an event as it is. It is never left out.
    pub unreadable: Vec<Unreadable>,
}

impl StoredEvent {
    /// An event at its position, for stores.
    pub fn new(cursor: Cursor, event: NewEvent) -> Self {
        let NewEvent { id, name, payload, correlation, cause, emitted_at } = event;
        Self { cursor, id, name, payload, correlation, cause, emitted_at, unreadable: Vec::new() }
    }
}
