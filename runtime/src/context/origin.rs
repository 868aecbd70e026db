//! What a new job gets from where it is published.

use std::sync::Arc;

use crate::model::{Capabilities, Cause, ContextSeed, CorrelationId};

/// What a new job has from where it was published (r31, r32).
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    pub(crate) correlation: Option<CorrelationId>,
    pub(crate) cause: Option<Cause>,
    pub(crate) seed: Arc<ContextSeed>,
    /// What holds for what is executed there, and crosses into no job.
    pub(crate) overrides: Option<Arc<Capabilities>>,
}
