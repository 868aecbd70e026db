use std::sync::Arc;

use crate::model::{JobId, Source};

/// A call by which a task stages an effect after its handler has returned ([r31](crate::rules#r31)).
#[derive(Debug)]
pub(crate) struct LateCall {
    pub(crate) job: JobId,
    pub(crate) attempt: u32,
    /// The name of the job.
    pub(crate) name: Arc<str>,
    /// The called function.
    pub(crate) what: &'static str,
    pub(crate) caller: Source,
}
