use std::any::Any;
use std::error::Error;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::context::Requirements;
use crate::{Creation, Entity, Event, ExecutionContext, Failure, HasOneHandler, Retry, Schedule, Targeted};

/// The queue of the handlers that name none.
pub const DEFAULT_QUEUE: &str = "default";

/// The handler of a command that binds no entity. `#[command]` on a function implements it.
pub trait CommandHandler: 'static {
    /// The command.
    type Command: HasOneHandler;

    /// The queue that its jobs are in. How many jobs of a queue run at a time is
    /// [for each process to say](crate::RuntimeBuilder::queue). It is looked up when a job is claimed, and is on no record:
    /// jobs that wait move with their handler.
    const QUEUE: &'static str = DEFAULT_QUEUE;

    /// When a failed attempt is followed by another.
    fn retry() -> Retry {
        Retry::none()
    }

    /// How long an attempt may take until its commit begins, by the runtime's clock; `None` as long as it likes. One that
    /// takes longer is dropped, and fails with `TimedOut`.
    fn timeout() -> Option<Duration> {
        None
    }

    /// When the command recurs by itself; `None` if it does not.
    fn schedule() -> Option<Schedule<Self::Command>> {
        None
    }

    /// The names of the types that its text constructs. [`Wiring`](crate::Wiring) takes the events and commands among
    /// them for what the handler emits and publishes.
    const CONSTRUCTS: &'static [&'static str] = &[];

    /// What must be there for the handler's parameters; `start()` checks that it is (r33).
    fn requires(needs: &mut Requirements) {
        let _ = needs;
    }

    /// Handles the command.
    fn handle(
        command: Self::Command,
        context: &ExecutionContext,
    ) -> impl Future<Output = Result<<Self::Command as HasOneHandler>::Output, Failure>> + Send;
}

/// The handler of a command that binds its target. `#[command]` on a function with a `&mut` entity implements it.
pub trait EntityHandler: 'static {
    /// The command.
    type Command: HasOneHandler;

    /// The entity that the command targets.
    type Entity: TargetOf<Self::Command>;

    /// How the entity is come by.
    fn creation() -> Creation<Self::Command, Self::Entity> {
        Creation::Never
    }

    /// The queue that its jobs are in. How many jobs of a queue run at a time is
    /// [for each process to say](crate::RuntimeBuilder::queue). It is looked up when a job is claimed, and is on no record:
    /// jobs that wait move with their handler.
    const QUEUE: &'static str = DEFAULT_QUEUE;

    /// When a failed attempt is followed by another.
    fn retry() -> Retry {
        Retry::none()
    }

    /// How long an attempt may take until its commit begins, by the runtime's clock; `None` as long as it likes. One that
    /// takes longer is dropped, and fails with `TimedOut`.
    fn timeout() -> Option<Duration> {
        None
    }

    /// When the command recurs by itself; `None` if it does not.
    fn schedule() -> Option<Schedule<Self::Command>> {
        None
    }

    /// The names of the types that its text constructs. [`Wiring`](crate::Wiring) takes the events and commands among
    /// them for what the handler emits and publishes.
    const CONSTRUCTS: &'static [&'static str] = &[];

    /// What must be there for the handler's parameters; `start()` checks that it is (r33).
    fn requires(needs: &mut Requirements) {
        let _ = needs;
    }

    /// Handles the command. What it does to `entity` is committed if it returns `Ok` and the invariants hold.
    fn handle(
        command: Self::Command,
        entity: &mut Self::Entity,
        context: &ExecutionContext,
    ) -> impl Future<Output = Result<<Self::Command as HasOneHandler>::Output, Failure>> + Send;
}

/// An entity that the command `C` targets: every one whose identity is of the type of the command's target.
pub trait TargetOf<C>: Entity {}

impl<C, E> TargetOf<C> for E
where
    C: Targeted<Id: SameIdentity<E::Id>>,
    E: Entity,
{
}

/// That the target of a command is of the type of an entity's identity: every type, of itself.
#[diagnostic::on_unimplemented(
    message = "the command's target is of type `{Self}`, and the entity's identity of type `{Id}`",
    label = "this entity's identity is of type `{Id}`",
    note = "the target is the identity of the entity that the command acts on: give both fields the same type"
)]
pub trait SameIdentity<Id> {}

#[diagnostic::do_not_recommend]
impl<Id> SameIdentity<Id> for Id {}

