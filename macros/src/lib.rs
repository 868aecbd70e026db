//! The attributes of [enact](https://docs.rs/enact).
//!
//! They are re-exported by `enact`, which is the crate to depend on: what they generate names items of exactly that
//! version of it. An attribute holds no policy. Each generates what could be written by hand: implementations of
//! `enact`'s public traits, and one `enact::register!` by which `start()` finds them.
//!
//! What is wrong in an item is reported all at once, and the item itself is left in place, so that one mistake is one
//! error. What only the compiler can know (whether a type is an entity, say) is left to the bounds of the traits, which
//! say in their errors what to write.
//!
//! | attribute | on | declares |
//! |---|---|---|
//! | [`#[command]`](macro@command) | a struct | a command |
//! | [`#[command]`](macro@command) | an async function | the handler of a command |
//! | [`#[event]`](macro@event) | a struct | an event |
//! | [`#[event_handler]`](macro@event_handler) | an async function | a handler of an event |
//! | [`#[entity]`](macro@entity) | a struct | an entity |
//! | [`#[value]`](macro@value) | a struct or an enum | a type of their fields |
//! | [`#[invariant]`](macro@invariant) | a function | what must hold of an entity |
//! | [`#[strategy]`](macro@strategy) | a trait, its implementations, a function | what there are several ways to do, and who chooses |
//! | [`#[derive(Failure)]`](derive@Failure) | an error type | what its failures are called, and which of them a retry cannot help |
//!
//! Write `#[derive(…)]`s below these attributes: one that stands above is out of their sight.
//!
//! # Where the crate has another name
//!
//! Expansions reach the runtime as `::enact`. A crate that depends on it as `framework = { package = "enact", … }` says so
//! once, `extern crate framework as enact;` at its root. Or each item says so, by a helper attribute below its own, which all
//! attributes and the derive know; it can also name a module that re-exports all of `enact`:
//!
//! | option of `#[enact(…)]` | value | default | |
//! |---|---|---|---|
//! | `crate` | a path, as text | `"::enact"` | where the runtime crate is |
//!
//! ```standalone_crate
//! extern crate enact as rules; // in Cargo.toml: rules = { package = "enact", version = "…" }
//! use rules::prelude::*;
//!
//! /// Is anybody there?
//! #[command]
//! #[enact(crate = "::rules")]
//! struct Ping {}
//!
//! #[command]
//! #[enact(crate = "::rules")]
//! async fn ping(_ping: Ping) {}
//! # fn main() {}
//! ```
#![forbid(unsafe_code)]

mod command;
mod constructs;
mod crate_path;
mod derives;
mod docs;
mod entity;
mod errors;
mod event;
mod event_handler;
mod expansion;
mod failure;
mod invariant;
mod item;
mod options;
mod record;
mod schedule;
mod settings;
mod signature;
mod snake_case;
#[cfg(test)]
mod snapshots;
mod strategy;
mod value;

use proc_macro::TokenStream;

