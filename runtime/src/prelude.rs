//! The items that most domains need: `use enact::prelude::*;`.

pub use std::sync::Arc;
pub use std::time::Duration;

pub use crate::{
    ContextSeed, ExecutionContext, Failure, FailureKind, FromContext, Identity, JobHandle, JobQuery,
    JobState, Missed, Overlap, Repository, Retry, Runtime, Tick, command, context, emit, entity, event,
    event_handler, invariant, publish, strategy, value,
};