/// A handler of an event: one of any number. `#[event_handler]` on a function implements it.
pub trait EventHandler: 'static {
    /// The name of its jobs (r52). Stable.
    const NAME: &'static str;

    /// What its jobs were called before (r52).
    const ALIASES: &'static [&'static str] = &[];

    /// The event.
    type Event: Event;

    /// The queue that its jobs are in. How many jobs of a queue run at a time is
    /// [for each process to say](crate::RuntimeBuilder::queue). It is looked up when a job is claimed, and is on no record:
    /// jobs that wait move with their handler.
    const QUEUE: &'static str = DEFAULT_QUEUE;

    /// When a failed attempt is followed by another.
    fn retry() -> Retry {
        Retry::none()
    }

    /// How long an attempt may take until its commit begins, by the runtime's clock; `None` as long as it likes. One that
    /// takes longer is dropped, and fails with `TimedOut`.
    fn timeout() -> Option<Duration> {
        None
    }

    /// The names of the types that its text constructs. [`Wiring`](crate::Wiring) takes the events and commands among
    /// them for what the handler emits and publishes.
    const CONSTRUCTS: &'static [&'static str] = &[];

    /// What must be there for the handler's parameters; `start()` checks that it is (r33).
    fn requires(needs: &mut Requirements) {
        let _ = needs;
    }

    /// Handles the event.
    fn handle(
        event: Self::Event,
        context: &ExecutionContext,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// What a handler may return: `()`, or a `Result` with an [`Output`] and a [`HandlerError`].
#[diagnostic::on_unimplemented(
    message = "a handler cannot return `{Self}`",
    label = "this does not say whether it succeeded",
    note = "return `()` if it always does, or else a `Result`: `Result<{Self}, Failure>`"
)]
pub trait IntoOutcome {
    /// The output of success.
    type Output;

    /// The outcome.
    ///
    /// # Errors
    /// The failure that the returned error stands for.
    fn into_outcome(self) -> Result<Self::Output, Failure>;
}

/// What a handler may return when it succeeds: every value that JSON can carry. It stands on the job's record (r06).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the output of a handler",
    label = "its output cannot be written as JSON",
    note = "put `#[value]` on `{Self}`; if it is made of others, as `Option<…>` and `Vec<…>` are, on those",
    note = "it is kept on the job's record, so it borrows nothing, and can be sent to another thread"
)]
pub trait Output: Serialize + DeserializeOwned + Send + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + Send + 'static> Output for T {}

/// What a handler may return when it fails: an error, or what can be made into a boxed one (r27).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a handler",
    label = "its error is no `std::error::Error`, or cannot be sent between threads",
    note = "implement `std::error::Error` for it, by `#[derive(thiserror::Error)]` for example, or return a `Failure`, an `anyhow::Error` or a `String`",
    note = "it goes from thread to thread: a boxed error is a `Box<dyn Error + Send + Sync>`"
)]
pub trait HandlerError: Into<Box<dyn Error + Send + Sync>> + 'static {}

#[diagnostic::do_not_recommend]
impl<E: Into<Box<dyn Error + Send + Sync>> + 'static> HandlerError for E {}

#[diagnostic::do_not_recommend]
impl IntoOutcome for () {
    type Output = ();

    fn into_outcome(self) -> Result<(), Failure> {
        Ok(())
    }
}

impl<T: Output, E: HandlerError> IntoOutcome for Result<T, E> {
    type Output = T;

    fn into_outcome(self) -> Result<T, Failure> {
        self.map_err(|error| Failure::from_error(boxed(error)))
    }
}

/// The error in a box. What `into` makes of an `anyhow::Error` hides the type of the error that it is made of, and with it
/// which failure that is; anyhow's own way keeps it.
fn boxed<E: HandlerError>(error: E) -> Box<dyn Error + Send + Sync> {
    let mut error = Some(error);
    let anyhow = (&mut error as &mut dyn Any).downcast_mut::<Option<anyhow::Error>>().and_then(Option::take);
    let kept = anyhow.map(anyhow::Error::reallocate_into_boxed_dyn_error_without_backtrace);
    kept.or_else(|| error.map(Into::into)).expect("what is not anyhow's is left")
}

/// A command whose handler binds the entity `E`, or an event: what an invariant of `E` may be scoped by (r10).
#[diagnostic::on_unimplemented(
    message = "an invariant of `{E}` cannot be checked `when = {Self}`",
    label = "no handler of `{Self}` binds `{E}`",
    note = "`when` names a command whose handler takes `&mut {E}`, or an event"
)]
pub trait InvariantScope<E> {}

#[diagnostic::do_not_recommend]
impl<C: HasOneHandler<Entity = E>, E: Entity> InvariantScope<E> for C {}
