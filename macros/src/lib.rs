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
//! # Where `enact` has another name
//!
//! What is generated names `::enact`. A crate that depends on it as `framework = { package = "enact", … }` says so once,
//! `extern crate framework as enact;` at its root; or below the attribute of an item, `#[enact(crate = "::framework")]`, which
//! can name a module, too, that re-exports all of `enact`.
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
mod signature;
mod snake_case;
#[cfg(test)]
mod snapshots;
mod strategy;
mod suggestion;
mod value;

use proc_macro::TokenStream;

/// On a struct, declares a command; on an async function, declares the one handler of the command that it takes first.
///
/// # On a struct
///
/// The struct has named fields (or none: `struct Ping {}`) and no generic parameters.
///
/// | option | value | default |
/// |---|---|---|
/// | `target` | the field that holds the id of the entity that the command acts on | the command has no target |
/// | `idempotency_key` | the field by which the same request is known again (r25) | none |
/// | `order_by` | the field that names the lane: published commands of one lane run one at a time, in order (r26) | no order |
/// | `name` | what the command is called in the store and in JSON (r52) | the struct's name |
/// | `alias` | what it was called before, `"…"` or `["…", "…"]`: jobs and requests of these names are its own (r52) | none |
/// | `remote` | a word: another program on the same store handles it (r04); `publish` and `execute` leave it to that one | this program handles it |
/// | `output` | with `remote`: the type that the other program's handler returns | `serde_json::Value` |
///
/// A field of `target`, `idempotency_key` or `order_by` that is `null` in JSON (an `Option` that is `None`) stands for
/// "none".
///
/// ```ignore
/// /// Take money out of an account.
/// #[command(target = account)]
/// pub struct Withdraw {
///     pub account: AccountId,
///     /// How much, in cents.
///     #[schemars(range(min = 1, max = 100_000_000))]
///     pub cents: i64,
/// }
/// ```
///
/// It derives serde's `Serialize` and `Deserialize` and schemars' `JsonSchema`, refusing unknown fields, and implements
/// `enact::Command` with `enact::Targeted` or `enact::Untargeted`. Doc comments and `#[schemars(…)]` constraints become
/// part of the schema, by which every command is validated.
///
/// # On a function
///
/// The function is free, `async` and without generic parameters. It takes the command by value, and after it, in any order:
/// at most one `&mut Entity`, the entity that the command targets; and whatever can be drawn from the context
/// (`enact::FromContext`). It returns `()` or a `Result` (`enact::IntoOutcome`). It stays an ordinary function, to be
/// called in unit tests.
///
/// | option | value | default |
/// |---|---|---|
/// | `create` | `never`, `always` or `if_missing`: how the entity is come by (r12). The latter two need `impl From<&Command> for Entity` | `never` |
/// | `retry` | an expression of type `Retry`: when a failed attempt is followed by another (r22) | `Retry::none()` |
/// | `timeout` | an expression of type `Duration`: how long an attempt may take before its commit; then it is dropped and fails with `TimedOut` | as long as it likes |
/// | `stateless` | a word: the handler binds no entity, although its command has a target (r13) | the entity is bound |
///
/// ```ignore
/// #[command(create = never, retry = Retry::exponential(5, Duration::from_millis(100)))]
/// async fn withdraw(withdrawal: Withdraw, account: &mut Account, clock: Arc<dyn Clock>) -> Result<(), WithdrawError> {
///     account.balance_cents -= withdrawal.cents;
///     Ok(())
/// }
/// ```
///
/// It implements `enact::HasOneHandler` for the command, and `enact::EntityHandler` or `enact::CommandHandler` for a type of
/// its own.
///
/// # Errors
///
/// The compiler refuses: a command without a handler where it is published or executed, and one with two; a handler that
/// binds an entity although the command has no target, or none although it has one; two entities; a parameter that cannot
/// be drawn; a creation policy that lacks its `From`; an option that is unknown, given twice or on the wrong item, and a
/// field that does not exist; a handler that is generic, a method, or not `async`.
#[proc_macro_attribute]
pub fn command(args: TokenStream, item: TokenStream) -> TokenStream {
    command::expand(args.into(), item.into()).into()
}