/// On a struct, declares a command; on an async function, declares the one handler of the command that it takes first.
///
/// # On a struct
///
/// The struct has named fields (or none: `struct Ping {}`) and no generic parameters.
///
/// | option | value | default | |
/// |---|---|---|---|
/// | `target` | a field | the command has no target | holds the id of the entity that the command acts on |
/// | `idempotency_key` | a field | none | by which the same request is known again (r25) |
/// | `order_by` | a field | no order | names the lane: published commands of one lane run one at a time, in order (r26) |
/// | `name` | `"…"` | the struct's name | what the command is called in the store and in JSON (r52) |
/// | `alias` | `"…"`, or `["…", "…"]` | none | what it was called before: jobs and requests of these names are its own (r52) |
/// | `remote` | a word | this program handles it | another program on the same store handles it (r04): `publish` and `execute` leave it to that one |
/// | `output` | a type | `serde_json::Value` | with `remote`: what the other program's handler returns |
///
/// A field of `target`, `idempotency_key` or `order_by` that is `null` in JSON (an `Option` that is `None`) stands for
/// "none".
///
/// ```
/// use enact::prelude::*;
///
/// /// What an account is known by.
/// #[value]
/// pub struct AccountId(String);
///
/// /// Take money out of an account.
/// #[command(target = account, order_by = account, idempotency_key = request)]
/// pub struct Withdraw {
///     pub account: AccountId,
///     /// How much, in cents.
///     #[schemars(range(min = 1, max = 100_000_000))]
///     pub cents: i64,
///     /// The till's number of the request.
///     pub request: Option<String>,
/// }
///
/// /// Print a statement. The program beside the printer does it, and answers with the number of pages.
/// #[command(remote, output = u32)]
/// pub struct PrintStatement {
///     pub account: AccountId,
/// }
/// # async fn remote_ones_are_published_as_any_other(bank: Runtime) -> Result<u32, Failure> {
/// #     bank.execute(PrintStatement { account: AccountId(String::new()) }).await
/// # }
/// ```
///
/// It derives serde's `Serialize` and `Deserialize` and schemars' `JsonSchema`, as far as you have not, refusing unknown
/// fields, and implements `enact::Command` with `enact::Targeted` or `enact::Untargeted`. Doc comments and
/// `#[schemars(…)]` constraints become part of the schema, by which every command is validated (r11). A `remote` command
/// gets `enact::HasOneHandler` as well; of any other the handler implements it.
///
/// # On a function
///
/// The function is free, `async` and without generic parameters. It takes the command by value, and after it, in any order:
/// at most one `&mut Entity`, the entity that the command targets; and whatever can be drawn from the context
/// (`enact::FromContext`). It returns `()` or a `Result` (`enact::IntoOutcome`). It stays an ordinary function, to be
/// called in unit tests. It stands in the crate of its command.
///
/// | option | value | default | |
/// |---|---|---|---|
/// | `create` | `never`, `always` or `if_missing` | `never` | how the entity is come by (r12); the latter two need `impl From<&Command> for Entity` |
/// | `retry` | an expression of type `Retry` | `Retry::none()` | when a failed attempt is followed by another (r22) |
/// | `timeout` | an expression of type `Duration` | as long as it likes | how long an attempt may take before its commit; then it is dropped and fails with `TimedOut` |
/// | `queue` | `"…"` | `"default"` | the queue that its jobs are in: each process says by `RuntimeBuilder::queue` how many jobs of it run at a time (r26) |
/// | `every` | an expression of type `Duration` | it does not recur | the command recurs by itself, at the multiples of this period since 1970 in UTC; a second at least |
/// | `cron` | `"…"` | it does not recur | it recurs at the times of a cron pattern, `minute hour day-of-month month day-of-week`: in UTC, unless a time zone stands behind it, as in `"0 3 * * * Europe/Zurich"` |
/// | `missed` | an expression of type `Missed` | `Missed::Once` | with `every` or `cron`: what becomes of the times that came while no process ran: none, the latest one, or each of them runs |
/// | `stateless` | a word | the entity is bound | the handler binds no entity, although its command has a target (r13) |
///
/// ```
/// # use enact::prelude::*;
/// # /// An account.
/// # #[entity]
/// # pub struct Account { pub id: String, pub balance_cents: i64 }
/// # /// Take money out of an account.
/// # #[command(target = account)]
/// # pub struct Withdraw { pub account: String, pub cents: i64 }
/// # pub trait Limits: Send + Sync { fn allow(&self, cents: i64) -> bool; }
/// #[command(
///     create = never,
///     retry = Retry::exponential(5, Duration::from_millis(100)),
///     timeout = Duration::from_secs(5),
/// )]
/// async fn withdraw(
///     withdrawal: Withdraw,
///     account: &mut Account,
///     limits: Arc<dyn Limits>,
/// ) -> Result<i64, Failure> {
///     if !limits.allow(withdrawal.cents) {
///         return Err(Failure::denied("this is above your limit"));
///     }
///     account.balance_cents -= withdrawal.cents;
///     Ok(account.balance_cents)
/// }
/// ```
///
/// A command that recurs begins as its `From<Tick>` says. However many processes share a store, each tick is one job, which is
/// on record as any other:
///
/// ```
/// use enact::prelude::*;
///
/// /// Send the reminders that are due by then.
/// #[command]
/// pub struct SendReminders {
///     pub due_by: String,
/// }
///
/// impl From<Tick> for SendReminders {
///     fn from(tick: Tick) -> Self {
///         SendReminders { due_by: tick.scheduled_at().to_string() }
///     }
/// }
///
/// #[command(every = Duration::from_secs(60), queue = "mail")]
/// async fn send_reminders(reminders: SendReminders) {
///     // …
/// }
///
/// /// Charge the fees of a day.
/// #[command]
/// pub struct ChargeFees {
///     pub day: String,
/// }
///
/// impl From<Tick> for ChargeFees {
///     fn from(tick: Tick) -> Self {
///         ChargeFees { day: tick.scheduled_at().strftime("%F").to_string() }
///     }
/// }
///
/// // After three days without a process, the fees of all three are charged.
/// #[command(cron = "55 23 * * *", missed = Missed::All)]
/// async fn charge_fees(fees: ChargeFees) {
///     // …
/// }
/// ```
///
/// It implements `enact::HasOneHandler` for the command, and `enact::EntityHandler` or `enact::CommandHandler` for a type of
/// its own. The function itself is left as it is.
///
/// # Errors
///
/// The compiler refuses: a command without a handler where it is published or executed, and one with two; a handler that
/// binds an entity although the command has no target, or none although it has one; two entities; an entity whose id is of
/// another type than the target; a parameter that cannot be drawn; a return type that is no outcome; a creation policy that
/// lacks its `From`, or its entity; a schedule that lacks its `From<Tick>`; `every` beside `cron`, and `missed` without
/// either; `stateless` beside an entity; `output` without `remote`; an option that is unknown,
/// given twice or on the wrong item, and a field that does not exist; a command of another shape; a handler that is
/// generic, a method, or not `async`.
#[proc_macro_attribute]
pub fn command(args: TokenStream, item: TokenStream) -> TokenStream {
    command::expand(args.into(), item.into()).into()
}

