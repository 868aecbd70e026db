//! The execution context: what a handler knows about the execution it belongs to.
//!
//! Each attempt of a job has a context of its own. At the boundary, [`Runtime::scope`](crate::Runtime::scope) opens one from
//! a [`ContextSeed`]. Code below reaches it by [`context()`], without passing it along.
//!
//! # What crosses into a job
//!
//! A context passes exactly the following on to the jobs that are published, and to the handlers of the events that are
//! emitted in it ([r31](crate::rules#r31)):
//!
//! | | published jobs and event handlers | executed commands |
//! |---|---|---|
//! | [correlation id](ExecutionContext::correlation_id) | the same; if there is none, the id of the first job | the same |
//! | [causation id](ExecutionContext::cause) | the job that published it, or the event it handles | none: they start at the boundary |
//! | [trace](ExecutionContext::trace), [identity](ExecutionContext::identity), [tenant](ExecutionContext::tenant), [metadata](ExecutionContext::metadata) | the same | the same |
//! | capabilities [provided by the seed](ContextSeed::provide) | no | yes, while the caller waits and this process runs them |
//! | [capabilities](ExecutionContext::capability) of the runtime | those of the runtime that runs the job | those of the runtime that runs the job |
//! | staged effects, chosen variants | no | no |
//!
//! A spawned task has no context unless it is given one, by [`context().scope(future)`](ExecutionContext::scope).

pub mod auth;
mod entity_page;
mod execution_context;
mod from_context;
mod host;
mod late_call;
mod origin;
mod publish;
mod repository;
mod stage;

pub use entity_page::{EntityPage, UnreadableEntity};
pub(crate) use entity_page::{entities, parse_entity, unreadable};
pub use execution_context::{ExecutionContext, context, with_context};
pub(crate) use from_context::Requirement;
pub use from_context::{Capability, FromContext, Requirements};
pub(crate) use host::Host;
pub(crate) use late_call::LateCall;
pub(crate) use origin::Origin;
pub use publish::{StagedJob, emit, publish};
pub use repository::Repository;
pub(crate) use repository::entity_key;
pub(crate) use stage::{StagedEvent, StagedWrite, Staging};

pub use crate::model::{ContextSeed, Identity, MalformedTrace, TraceContext};
