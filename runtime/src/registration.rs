//! How a domain makes itself known: every attribute submits a [`Registration`], and `start()` collects them.

use std::any::{Any, TypeId, type_name};
use std::fmt;
use std::panic::Location;
use std::time::Duration;

use schemars::{Schema, SchemaGenerator};
use serde::Serialize;

use crate::context::Requirements;
use crate::erased::{self, AnyValue, Parse};
use crate::handling::{self, Handling};
use crate::invariant::Verdict;
use crate::schedule::{DraftTick, Times};
use crate::{
    Command, CommandHandler, Creation, Entity, EntityHandler, Event, EventHandler, ExecutionContext,
    HasOneHandler, HasOnePolicy, Invariant, Json, Key, Missed, Retry, Schedule, Strategy, Variant,
};

/// A place in the user's source. Made by [`source!`](crate::source).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Source {
    /// The file, as the compiler names it.
    pub file: &'static str,
    /// The line, from 1.
    pub line: u32,
}

impl Source {
    /// The place of the call of the function that this is called in, which is `#[track_caller]` itself.
    #[track_caller]
    pub(crate) const fn caller() -> Self {
        let caller = Location::caller();
        Self { file: caller.file(), line: caller.line() }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// The place where it is written.
#[macro_export]
macro_rules! source {
    () => {
        $crate::Source { file: ::core::file!(), line: ::core::line!() }
    };
}

/// Makes a [`Registration`](crate::Registration), or an [`ErrorRegistration`](crate::ErrorRegistration), part of every
/// program that this code is linked into.
///
/// The attributes do it for what they stand on; write it for what you implement by hand.
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

/// A registration's content, with its types erased. What each function casts is what its own part has made.
pub(crate) enum Part {
    Entity(EntityPart),
    Command(CommandPart),
    Event(EventPart),
    CommandHandler(CommandHandlerPart),
    EventHandler(EventHandlerPart),
    Invariant(InvariantPart),
    Strategy(StrategyPart),
    Variant(VariantPart),
    Policy(PolicyPart),
}

#[derive(Clone, Copy)]
pub(crate) struct EntityPart {
    pub(crate) type_id: TypeId,
    pub(crate) name: &'static str,
    pub(crate) parse: Parse,
    pub(crate) to_json: fn(&dyn Any) -> serde_json::Result<Json>,
    pub(crate) key: fn(&dyn Any) -> Option<Key>,
}

pub(crate) struct CommandPart {
    pub(crate) type_id: TypeId,
    pub(crate) type_name: &'static str,
    pub(crate) name: &'static str,
    pub(crate) aliases: &'static [&'static str],
    pub(crate) fields: KeyFields,
    /// Whether another program handles it.
    pub(crate) is_remote: bool,
    pub(crate) schema: fn(&mut SchemaGenerator) -> Schema,
    pub(crate) parse: Parse,
    pub(crate) keys: fn(&dyn Any) -> Keys,
}

/// The fields of a command that mean something to the runtime.
#[derive(Clone, Copy)]
pub(crate) struct KeyFields {
    pub(crate) target: Option<&'static str>,
    pub(crate) idempotency_key: Option<&'static str>,
    pub(crate) order_by: Option<&'static str>,
}

/// What is in these fields of one command.
pub(crate) struct Keys {
    pub(crate) target: Option<Key>,
    pub(crate) idempotency_key: Option<Key>,
    pub(crate) order_key: Option<Key>,
}

impl Keys {
    pub(crate) fn of<C: Command>(command: &C) -> Self {
        Self {
            target: command.target(),
            idempotency_key: command.idempotency_key(),
            order_key: command.order_key(),
        }
    }
}

pub(crate) struct EventPart {
    pub(crate) type_id: TypeId,
    pub(crate) type_name: &'static str,
    pub(crate) name: &'static str,
    pub(crate) schema: fn(&mut SchemaGenerator) -> Schema,
    pub(crate) parse: Parse,
}

pub(crate) struct CommandHandlerPart {
    pub(crate) command: TypeId,
    pub(crate) command_name: &'static str,
    pub(crate) retry: Retry,
    pub(crate) timeout: Option<Duration>,
    pub(crate) queue: &'static str,
    pub(crate) schedule: Option<SchedulePart>,
    pub(crate) constructs: &'static [&'static str],
    pub(crate) needs: Requirements,
    pub(crate) body: Body,
}

