//! Declare a domain; the compiler wires it, the runtime enforces its lifecycle.
#![forbid(unsafe_code)]

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

mod attempt;
pub mod clock;
pub mod context;
mod draft;
mod engine;
mod entity;
mod failure;
mod handler;
pub mod invariant;
pub mod job;
mod json;
mod key;
mod lifecycle;
mod locks;
pub mod memory;
mod message;
pub mod prelude;
mod publish;
mod reading;
mod registration;
mod retry;
mod runtime;
mod schema;
pub mod store;
mod wiring;
mod worker;

pub use context::{
    ContextSeed, ExecutionContext, FromContext, Identity, Repository, StagedJob, TraceContext, context, emit, publish,
};
pub use enact_macros::{command, entity, event, event_handler, invariant, value};
pub use entity::{CreatedFrom, Creation, Entity};
pub use failure::{Failure, FailureKind, Violation};
pub use handler::{CommandHandler, EntityHandler, EventHandler, IntoOutcome, InvariantScope};
pub use invariant::{Always, Invariant};
pub use job::{Attempt, Cause, CorrelationId, EventId, Job, JobId, JobKind, JobState, Step, WorkerId};
pub use json::Json;
pub use key::Key;
pub use memory::MemoryStore;
pub use message::{Command, Event, Handled, Targeted, Untargeted};
pub use publish::{Execute, JobHandle, Publish};
pub use reading::{Entities, Events, Jobs};
pub use registration::{Registration, Source};
pub use retry::Retry;
pub use runtime::{Runtime, RuntimeBuilder, StartError};
pub use wiring::Problem;