/// Declares an event: a fact that has occurred (r03).
///
/// The struct has named fields (or none) and no generic parameters.
///
/// | option | value | default | |
/// |---|---|---|---|
/// | `name` | `"…"` | the struct's name | what the event is called in the store and in JSON (r52) |
///
/// ```
/// use enact::prelude::*;
///
/// /// Money has left an account.
/// #[event]
/// pub struct MoneyWithdrawn {
///     pub account: String,
///     pub cents: i64,
/// }
/// ```
///
/// It derives serde's `Serialize` and `Deserialize` and schemars' `JsonSchema`, as far as you have not, ignoring unknown
/// fields (r11), and implements `enact::Event`, and `enact::InvariantScope` for every entity: an invariant may be checked
/// when the event is emitted.
///
/// # Errors
///
/// The compiler refuses: an event of another shape, and an option that is unknown, given twice or on the wrong item.
#[proc_macro_attribute]
pub fn event(args: TokenStream, item: TokenStream) -> TokenStream {
    event::expand(args.into(), item.into()).into()
}

/// Declares an entity: a thing with an identity, which commands act on.
///
/// The struct has named fields and no generic parameters.
///
/// | option | value | default | |
/// |---|---|---|---|
/// | `id` | a field | the field `id` | holds its identity, which never changes |
/// | `name` | `"…"` | the struct's name | what the entity is called in the store (r52) |
///
/// ```
/// use enact::prelude::*;
///
/// /// A bank account.
/// #[entity(id = number, name = "account")]
/// pub struct Account {
///     pub number: u64,
///     pub balance_cents: i64,
///     /// Accounts from before it was asked for have none.
///     #[serde(default)]
///     pub holder: Option<String>,
/// }
/// ```
///
/// It derives serde's `Serialize` and `Deserialize`, as far as you have not, and implements `enact::Entity`. It has a JSON
/// Schema if it asks for one with a `#[schemars(…)]` or a derive.
///
/// # Errors
///
/// The compiler refuses: an entity of another shape or without an identity, and an option that is unknown, given twice or
/// on the wrong item.
#[proc_macro_attribute]
pub fn entity(args: TokenStream, item: TokenStream) -> TokenStream {
    entity::expand(args.into(), item.into()).into()
}

