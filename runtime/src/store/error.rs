//! The error of a store.

use std::error::Error;
use std::fmt::Display;
use std::sync::Arc;

use super::position::Cursor;
use crate::model::{Failure, FailureKind};

/// A call failed and changed nothing: the store cannot be reached, is full, damaged or of another version, or is not the one that
/// the caller knows.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct StoreError {
    kind: FailureKind,
    code: &'static str,
    message: String,
    #[source]
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl StoreError {
    /// The message says what is wrong, where, and what to do.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            kind: FailureKind::Unavailable,
            code: "store_unavailable",
            message: message.into(),
            source: None,
        }
    }

    /// A cursor is after the last position that the store has ever assigned. As a failure it is `Refused`, with the code `cursor_ahead`.
    pub fn cursor_ahead(store: impl Display, cursor: &Cursor, last: &Cursor) -> Self {
        let start = Cursor::START;
        let message = format!(
            "{store}: the cursor {cursor} is ahead of the last event, which is at {last}: the database was restored from a backup, or the \
             cursor belongs to another one; reset the stored cursor of the relay, to {last} for the events from now on or to {start} for all"
        );
        Self { kind: FailureKind::Refused, code: "cursor_ahead", ..Self::new(message) }
    }

    /// Adds the underlying error.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into().into());
        self
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::new(error.kind, error.code, error.message.clone()).with_sources_of(&error)
    }
}
