//! What a store reports when it cannot do what it was asked to.

use crate::model::{Failure, FailureKind};

/// The store could not do what it was asked to: it is out of reach, full, broken or of another version. Nothing of the
/// call is on record.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct StoreError {
    message: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl StoreError {
    /// An error that says what is wrong, where, and what to do about it.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None }
    }

    /// The same, with the error behind it.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::new(FailureKind::Unavailable, "store_unavailable", error.message.clone())
            .with_sources_of(&error)
    }
}