/// Declares a type of the fields of commands, events and entities. On a struct or an enum; it has no options.
///
/// ```
/// use enact::prelude::*;
///
/// #[value]
/// #[derive(Clone, PartialEq, Eq)]
/// pub struct AccountId(String);
///
/// #[value]
/// #[serde(rename_all = "snake_case")]
/// pub enum Standing {
///     Good,
///     Frozen { until: String },
/// }
/// ```
///
/// It derives serde's `Serialize` and `Deserialize` and schemars' `JsonSchema`, as far as you have not, and nothing else. As
/// ever in serde, a struct around one unnamed field is written as that field.
///
/// # Errors
///
/// The compiler refuses it on a union, and with options.
#[proc_macro_attribute]
pub fn value(args: TokenStream, item: TokenStream) -> TokenStream {
    value::expand(args.into(), item.into()).into()
}

/// Declares a handler of an event: one of any number (r03).
///
/// The function is free, `async` and without generic parameters. It takes the event by value, and after it whatever can be
/// drawn from the context (`enact::FromContext`). It returns `()` or `Result<(), _>`. It may stand in any crate.
///
/// | option | value | default | |
/// |---|---|---|---|
/// | `retry` | an expression of type `Retry` | `Retry::none()` | when a failed attempt is followed by another (r22) |
/// | `timeout` | an expression of type `Duration` | as long as it likes | how long an attempt may take before its commit; then it is dropped and fails with `TimedOut` |
/// | `queue` | `"…"` | `"default"` | the queue that its jobs are in: each process says by `RuntimeBuilder::queue` how many jobs of it run at a time (r26) |
/// | `name` | `"…"` | the function's name | what its jobs are called in the store (r52) |
/// | `alias` | `"…"`, or `["…", "…"]` | none | what its jobs were called before (r52) |
///
/// ```
/// # use enact::prelude::*;
/// # /// Money has left an account.
/// # #[event]
/// # pub struct MoneyWithdrawn { pub account: String, pub cents: i64 }
/// # pub trait Mailer: Send + Sync { fn send(&self, event: &MoneyWithdrawn) -> Result<(), std::io::Error>; }
/// #[event_handler(
///     retry = Retry::exponential(10, Duration::from_secs(1)),
///     timeout = Duration::from_secs(30),
///     alias = "mail_holder",
/// )]
/// async fn notify_holder(event: MoneyWithdrawn, mailer: Arc<dyn Mailer>) -> Result<(), std::io::Error> {
///     mailer.send(&event)
/// }
/// ```
///
/// It implements `enact::EventHandler` for a type of its own. The function itself is left as it is.
///
/// # Errors
///
/// The compiler refuses: a first parameter that is no event; one that cannot be drawn; a reference; a return type that is no
/// outcome; an option that is unknown, given twice or on the wrong item; a handler that is generic, a method, or not
/// `async`.
#[proc_macro_attribute]
pub fn event_handler(args: TokenStream, item: TokenStream) -> TokenStream {
    event_handler::expand(args.into(), item.into()).into()
}

