//! The cases, grouped by the operation that they exercise: a key that pruning frees is in `prune`. A case is named after the behaviour and, where there is one, the rule that it
//! comes from ([r01…][rules]). It panics if the store does not show the behaviour.
//!
//! [rules]: https://docs.rs/enact/latest/enact/rules/
#![allow(
    missing_docs,
    clippy::missing_panics_doc,
    reason = "a case's name is a sentence, and a case fails by a panic"
)]

pub mod cancel;
pub mod claim;
pub mod commit;
pub mod events;
pub mod fidelity;
pub mod holds;
pub mod idempotency;
pub mod lanes;
pub mod leases;
pub mod limits;
pub mod links;
pub mod pairwise_races;
pub mod predecessors;
pub mod priorities;
pub mod prune;
pub mod queries;
pub mod races;
pub mod reopen;
pub mod retry;
pub mod states;
pub mod submit;
pub mod ticks;
pub mod turns;
