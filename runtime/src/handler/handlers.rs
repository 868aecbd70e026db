//! The handler traits.

use std::time::Duration;

use crate::context::{ExecutionContext, Requirements};
use crate::domain::{Creation, Event, HasOneHandler, Schedule, TargetOf};
use crate::model::{Failure, Retry};

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
