//! The error of a store.

use std::error::Error;
use std::sync::Arc;

use crate::model::{Failure, FailureKind};

/// A call failed and changed nothing: the store cannot be reached, is full, damaged or of another version.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct StoreError {
    message: String,
    #[source]
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl StoreError {
    /// The message says what is wrong, where, and what to do.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None }
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
        Self::new(FailureKind::Unavailable, "store_unavailable", error.message.clone())
            .with_sources_of(&error)
    }
}
