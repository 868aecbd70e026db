//! Declare a domain; the compiler wires it, the runtime enforces its lifecycle.
//!
//! A domain is plain structs and functions with attributes on them:
//!
//! | attribute | on | says |
//! |---|---|---|
//! | [`#[entity]`](macro@entity) | a struct | a thing with an identity, that commands act on |
//! | [`#[command]`](macro@command) | a struct | a request to do something, with its schema |
//! | [`#[command]`](macro@command) | a function | the one handler of a command |
//! | [`#[event]`](macro@event) | a struct | a fact that has occurred |
//! | [`#[event_handler]`](macro@event_handler) | a function | one of any number of handlers of an event |
//! | [`#[invariant]`](macro@invariant) | a function | what must hold of an entity |
//! | [`#[value]`](macro@value) | a struct or an enum | a type of value used inside the others |
//! | [`#[derive(Failure)]`](derive@Failure) | an error type | what its failures are called, and which of them a retry cannot help |
//!
//! A [`Runtime`] on a [`Store`](store::Store) takes commands and events. Every command and every handling of an event is
//! a [`Job`]: on record before it runs, executed in seven [`Step`]s, committed whole or not at all, and there to be looked
//! at afterwards. Whatever goes wrong is a [`Failure`](struct@Failure) on that record.
//!
//! ```
//! use enact::MemoryStore;
//! use enact::prelude::*;
//!
//! /// A bank account.
//! #[entity]
//! pub struct Account {
//!     pub id: String,
//!     pub balance_cents: i64,
//! }
//!
//! /// Put money into an account.
//! #[command(target = account)]
//! pub struct Deposit {
//!     pub account: String,
//!     /// How much, in cents.
//!     #[schemars(range(min = 1))]
//!     pub cents: i64,
//! }
//!
//! /// The first deposit opens the account.
//! impl From<&Deposit> for Account {
//!     fn from(deposit: &Deposit) -> Self {
//!         Account { id: deposit.account.clone(), balance_cents: 0 }
//!     }
//! }
//!
//! #[command(create = if_missing)]
//! async fn deposit(deposit: Deposit, account: &mut Account) {
//!     account.balance_cents += deposit.cents;
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let bank = Runtime::builder(MemoryStore::new()).start().await?;
//!
//! bank.execute(Deposit { account: "a-1".into(), cents: 10_00 }).await?;
//! let job = bank.publish(Deposit { account: "a-1".into(), cents: 5_00 }).await?;
//! job.outcome().await?;
//! let account = bank.entities::<Account>().get(&"a-1".into()).await?;
//! assert_eq!(account.map(|account| account.balance_cents), Some(15_00));
//!
//! let refused = bank.execute(Deposit { account: "a-1".into(), cents: 0 }).await.unwrap_err();
//! assert_eq!(refused.kind(), FailureKind::Invalid);
//! assert_eq!(refused.violations()[0].pointer(), Some("/cents"));
//!
//! bank.shutdown(Duration::from_secs(10)).await?;
//! # Ok(()) }) }
//! ```
//!
//! Where to go from here: [`Runtime`] for what can be asked of a running domain, [`context`](mod@context) for what a handler
//! can reach, [`Retry`] for what happens after a failure, [`store`] for writing a store.
#![forbid(unsafe_code)]

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

mod attempt;
mod classification;
pub mod clock;
pub mod context;
mod draft;
mod engine;
mod entity;
mod failure;
pub mod guide;
mod handler;
pub mod invariant;
pub mod job;
mod json;
mod key;
mod lifecycle;
mod locks;
pub mod memory;
mod message;
mod plans;
pub mod prelude;
mod publish;
mod reading;
mod registration;
mod retry;
mod runtime;
mod schema;
pub mod store;
pub mod strategy;
pub mod wiring;
mod worker;

pub use classification::{Classification, Classify, ErrorRegistration};
pub use context::{
    ContextSeed, ExecutionContext, FromContext, Identity, Repository, StagedJob, TraceContext, auth, context,
    emit, publish, with_context,
};
pub use enact_macros::{Failure, command, entity, event, event_handler, invariant, strategy, value};
pub use entity::{CreatedFrom, Creation, Entity};
pub use failure::{Failure, FailureKind, Violation};
pub use handler::{CommandHandler, EntityHandler, EventHandler, IntoOutcome, InvariantScope, TargetOf};
pub use invariant::{Always, Invariant};
pub use job::{
    Attempt, Cause, CorrelationId, EventId, Job, JobId, JobKind, JobState, Step, StrategyChoice, WorkerId,
};
pub use json::Json;
pub use key::Key;
pub use memory::MemoryStore;
pub use message::{Command, Event, HasOneHandler, Targeted, Untargeted};
pub use publish::{Execute, JobHandle, Publish};
pub use reading::{Entities, Events, Jobs};
pub use registration::{Registration, Source};
pub use retry::Retry;
pub use runtime::{Runtime, RuntimeBuilder, StartError};
pub use strategy::{HasOnePolicy, Strategy, Variant};
pub use wiring::{Problem, Wiring};