/// Declares an event: a fact that has occurred (r03).
///
/// The struct has named fields (or none) and no generic parameters.
///
/// | option | value | default |
/// |---|---|---|
/// | `name` | what the event is called in the store and in JSON (r52) | the struct's name |
///
/// ```ignore
/// /// Money has left an account.
/// #[event]
/// pub struct MoneyWithdrawn {
///     pub account: AccountId,
///     pub cents: i64,
/// }
/// ```
///
/// It derives serde's `Serialize` and `Deserialize` and schemars' `JsonSchema`, ignoring unknown fields (r11), and
/// implements `enact::Event`, and `enact::InvariantScope` for every entity: an invariant may be checked when the event is
/// emitted.
///
/// # Errors
///
/// The compiler refuses: an event of another shape, and an option that is unknown or given twice.
#[proc_macro_attribute]
pub fn event(args: TokenStream, item: TokenStream) -> TokenStream {
    event::expand(args.into(), item.into()).into()
}

/// Declares an entity: a thing with an identity, which commands act on.
///
/// The struct has named fields and no generic parameters.
///
/// | option | value | default |
/// |---|---|---|
/// | `id` | the field that holds its identity | the field `id` |
/// | `name` | what the entity is called in the store (r52) | the struct's name |
///
/// ```ignore
/// #[entity(id = number)]
/// pub struct Account {
///     pub number: AccountId,
///     pub balance_cents: i64,
/// }
/// ```
///
/// It derives serde's `Serialize` and `Deserialize`, and implements `enact::Entity`. It has a JSON Schema if it asks for one
/// with a `#[schemars(…)]` or a derive.
///
/// # Errors
///
/// The compiler refuses: an entity of another shape or without an identity, and an option that is unknown or given twice.
#[proc_macro_attribute]
pub fn entity(args: TokenStream, item: TokenStream) -> TokenStream {
    entity::expand(args.into(), item.into()).into()
}

/// Declares a type of the fields of commands, events and entities. On a struct or an enum; it has no options.
///
/// ```ignore
/// #[value]
/// #[derive(Clone, PartialEq, Eq)]
/// pub struct AccountId(String);
/// ```
///
/// It derives serde's `Serialize` and `Deserialize` and schemars' `JsonSchema`, and nothing else. As ever in serde, a struct
/// around one unnamed field is written as that field.
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
/// drawn from the context (`enact::FromContext`). It returns `()` or `Result<(), _>`.
///
/// | option | value | default |
/// |---|---|---|
/// | `retry` | an expression of type `Retry`: when a failed attempt is followed by another (r22) | `Retry::none()` |
/// | `timeout` | an expression of type `Duration`: how long an attempt may take before its commit; then it is dropped and fails with `TimedOut` | as long as it likes |
/// | `name` | what its jobs are called in the store (r52) | the function's name |
/// | `alias` | what its jobs were called before, `"…"` or `["…", "…"]` (r52) | none |
///
/// ```ignore
/// #[event_handler(retry = Retry::exponential(10, Duration::from_secs(1)))]
/// async fn notify_holder(event: MoneyWithdrawn, mailer: Arc<dyn Mailer>) -> Result<(), MailError> {
///     mailer.send(&event).await
/// }
/// ```
///
/// It implements `enact::EventHandler` for a type of its own.
///
/// # Errors
///
/// The compiler refuses: a first parameter that is no event; one that cannot be drawn; a reference; an option that is
/// unknown, given twice or on the wrong item; a handler that is generic, a method, or not `async`.
#[proc_macro_attribute]
pub fn event_handler(args: TokenStream, item: TokenStream) -> TokenStream {
    event_handler::expand(args.into(), item.into()).into()
}

