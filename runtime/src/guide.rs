//! The guide: nine chapters on one growing example, a shop. This module contains only text.
//!
//! | chapter | topic |
//! |---|---|
//! | [First domain](first_domain) | a complete program, and the lifecycle of a command |
//! | [Entities](entities) | identity, creation policies, reading other entities |
//! | [Invariants](invariants) | conditions on entities, and when they are checked |
//! | [Events](events) | facts, their handlers, and workflows over several entities |
//! | [Strategies](strategies) | several implementations, and the policy that chooses |
//! | [Context](context) | identity, tenant, propagation into jobs, parameters of handlers |
//! | [Failures](failures) | errors, retries, time limits, idempotency |
//! | [Jobs](jobs) | order, time, queues, recurring commands, operation |
//! | [Testing](testing) | the test kit: given, when, then; time, faults and order |
//!
//! The chapters link to the [rules](crate::rules) that they rely on. Tests are named after the numbers of the rules.

#[doc = include_str!("../docs/guide/first_domain.md")]
pub mod first_domain {}

#[doc = include_str!("../docs/guide/entities.md")]
pub mod entities {}

#[doc = include_str!("../docs/guide/invariants.md")]
pub mod invariants {}

#[doc = include_str!("../docs/guide/events.md")]
pub mod events {}

#[doc = include_str!("../docs/guide/strategies.md")]
pub mod strategies {}

#[doc = include_str!("../docs/guide/context.md")]
pub mod context {}

#[doc = include_str!("../docs/guide/failures.md")]
pub mod failures {}

#[doc = include_str!("../docs/guide/jobs.md")]
pub mod jobs {}

#[doc = include_str!("../docs/guide/testing.md")]
pub mod testing {}
