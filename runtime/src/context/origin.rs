use std::sync::Arc;

use crate::model::{Capabilities, Cause, CorrelationId, JobContext};

/// What a new job inherits from the context in which it is published.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) correlation: Option<CorrelationId>,
    pub(crate) cause: Option<Cause>,
    /// How many jobs led to it.
    pub(crate) depth: u32,
    pub(crate) context: Arc<JobContext>,
    /// The capabilities of the seed. They apply to executed commands and are never stored.
    pub(crate) overrides: Option<Arc<Capabilities>>,
}

impl Default for Origin {
    fn default() -> Self {
        Self { correlation: None, cause: None, depth: 0, context: JobContext::empty(), overrides: None }
    }
}
