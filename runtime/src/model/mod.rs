//! Data: ids, jobs, attempts, failures, retry, keys, JSON, time. No behaviour of the engine.

mod attempt;
mod capabilities;
mod classification;
pub mod clock;
mod due;
mod failure;
mod id;
mod job;
mod job_spec;
mod job_state;
mod json;
mod key;
mod retry;
mod seed;
mod source;
mod step;
mod trace;

pub use attempt::{Attempt, StrategyChoice};
pub(crate) use capabilities::Capabilities;
pub use classification::{Classification, Classify, ErrorRegistration};
pub(crate) use due::Due;
pub use failure::{Failure, FailureKind, Violation};
pub use id::{Cause, CorrelationId, EventId, JobId, MalformedCause, WorkerId};
pub use job::{Job, JobKind};
pub use job_spec::JobSpec;
pub use job_state::{JobState, Transition, UnknownState};
pub use json::Json;
pub use key::Key;
pub use retry::Retry;
pub use seed::{ContextSeed, Identity};
pub use source::Source;
pub use step::{Step, UnknownStep};
pub use trace::{MalformedTrace, TraceContext};
