//! The functions of a domain: handlers, invariants and strategies.

pub(crate) mod call;
pub(crate) mod erased;
mod handlers;
pub mod invariant;
mod outcome;
pub mod strategy;

pub use handlers::{CommandHandler, DEFAULT_QUEUE, EntityHandler, EventHandler};
pub(crate) use invariant::Verdict;
pub use invariant::{Always, Invariant, InvariantScope};
pub use outcome::{HandlerError, IntoOutcome};
pub use strategy::{HasOnePolicy, Strategy, Variant};
