//! What a new job gets from where it is published.

use std::sync::Arc;

use crate::model::{Capabilities, Cause, CorrelationId, JobContext};

/// What a new job has from where it was published (r31, r32).
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    pub(crate) correlation: Option<CorrelationId>,
    pub(crate) cause: Option<Cause>,
    pub(crate) context: Arc<JobContext>,
    /// What holds for what is executed there, and crosses into no job.
    pub(crate) overrides: Option<Arc<Capabilities>>,
}
