//! The functions of a domain: handlers, invariants and strategies.

pub(crate) mod call;
pub(crate) mod erased;
mod handlers;
pub mod invariant;
mod outcome;
mod settings;
pub mod strategy;

pub use handlers::{CommandHandler, EntityHandler, EventHandler, Handler};
pub(crate) use invariant::Verdict;
pub use invariant::{Always, Invariant, InvariantScope};
pub use outcome::{HandlerError, IntoOutcome};
pub(crate) use settings::optional_millis;
pub use settings::{DEFAULT_QUEUE, HandlerSettings};
pub use strategy::{HasOnePolicy, Strategy, Variant};