/// Declares what must hold of an entity (r16).
///
/// The function takes the entity by `&`, and with `when` optionally what that names, by `&` too. It returns `bool`, or
/// `Result<(), impl Display>` to say more particularly what does not hold. It may be called as any function.
///
/// | option | value | default | |
/// |---|---|---|---|
/// | `when` | a command whose handler binds the entity | | it is checked before that handler |
/// | | an event | | it is checked at the end of an execution that has emitted one |
/// | | | without `when` | it is checked at the end of every execution that writes the entity |
/// | `code` | `"…"` | the function's name | what it is, for code |
/// | `message` | `"…"` | the first paragraph of the doc comment | what it says, for people |
///
/// ```
/// # use enact::prelude::*;
/// # /// An account.
/// # #[entity]
/// # pub struct Account { pub id: String, pub balance_cents: i64 }
/// # /// Take money out of an account.
/// # #[command(target = account)]
/// # pub struct Withdraw { pub account: String, pub cents: i64 }
/// # #[command]
/// # async fn withdraw(withdrawal: Withdraw, account: &mut Account) { account.balance_cents -= withdrawal.cents; }
/// /// An account is never overdrawn.
/// #[invariant]
/// fn not_overdrawn(account: &Account) -> bool {
///     account.balance_cents >= 0
/// }
///
/// /// The account holds at least what is taken out.
/// #[invariant(when = Withdraw, code = "account.covered")]
/// fn covered(account: &Account, withdrawal: &Withdraw) -> Result<(), String> {
///     let missing = withdrawal.cents - account.balance_cents;
///     if missing > 0 { Err(format!("{missing} cents are missing")) } else { Ok(()) }
/// }
/// ```
///
/// It implements `enact::Invariant` for a type of its own. The function itself is left as it is.
///
/// # Errors
///
/// The compiler refuses: a `when` that is neither an event nor a command that binds the entity; a second parameter of
/// another type than `when`; an invariant that could change the entity or wait, that is generic or a method, that returns
/// nothing or no verdict, or that has neither doc comment nor message; an option that is unknown, given twice or on the
/// wrong item.
#[proc_macro_attribute]
pub fn invariant(args: TokenStream, item: TokenStream) -> TokenStream {
    invariant::expand(args.into(), item.into()).into()
}

/// On a trait, declares a strategy: something that there are several ways to do (r40). On an `impl` of it, declares one of
/// the ways; on a function, the policy that chooses one for each execution.
///
/// ```
/// # use enact::prelude::*;
/// # #[derive(PartialEq)]
/// # pub enum Verdict { Allow, Deny }
/// # /// Take money out of an account.
/// # #[command]
/// # pub struct Withdraw { pub cents: i64 }
/// # pub trait FeatureFlags: Send + Sync { fn is_on(&self, flag: &str, tenant: Option<&str>) -> bool; }
/// /// How suspicious a withdrawal is.
/// #[strategy]
/// pub trait FraudAssessment {
///     async fn assess(&self, withdrawal: &Withdraw) -> Verdict;
/// }
///
/// pub struct AmountLimit { cents: i64 }
///
/// #[strategy(variant)]
/// impl FraudAssessment for AmountLimit {
///     async fn assess(&self, withdrawal: &Withdraw) -> Verdict {
///         if withdrawal.cents > self.cents { Verdict::Deny } else { Verdict::Allow }
///     }
/// }
///
/// pub struct Trusting;
///
/// #[strategy(variant, name = "trust")]
/// impl FraudAssessment for Trusting {
///     async fn assess(&self, _withdrawal: &Withdraw) -> Verdict { Verdict::Allow }
/// }
///
/// #[strategy(policy)]
/// fn fraud_policy(context: &ExecutionContext, flags: Arc<dyn FeatureFlags>) -> Box<dyn FraudAssessment> {
///     if flags.is_on("trust", context.tenant()) { Box::new(Trusting) } else { Box::new(AmountLimit { cents: 1_000_000 }) }
/// }
///
/// #[command]
/// async fn withdraw(withdrawal: Withdraw, fraud: Box<dyn FraudAssessment>) -> Result<(), Failure> {
///     match fraud.assess(&withdrawal).await {
///         Verdict::Allow => Ok(()),
///         Verdict::Deny => Err(Failure::denied("the withdrawal looks like fraud")),
///     }
/// }
/// ```
///
/// A handler takes it as a parameter; deeper below it is drawn, `context().extract::<Box<dyn FraudAssessment>>()?`. Either way
/// the variant stands on the record of the attempt. Trait, variants and policy stand in one crate.
///
/// # On a trait
///
/// | option | value | default | |
/// |---|---|---|---|
/// | `name` | `"…"` | the trait's name | what the strategy is called on the record of an attempt (r21) |
///
/// The methods take `&self`, may be `async`, and may have references as parameters; the trait and its methods have no
/// generic parameters. `Send` and `Sync` become supertraits, and so does `enact::strategy::AnyVariant`, so that nothing
/// implements the trait without being declared. It implements `enact::Strategy` for the `dyn Trait`. Async methods return a
/// boxed future, as by `#[async_trait]`.
///
/// # On an `impl`: `#[strategy(variant)]`
///
/// | option | value | default | |
/// |---|---|---|---|
/// | `name` | `"…"` | the type's name in snake case | what the variant is called on the record of an attempt (r21) |
///
/// It implements `enact::Variant` for the type.
///
/// # On a function: `#[strategy(policy)]`
///
/// The function takes `&ExecutionContext`, and after it whatever else can be drawn from the context; it returns
/// `Box<dyn Trait>`. It stands in the crate of the trait. It has no options, and implements `enact::HasOnePolicy` for the
/// `dyn Trait`.
///
/// # Errors
///
/// The compiler refuses: a strategy with generics, constants or types, or with a method that is generic or takes no `&self`;
/// a variant of what is no strategy, one that is not declared, and two of one name; a policy that is `async`, takes no
/// context or returns no `Box<dyn …>`, and a second one of the same strategy; a strategy that is drawn and has no policy; an
/// option that is unknown, given twice or on the wrong item.
#[proc_macro_attribute]
pub fn strategy(args: TokenStream, item: TokenStream) -> TokenStream {
    strategy::expand(args.into(), item.into()).into()
}