/// Declares what must hold of an entity (r16).
///
/// The function takes the entity by `&`, and with `when` optionally what that names, by `&` too. It returns `bool`, or
/// `Result<(), impl Display>` to say more particularly what does not hold.
///
/// | option | value | default |
/// |---|---|---|
/// | `when` | a command whose handler binds the entity: checked before that handler. Or an event: checked when it is emitted | checked at the end of every execution that writes the entity |
/// | `code` | what it is, for code | the function's name |
/// | `message` | what it says, for people | the first paragraph of the doc comment |
///
/// ```ignore
/// /// The account holds at least what is taken out.
/// #[invariant(when = Withdraw)]
/// fn covered(account: &Account, withdrawal: &Withdraw) -> bool {
///     withdrawal.cents <= account.balance_cents
/// }
/// ```
///
/// It implements `enact::Invariant` for a type of its own.
///
/// # Errors
///
/// The compiler refuses: a `when` that is neither an event nor a command that binds the entity; a second parameter of
/// another type than `when`; an invariant that could change the entity or wait, that returns nothing, or that has neither
/// doc comment nor message; an option that is unknown or given twice.
#[proc_macro_attribute]
pub fn invariant(args: TokenStream, item: TokenStream) -> TokenStream {
    invariant::expand(args.into(), item.into()).into()
}

/// On a trait, declares a strategy: something that there are several ways to do (r40). On an `impl` of it, declares one of
/// the ways; on a function, the policy that chooses one for each execution.
///
/// ```ignore
/// /// How suspicious a withdrawal is.
/// #[strategy]
/// pub trait FraudAssessment {
///     async fn assess(&self, withdrawal: &Withdraw, account: &Account) -> Verdict;
/// }
///
/// #[strategy(variant)]
/// impl FraudAssessment for AmountLimit {
///     async fn assess(&self, withdrawal: &Withdraw, account: &Account) -> Verdict { … }
/// }
///
/// #[strategy(policy)]
/// fn fraud_policy(context: &ExecutionContext, flags: Arc<dyn FeatureFlags>) -> Box<dyn FraudAssessment> {
///     if flags.is_on("vendor_x", context.tenant()) { Box::new(VendorX) } else { Box::new(AmountLimit { cents: 1_000_000 }) }
/// }
/// ```
///
/// A handler takes it as a parameter, `fraud: Box<dyn FraudAssessment>`; deeper below it is drawn,
/// `context().draw::<Box<dyn FraudAssessment>>()?`. Either way the variant stands on the record of the attempt.
///
/// # On a trait
///
/// | option | value | default |
/// |---|---|---|
/// | `name` | what the strategy is called on the record of an attempt (r21) | the trait's name |
///
/// The methods take `&self`, may be `async`, and may have references as parameters; the trait and its methods have no
/// generic parameters. `Send` and `Sync` become supertraits, and so does `enact::strategy::AnyVariant`, so that nothing
/// implements the trait without being declared. It implements `enact::Strategy` for the `dyn Trait`. Async methods return a
/// boxed future, as by `#[async_trait]`.
///
/// # On an `impl`: `#[strategy(variant)]`
///
/// | option | value | default |
/// |---|---|---|
/// | `name` | what the variant is called on the record of an attempt (r21) | the type's name in snake case |
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
/// | option | value | default |
/// |---|---|---|
/// | `code` | what it is, for code | the name of the variant or of the struct, in snake case: `vendor_down` |
/// | `permanent` | a word: it is never retried, whatever the policy | the enum's word, or `retry` |
/// | `retry` | a word: it is retried if the handler has a policy | the enum's word, or `retry` |
/// | `transparent` | a word: it is what its one field says, whose type has this derive too | it speaks for itself |
///
/// On the enum, `#[failure(permanent)]` or `#[failure(retry)]` is the default of its variants.
///
/// ```ignore
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
