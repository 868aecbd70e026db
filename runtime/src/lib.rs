//! enact is a library for business back ends: declare a domain with attributes on plain structs and functions, and run it
//! with durable jobs.
//!
//! You declare **commands** (requests, each with one handler), **events** (facts, with any number of handlers), **entities**
//! (the state that commands act on), **invariants** (conditions on entities) and **strategies** (interchangeable
//! implementations). The compiler checks that they fit together. A [`Runtime`] executes them on a store: every command and
//! every handling of an event is a [`Job`], which is durable before it runs, is committed in one transaction or not at all,
//! is retried by its policy, and keeps a record of each attempt.
//!
//! # Example
//!
//! ```standalone_crate
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
//!     /// The amount, in cents.
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
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let bank = Runtime::builder(MemoryStore::new()).start().await?;
//!
//!     // Runs the command now, and waits until it has ended.
//!     bank.execute(Deposit { account: "a-1".into(), cents: 10_00 }).await?;
//!
//!     // Returns when the job is durable. A worker runs it.
//!     let job = bank.publish(Deposit { account: "a-1".into(), cents: 5_00 }).await?;
//!     job.outcome().await?;
//!     let account = bank.entities::<Account>().get(&"a-1".into()).await?;
//!     assert_eq!(account.map(|account| account.balance_cents), Some(15_00));
//!
//!     // An invalid command is refused, and becomes no job.
//!     let failure = bank.execute(Deposit { account: "a-1".into(), cents: 0 }).await.unwrap_err();
//!     assert_eq!(failure.kind(), FailureKind::Invalid);
//!     assert_eq!(failure.violations()[0].pointer(), Some("/cents"));
//!
//!     bank.shutdown(Duration::from_secs(10)).await?;
//!     Ok(())
//! }
//! ```
//!
//! [`MemoryStore`] loses its content when the process ends. For a durable store, use `SqliteStore` of the crate
//! `enact-sqlite`.
//!
//! # Attributes
//!
//! | attribute | on | declares |
//! |---|---|---|
//! | [`#[entity]`](macro@entity) | a struct | an object with an identity, on which commands act |
//! | [`#[command]`](macro@command) | a struct | a command and its schema |
//! | [`#[command]`](macro@command) | a function | the handler of a command |
//! | [`#[event]`](macro@event) | a struct | an event and its schema |
//! | [`#[event_handler]`](macro@event_handler) | a function | a handler of an event |
//! | [`#[invariant]`](macro@invariant) | a function | a condition on an entity |
//! | [`#[strategy]`](macro@strategy) | a trait, an `impl`, a function | a strategy, a variant, the policy that chooses |
//! | [`#[value]`](macro@value) | a struct or an enum | a type of field of the others |
//! | [`#[derive(Failure)]`](derive@Failure) | an error type | the codes of its failures, and which are never retried |
//!
//! Each page lists the options, shows an example, and describes what is generated and what is refused. An attribute expands to
//! implementations of public traits ([`Entity`], [`Command`], [`EntityHandler`] and others) and one [`register!`], so all
//! of it can also be written by hand. If this crate is renamed, put [`#[enact(crate = "…")]`](enact_macros) on the items.
//!
//! # Where to find what
//!
//! The [guide] explains each topic on an example. The [rules] state what the runtime guarantees. The [`prelude`] contains
//! what a domain usually needs.
//!
//! | topic | API | guide |
//! |---|---|---|
//! | starting, submitting commands | [`RuntimeBuilder`], [`Runtime`], [`JobHandle`] | [First domain](guide::first_domain) |
//! | entities | [`Entity`], [`Repository`], [`Entities`] | [Entities](guide::entities) |
//! | conditions on entities | [`Invariant`] | [Invariants](guide::invariants) |
//! | events and workflows | [`emit`](emit()), [`publish`](publish()), [`Events`] | [Events](guide::events) |
//! | interchangeable implementations | [`Strategy`], [`Variant`] | [Strategies](guide::strategies) |
//! | identity, tenant, capabilities | [`ContextSeed`], [`context()`], [`FromContext`], [`auth`] | [Context](guide::context) |
//! | errors and retries | [`Failure`](struct@Failure), [`FailureKind`], [`Retry`], [`Classify`] | [Failures](guide::failures) |
//! | recurring commands | [`Schedule`], [`Tick`], [`Missed`], [`Overlap`] | [Jobs](guide::jobs) |
//! | inspecting, retrying and cancelling jobs | [`Jobs`], [`Job`], [`Attempt`], [`Retention`] | [Jobs](guide::jobs) |
//! | the domain as data | [`Wiring`] | [First domain](guide::first_domain) |
//! | tests | [`testing::TestRuntime`] | [Testing](guide::testing) |
//! | stores of your own | [`store::Store`] | |
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `jiff` (default), `chrono`, `rust_decimal`, `url`, `uuid` | the types of that crate as types of fields; `uuid` also converts ids from and to `Uuid` |
//! | `cron` | commands that recur by a cron pattern |
//! | `anyhow` | `anyhow::Error` as the error of a handler, with the classification of the error that it holds |
//! | `testing` | the test kit: turn it on in `[dev-dependencies]` |
//!
//! # Limits
//!
//! An execution writes one entity; to change several, use events. Jobs run in no particular order unless they are ordered
//! explicitly. The domain is fixed at compile time: nothing is registered at run time.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(feature = "testing"),
    allow(
        dead_code,
        unused_imports,
        unreachable_pub,
        reason = "the test kit reaches into the engine and the runtime"
    )
)]
#![forbid(unsafe_code)]

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub mod context;
mod domain;
mod engine;
pub mod guide;
mod handler;
mod model;
pub mod prelude;
mod register;
pub mod rules;
mod runtime;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
pub mod wiring;

pub use context::{
    EntityPage, ExecutionContext, FromContext, Repository, StagedJob, UnreadableEntity, auth, context, emit,
    publish, with_context,
};
pub use domain::{
    Command, CreatedFrom, Creation, Entity, Event, HasOneHandler, Missed, Output, Overlap, Recurring,
    SameIdentity, Schedule, ScheduleSettings, TargetOf, Targeted, Tick, Untargeted,
};
pub use enact_macros::{Failure, command, entity, event, event_handler, invariant, strategy, value};
pub use engine::Retention;
pub use handler::{
    Always, CommandHandler, DEFAULT_QUEUE, EntityHandler, EventHandler, Handler, HandlerError,
    HandlerSettings, HasOnePolicy, IntoOutcome, Invariant, InvariantScope, Strategy, Variant, invariant,
    strategy,
};
#[doc(no_inline)]
pub use jiff;
pub use model::clock::{self, Timestamp};
pub use model::{
    Attempt, Cause, Classification, Classify, ContextSeed, CorrelationId, ErrorRegistration, EventId,
    Failure, FailureKind, Health, HealthPart, HealthProblem, HealthState, Identity, Job, JobContext, JobId,
    JobKind, JobState, Json, Key, MalformedCause, MalformedId, MalformedTrace, Retry, Source, Step,
    StoredName, StrategyChoice, TraceContext, Transition, UnknownKind, UnknownState, UnknownStep, Unreadable,
    Violation, WorkerId,
};
pub use register::Registration;
pub use runtime::{
    Entities, Events, Execute, JobHandle, JobTreeNode, Jobs, Publish, Runtime, RuntimeBuilder, StartError,
};
pub use store::memory::{self, MemoryStore};
pub use store::{Cursor, JobCount, JobPage, JobQuery, MalformedPosition, PageToken, StoredEvent};
pub use wiring::{Problem, Wiring};