/// Says of an error type which failure each of its cases is: its stable code (r27), and whether a retry can help (r22).
///
/// It goes on an enum or a struct that implements `std::error::Error`, as by `thiserror`, and has no generic parameters.
/// A handler may return the error as it is, or anything that it is a source of: the outermost error in the chain
/// that says which failure it is decides (`enact::Classify`).
///
/// `#[failure(…)]` stands on a variant, or on a struct:
///
/// | option | value | default | |
/// |---|---|---|---|
/// | `code` | `"…"` | the name of the variant or of the struct, in snake case: `vendor_down` | what it is, for code |
/// | `permanent` | a word | the enum's word, or `retry` | it is never retried, whatever the policy |
/// | `retry` | a word | the enum's word, or `retry` | it is retried if the handler has a policy |
/// | `transparent` | a word | it speaks for itself | it is what its one field says, whose type has this derive too |
///
/// On the enum, `#[failure(permanent)]` or `#[failure(retry)]` is the default of its variants.
///
/// ```
/// use enact::prelude::*;
///
/// #[derive(Debug, thiserror::Error, Failure)]
/// enum WithdrawError {
///     #[error("the withdrawal looks like fraud")]
///     #[failure(permanent)]
///     Suspicious,
///
///     #[error("the vendor cannot be reached")]
///     #[failure(code = "vendor_down")]
///     Unreachable { #[source] source: std::io::Error },
///
///     #[error(transparent)]
///     #[failure(transparent)]
///     Vendor(#[from] VendorError),
/// }
///
/// #[derive(Debug, thiserror::Error, Failure)]
/// #[error("the vendor has no such account")]
/// #[failure(permanent, code = "vendor.no_account")]
/// struct VendorError;
/// ```
///
/// It implements `enact::Classify`, and registers the type, by which the runtime finds it among the errors that handlers
/// return.
///
/// # Errors
///
/// The compiler refuses: a type that is no `std::error::Error`; `permanent` beside `retry`; `transparent` beside another
/// option, on a case that has not exactly one field, and over a field whose type does not say which failure it is; two
/// variants of one code; a union; a generic type; an option that is unknown, given twice or on the wrong item.
#[proc_macro_derive(Failure, attributes(failure, enact))]
pub fn failure(item: TokenStream) -> TokenStream {
    failure::expand(item.into()).into()
}