/// [`Schedule`] with its type erased.
pub(crate) struct SchedulePart {
    pub(crate) times: Times,
    pub(crate) missed: Missed,
    pub(crate) draft: DraftTick,
}

impl<C> From<Schedule<C>> for SchedulePart {
    fn from(Schedule { times, missed, draft, .. }: Schedule<C>) -> Self {
        Self { times, missed, draft }
    }
}

/// A handler's function, and with it whether an entity is bound.
#[derive(Clone, Copy)]
pub(crate) enum Body {
    Unbound(for<'a> fn(AnyValue, &'a ExecutionContext) -> Handling<'a>),
    Bound(BoundBody),
}

#[derive(Clone, Copy)]
pub(crate) struct BoundBody {
    pub(crate) entity: EntityPart,
    pub(crate) creation: AnyCreation,
    pub(crate) handle: for<'a> fn(AnyValue, &'a mut dyn Any, &'a ExecutionContext) -> Handling<'a>,
}

/// [`Creation`] with its types erased.
#[derive(Clone, Copy)]
pub(crate) enum AnyCreation {
    Never,
    Always(fn(&dyn Any) -> AnyValue),
    IfMissing(fn(&dyn Any) -> AnyValue),
}

pub(crate) struct EventHandlerPart {
    pub(crate) name: &'static str,
    pub(crate) aliases: &'static [&'static str],
    pub(crate) event: TypeId,
    pub(crate) event_name: &'static str,
    pub(crate) retry: Retry,
    pub(crate) timeout: Option<Duration>,
    pub(crate) queue: &'static str,
    pub(crate) constructs: &'static [&'static str],
    pub(crate) needs: Requirements,
    pub(crate) handle: for<'a> fn(AnyValue, &'a ExecutionContext) -> Handling<'a>,
}

pub(crate) struct InvariantPart {
    pub(crate) code: &'static str,
    pub(crate) message: &'static str,
    pub(crate) entity: TypeId,
    pub(crate) entity_name: &'static str,
    pub(crate) when: TypeId,
    pub(crate) when_name: &'static str,
    pub(crate) check: fn(&dyn Any, &dyn Any) -> Verdict,
}

pub(crate) struct StrategyPart {
    pub(crate) type_id: TypeId,
    pub(crate) name: &'static str,
}

pub(crate) struct VariantPart {
    pub(crate) strategy: TypeId,
    pub(crate) strategy_name: &'static str,
    pub(crate) name: &'static str,
}

pub(crate) struct PolicyPart {
    pub(crate) strategy: TypeId,
    pub(crate) strategy_name: &'static str,
    pub(crate) needs: Requirements,
}

impl EntityPart {
    pub(crate) fn of<E: Entity>() -> Self {
        Self {
            type_id: TypeId::of::<E>(),
            name: E::NAME,
            parse: erased::parse_as::<E>,
            to_json: erased::to_json::<E>,
            key: erased::key::<E>,
        }
    }
}

/// Named functions, of which the compiler makes less than of closures: a program has one for each part of its domain.
impl Part {
    fn entity<E: Entity>() -> Self {
        Self::Entity(EntityPart::of::<E>())
    }

