//! The guide: one shop that grows, chapter by chapter. There is nothing in here but text.
//!
//! | chapter | tells |
//! |---|---|
//! | [First domain](first_domain) | a whole program in ten minutes, and what becomes of a command |
//! | [Entities](entities) | identity, how an entity begins, reading others |
//! | [Invariants](invariants) | what must hold, when it is checked, what is answered |
//! | [Events](events) | facts, their handlers, and workflows over several entities |
//! | [Strategies](strategies) | several ways to do something, and who chooses |
//! | [Context](context) | who asks, what crosses into jobs, what a handler can be given |
//! | [Failures](failures) | what goes wrong, what is tried again, and the same request twice |
//! | [Jobs](jobs) | order, time, queues, what recurs, and what an operator can do |
//! | [Testing](testing) | given, when, then; with time, faults and order in hand |
//!
//! Rules are cited by number (r12) where a chapter leans on one; the tests of this crate are named after the same numbers.

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
