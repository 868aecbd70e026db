//! The handler traits.

use super::settings::HandlerSettings;
use crate::context::{ExecutionContext, Requirements};
use crate::domain::{Creation, Event, HasOneHandler, Schedule, TargetOf};
use crate::model::Failure;

/// What the handlers of commands and of events have in common: how their jobs run, and what they need.
pub trait Handler: 'static {
    /// How its jobs run.
    fn settings() -> HandlerSettings {
        HandlerSettings::new()
    }

    /// The capabilities, strategies and repositories that the handler's parameters need. `start()` checks that they are
    /// available ([r33](crate::rules#r33)).
    fn requires(needs: &mut Requirements) {
        let _ = needs;
    }

    /// The names of the types that the handler's source constructs. [`Wiring`](crate::Wiring) lists the events and commands
    /// among them as what the handler emits and publishes.
    const CONSTRUCTS: &'static [&'static str] = &[];
}

/// The handler of a command that binds no entity. `#[command]` on a function implements it.
pub trait CommandHandler: Handler {
    /// The command.
    type Command: HasOneHandler;

    /// When the command recurs ([r38](crate::rules#r38)). Default: it does not.
    fn schedule() -> Option<Schedule<Self::Command>> {
        None
    }

    /// Handles the command.
    fn handle(
        command: Self::Command,
        context: &ExecutionContext,
    ) -> impl Future<Output = Result<<Self::Command as HasOneHandler>::Output, Failure>> + Send;
}

/// The handler of a command that binds its target. `#[command]` on a function with a `&mut` entity implements it.
pub trait EntityHandler: Handler {
    /// The command.
    type Command: HasOneHandler;

    /// The entity that the command targets.
    type Entity: TargetOf<Self::Command>;

    /// Whether the command may create the entity ([r12](crate::rules#r12)). Default: never.
    fn creation() -> Creation<Self::Command, Self::Entity> {
        Creation::Never
    }

    /// When the command recurs ([r38](crate::rules#r38)). Default: it does not.
    fn schedule() -> Option<Schedule<Self::Command>> {
        None
    }

    /// Handles the command. The changes to `entity` are committed if it returns `Ok` and the invariants hold.
    fn handle(
        command: Self::Command,
        entity: &mut Self::Entity,
        context: &ExecutionContext,
    ) -> impl Future<Output = Result<<Self::Command as HasOneHandler>::Output, Failure>> + Send;
}

/// The handler of an event. An event has any number of them. `#[event_handler]` on a function implements it.
pub trait EventHandler: Handler {
    /// The name of its jobs in the store ([r52](crate::rules#r52)). Stable.
    const NAME: &'static str;

    /// Earlier names of its jobs ([r52](crate::rules#r52)).
    const ALIASES: &'static [&'static str] = &[];

    /// The event.
    type Event: Event;

    /// Handles the event.
    fn handle(
        event: Self::Event,
        context: &ExecutionContext,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}