    fn command<C: Command>() -> Self {
        Self::Command(CommandPart {
            type_id: TypeId::of::<C>(),
            type_name: type_name::<C>(),
            name: C::NAME,
            aliases: C::ALIASES,
            fields: KeyFields {
                target: C::TARGET,
                idempotency_key: C::IDEMPOTENCY_KEY,
                order_by: C::ORDER_BY,
            },
            is_remote: false,
            schema: SchemaGenerator::root_schema_for::<C>,
            parse: erased::parse_as::<C>,
            keys: erased::keys::<C>,
        })
    }

    fn remote_command<C: Command>() -> Self {
        match Self::command::<C>() {
            Self::Command(part) => Self::Command(CommandPart { is_remote: true, ..part }),
            other => other,
        }
    }

    fn event<E: Event>() -> Self {
        Self::Event(EventPart {
            type_id: TypeId::of::<E>(),
            type_name: type_name::<E>(),
            name: E::NAME,
            schema: SchemaGenerator::root_schema_for::<E>,
            parse: erased::parse_as::<E>,
        })
    }

    fn command_handler<H: CommandHandler>() -> Self {
        Self::CommandHandler(CommandHandlerPart {
            command: TypeId::of::<H::Command>(),
            command_name: H::Command::NAME,
            retry: H::retry(),
            timeout: H::timeout(),
            queue: H::QUEUE,
            schedule: H::schedule().map(SchedulePart::from),
            constructs: H::CONSTRUCTS,
            needs: needs(H::requires),
            body: Body::Unbound(handling::command::<H>),
        })
    }

    fn entity_handler<H: EntityHandler>() -> Self {
        Self::CommandHandler(CommandHandlerPart {
            command: TypeId::of::<H::Command>(),
            command_name: H::Command::NAME,
            retry: H::retry(),
            timeout: H::timeout(),
            queue: H::QUEUE,
            schedule: H::schedule().map(SchedulePart::from),
            constructs: H::CONSTRUCTS,
            needs: needs(H::requires),
            body: Body::Bound(BoundBody {
                entity: EntityPart::of::<H::Entity>(),
                creation: match H::creation() {
                    Creation::Never => AnyCreation::Never,
                    Creation::Always(_) => AnyCreation::Always(erased::create::<H>),
                    Creation::IfMissing(_) => AnyCreation::IfMissing(erased::create::<H>),
                },
                handle: handling::entity_command::<H>,
            }),
        })
    }

    fn event_handler<H: EventHandler>() -> Self {
        Self::EventHandler(EventHandlerPart {
            name: H::NAME,
            aliases: H::ALIASES,
            event: TypeId::of::<H::Event>(),
            event_name: H::Event::NAME,
            retry: H::retry(),
            timeout: H::timeout(),
            queue: H::QUEUE,
            constructs: H::CONSTRUCTS,
            needs: needs(H::requires),
            handle: handling::event::<H>,
        })
    }

    fn invariant<I: Invariant>() -> Self {
        Self::Invariant(InvariantPart {
            code: I::CODE,
            message: I::MESSAGE,
            entity: TypeId::of::<I::Entity>(),
            entity_name: I::Entity::NAME,
            when: TypeId::of::<I::When>(),
            when_name: type_name::<I::When>(),
            check: erased::check::<I>,
        })
    }

    fn strategy<S: ?Sized + Strategy>() -> Self {
        Self::Strategy(StrategyPart { type_id: TypeId::of::<S>(), name: S::NAME })
    }

    fn variant<S: ?Sized + Strategy, V: Variant<S::Tag>>() -> Self {
        Self::Variant(VariantPart { strategy: TypeId::of::<S>(), strategy_name: S::NAME, name: V::NAME })
    }

    fn policy<S: ?Sized + HasOnePolicy>() -> Self {
        Self::Policy(PolicyPart {
            strategy: TypeId::of::<S>(),
            strategy_name: S::NAME,
            needs: needs(S::requires),
        })
    }
}

/// What a `requires` asks for.
fn needs(requires: fn(&mut Requirements)) -> Requirements {
    let mut needs = Requirements::default();
    requires(&mut needs);
    needs
}
