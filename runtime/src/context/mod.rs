//! What a handler knows of the execution that it is part of (r30 to r36).
//!
//! A boundary opens a context with a [`ContextSeed`] by [`Runtime::scope`](crate::Runtime::scope); every attempt of a job
//! has one of its own. [`context()`] reaches it anywhere below, without its being passed along.
//!
//! # What crosses into a job
//!
//! A job has exactly this from where it was published, or its event emitted, and hands it on to the jobs that it causes
//! (r31):
//!
//! | | into a published job, and the jobs of an event's handlers | into what is executed |
//! |---|---|---|
//! | [correlation id](ExecutionContext::correlation_id) | the same; if none was given, the first job's id | likewise |
//! | [causation id](ExecutionContext::cause) | the job that published it, or the event that it handles | none: the boundary causes it |
//! | [trace](ExecutionContext::trace), [identity](ExecutionContext::identity), [tenant](ExecutionContext::tenant), [metadata](ExecutionContext::metadata) | the same | the same |
//! | [capabilities](ExecutionContext::capability) | no: those that the runtime was provided with where it runs | no: likewise |
//! | capabilities that a [seed](ContextSeed::provide) puts in their place | no | yes, as long as the caller waits and this process runs it |
//! | what is staged, and which variants were chosen | no | no |
//! | a spawned task | has no context, unless it is given it by [`context().scope(…)`](ExecutionContext::scope) | |

pub mod auth;
mod execution_context;
mod from_context;
mod host;
mod origin;
mod publish;
mod repository;
mod stage;

pub use execution_context::{ExecutionContext, context, with_context};
pub(crate) use from_context::Needed;
pub use from_context::{Capability, FromContext, Requirements};
pub(crate) use host::Host;
pub(crate) use origin::Origin;
pub use publish::{StagedJob, emit, publish};
pub use repository::Repository;
pub(crate) use repository::{entities, entity_key, unreadable};
pub(crate) use stage::{StagedEvent, StagedWrite, Staging};

pub use crate::model::{ContextSeed, Identity, MalformedTrace, TraceContext};
