//! Declare a domain; the compiler wires it, the runtime enforces its lifecycle.
//!
//! enact is for business back ends: money, orders, care, logistics. You write a domain as plain structs and functions,
//! and put attributes on them. The compiler refuses what does not fit together. A [`Runtime`] on a database then takes
//! commands, and every command and every handling of an event is a [`Job`]: on record before it runs, executed in seven
//! [`Step`]s, committed whole or not at all, tried again where that is asked for, and there to be looked at afterwards.
//!
//! # A smallest program
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
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let bank = Runtime::builder(MemoryStore::new()).start().await?;
//!
//!     // Run now, and wait for the end.
//!     bank.execute(Deposit { account: "a-1".into(), cents: 10_00 }).await?;
//!
//!     // Hand off: answers when the job is on record.
//!     let job = bank.publish(Deposit { account: "a-1".into(), cents: 5_00 }).await?;
//!     job.outcome().await?;
//!     let account = bank.entities::<Account>().get(&"a-1".into()).await?;
//!     assert_eq!(account.map(|account| account.balance_cents), Some(15_00));
//!
//!     // What the schema refuses becomes no job.
//!     let refused = bank.execute(Deposit { account: "a-1".into(), cents: 0 }).await.unwrap_err();
//!     assert_eq!(refused.kind(), FailureKind::Invalid);
//!     assert_eq!(refused.violations()[0].pointer(), Some("/cents"));
//!
//!     bank.shutdown(Duration::from_secs(10)).await?;
//!     Ok(())
//! }
//! ```
//!
//! [`MemoryStore`] forgets everything with the process; `SqliteStore` of the crate `enact-sqlite` keeps it in a file.
//! The [guide] begins with a program like this one and goes on from there.
//!
//! # The attributes
//!
//! | attribute | on | says |
//! |---|---|---|
//! | [`#[entity]`](macro@entity) | a struct | a thing with an identity, that commands act on |
//! | [`#[command]`](macro@command) | a struct | a request to do something, with its schema |
//! | [`#[command]`](macro@command) | a function | the one handler of a command |
//! | [`#[event]`](macro@event) | a struct | a fact that has occurred |
//! | [`#[event_handler]`](macro@event_handler) | a function | one of any number of handlers of an event |
//! | [`#[invariant]`](macro@invariant) | a function | what must hold of an entity |
//! | [`#[strategy]`](macro@strategy) | a trait, its implementations, a function | what there are several ways to do, and who chooses |
//! | [`#[value]`](macro@value) | a struct or an enum | a type of value used inside the others |
//! | [`#[derive(Failure)]`](derive@Failure) | an error type | what its failures are called, and which of them a retry cannot help |
//!
//! Each page has all options, an example, what is generated and what is refused. An attribute generates nothing that
//! could not be written by hand: implementations of [`Entity`], [`Command`], [`EntityHandler`] and their like, and one
//! [`register!`] by which [`start()`](RuntimeBuilder::start) finds them. Where this crate has another name,
//! `#[enact(crate = "…")]` on an item [says so](enact_macros).
//!
//! # Where to read on
//!
//! | to | read |
//! |---|---|
//! | have a first domain running, and know what becomes of a command | [First domain](guide::first_domain) |
//! | say how entities begin, and read others | [Entities](guide::entities) |
//! | say what must hold | [Invariants](guide::invariants) |
//! | react to what has happened, and lead a matter over several entities | [Events](guide::events) |
//! | do something in one of several ways | [Strategies](guide::strategies) |
//! | know who asks, and give handlers what they need | [Context](guide::context) |
//! | fail well, try again, and take a request only once | [Failures](guide::failures) |
//! | say when jobs run, and look after them | [Jobs](guide::jobs) |
//! | test all that | [Testing](guide::testing) |
//!
//! | for | there is |
//! |---|---|
//! | what can be asked of a running domain | [`Runtime`]: [`publish`](Runtime::publish), [`execute`](Runtime::execute), [`emit`](Runtime::emit), [`scope`](Runtime::scope), [`jobs`](Runtime::jobs), [`entities`](Runtime::entities), [`events`](Runtime::events), [`wiring`](Runtime::wiring) |
//! | what it is started with | [`RuntimeBuilder`] |
//! | what has become of a command | [`JobHandle`], [`Job`], [`Attempt`], [`JobState`] |
//! | operating | [`Jobs`]: [`list`](Jobs::list), [`tree`](Jobs::tree), [`retry`](Jobs::retry), [`cancel`](Jobs::cancel), [`prune`](Jobs::prune); [`Retention`] |
//! | below a handler | [`context()`], [`emit`](emit()), [`publish`](publish()), [`Repository`] |
//! | what a boundary knows | [`ContextSeed`], [`Identity`], [`auth`] |
//! | what recurs by itself | [`Tick`], [`Missed`], [`Schedule`] |
//! | parameters of one's own | [`FromContext`] |
//! | what goes wrong | [`Failure`](struct@Failure), [`FailureKind`], [`Retry`] |
//! | what recurs | [`Schedule`], [`Tick`], [`Missed`] |
//! | another database | [`store::Store`], and the suite that every store passes |
//! | tests of a domain | [`testing::TestRuntime`], with its clock in hand, and faults on demand |
//!
//! What is in daily use is in the [`prelude`].
//!
//! # What it does not do
//!
//! One execution writes one entity: there is no transaction over several, and events lead from one to the next. Nothing
//! runs around the record, not in tests either. Nothing is ordered that was not asked to be. Nothing is registered at
//! run time: what is linked is the domain.
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
    ExecutionContext, FromContext, Repository, StagedJob, auth, context, emit, publish, with_context,
};
pub use domain::{
    Command, CreatedFrom, Creation, Entity, Event, HasOneHandler, Missed, Output, Recurring, SameIdentity,
    Schedule, ScheduleSettings, TargetOf, Targeted, Tick, Untargeted,
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
    Failure, FailureKind, Identity, Job, JobContext, JobId, JobKind, JobState, Json, Key, MalformedCause,
    MalformedId, MalformedTrace, Retry, Source, Step, StrategyChoice, TraceContext, Transition, UnknownKind,
    UnknownState, UnknownStep, Violation, WorkerId,
};
pub use register::Registration;
pub use runtime::{
    Entities, Events, Execute, JobHandle, JobTreeNode, Jobs, Publish, Runtime, RuntimeBuilder, StartError,
};
pub use store::memory::{self, MemoryStore};
pub use store::{Cursor, JobCount, JobPage, JobQuery, PageToken, StoredEvent};
pub use wiring::{Problem, Wiring};
