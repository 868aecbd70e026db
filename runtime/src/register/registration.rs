//! What the attributes register and `start()` collects.

use super::part::Part;
use crate::domain::{Command, Entity, Event, HasOneHandler};
use crate::handler::{
    CommandHandler, EntityHandler, EventHandler, HasOnePolicy, Invariant, Strategy, Variant,
};
use crate::model::{ErrorRegistration, Failure, Source};

/// The file and line of the invocation, as a [`Source`](crate::Source).
#[macro_export]
macro_rules! source {
    () => {
        $crate::Source { file: ::core::file!(), line: ::core::line!() }
    };
}

/// Adds a [`Registration`](crate::Registration) or an [`ErrorRegistration`](crate::ErrorRegistration) to every program that links
/// this code.
///
/// The attributes do this for the items that they are on. Write it for what you implement by hand.
#[macro_export]
macro_rules! register {
    ($registration:expr) => {
        $crate::__private::inventory::submit! { $registration }
    };
}

/// One part of a domain, to be [`register!`](crate::register)ed.
#[derive(Debug)]
pub struct Registration {
    pub(crate) part: fn() -> Part,
    pub(crate) source: Source,
}

inventory::collect!(Registration);

impl Registration {
    /// An entity.
    pub const fn entity<E: Entity>(source: Source) -> Self {
        Self { part: Part::entity::<E>, source }
    }

    /// A command.
    pub const fn command<C: Command>(source: Source) -> Self {
        Self { part: Part::command::<C>, source }
    }

    /// An event.
    pub const fn event<E: Event>(source: Source) -> Self {
        Self { part: Part::event::<E>, source }
    }

    /// The handler of a command that binds no entity.
    pub const fn command_handler<H: CommandHandler>(source: Source) -> Self {
        Self { part: Part::command_handler::<H>, source }
    }

    /// The handler of a command that binds its target.
    pub const fn entity_handler<H: EntityHandler>(source: Source) -> Self {
        Self { part: Part::entity_handler::<H>, source }
    }

    /// A handler of an event.
    pub const fn event_handler<H: EventHandler>(source: Source) -> Self {
        Self { part: Part::event_handler::<H>, source }
    }

    /// A command that another program handles.
    pub const fn remote_command<C: HasOneHandler>(source: Source) -> Self {
        Self { part: Part::remote_command::<C>, source }
    }

    /// A strategy: `strategy::<dyn FraudAssessment>(…)`.
    pub const fn strategy<S: ?Sized + Strategy>(source: Source) -> Self {
        Self { part: Part::strategy::<S>, source }
    }

    /// A variant of a strategy.
    pub const fn variant<S: ?Sized + Strategy, V: Variant<S::Tag>>(source: Source) -> Self {
        Self { part: Part::variant::<S, V>, source }
    }

    /// The policy of a strategy.
    pub const fn policy<S: ?Sized + HasOnePolicy>(source: Source) -> Self {
        Self { part: Part::policy::<S>, source }
    }

    /// An invariant.
    pub const fn invariant<I: Invariant>(source: Source) -> Self {
        Self { part: Part::invariant::<I>, source }
    }
}

// The code of a `Failure` that is the source of another error applies to that error.
crate::register! { ErrorRegistration::of::<Failure>() }
