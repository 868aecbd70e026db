//! What a registration carries, with its types erased.

use std::any::{Any, TypeId, type_name};

use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

use crate::context::{ExecutionContext, Requirements};
use crate::domain::{
    Command, Creation, Entity, EntityPart, Event, KeyFields, Keys, MakeCommand, Parse, Schedule,
    ScheduleSettings, Times, keys, parse_as, rewritten,
};
use crate::handler::call::{self, Handling};
use crate::handler::{
    CommandHandler, EntityHandler, EventHandler, Handler, HandlerSettings, HasOnePolicy, Invariant, Strategy,
    Variant, Verdict, erased,
};
use crate::model::AnyValue;

/// A registration's content, with its types erased. Each function casts only values that its own part has made.
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
    pub(crate) rewritten: fn(&str) -> Option<Value>,
    pub(crate) keys: fn(&dyn Any) -> Keys,
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
    pub(crate) handler: HandlerPart,
    pub(crate) schedule: Option<SchedulePart>,
    pub(crate) body: Body,
}

/// What the handlers of commands and of events have in common.
pub(crate) struct HandlerPart {
    pub(crate) settings: HandlerSettings,
    pub(crate) constructs: &'static [&'static str],
    pub(crate) needs: Requirements,
}

impl HandlerPart {
    fn of<H: Handler>() -> Self {
        Self { settings: H::settings(), constructs: H::CONSTRUCTS, needs: needs(H::requires) }
    }
}

/// [`Schedule`] with its type erased.
pub(crate) struct SchedulePart {
    pub(crate) times: Times,
    pub(crate) settings: ScheduleSettings,
    pub(crate) make: MakeCommand,
}

impl<C> From<Schedule<C>> for SchedulePart {
    fn from(Schedule { times, settings, make, .. }: Schedule<C>) -> Self {
        Self { times, settings, make }
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
    pub(crate) handler: HandlerPart,
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

/// Named functions, of which the compiler makes less than of closures: a program has one for each part of its domain.
impl Part {
    pub(super) fn entity<E: Entity>() -> Self {
        Self::Entity(EntityPart::of::<E>())
    }

    pub(super) fn command<C: Command>() -> Self {
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
            parse: parse_as::<C>,
            rewritten: rewritten::<C>,
            keys: keys::<C>,
        })
    }

    pub(super) fn remote_command<C: Command>() -> Self {
        match Self::command::<C>() {
            Self::Command(part) => Self::Command(CommandPart { is_remote: true, ..part }),
            other => other,
        }
    }

    pub(super) fn event<E: Event>() -> Self {
        Self::Event(EventPart {
            type_id: TypeId::of::<E>(),
            type_name: type_name::<E>(),
            name: E::NAME,
            schema: SchemaGenerator::root_schema_for::<E>,
            parse: parse_as::<E>,
        })
    }

    pub(super) fn command_handler<H: CommandHandler>() -> Self {
        Self::CommandHandler(CommandHandlerPart {
            command: TypeId::of::<H::Command>(),
            command_name: H::Command::NAME,
            handler: HandlerPart::of::<H>(),
            schedule: H::schedule().map(SchedulePart::from),
            body: Body::Unbound(call::command::<H>),
        })
    }

    pub(super) fn entity_handler<H: EntityHandler>() -> Self {
        Self::CommandHandler(CommandHandlerPart {
            command: TypeId::of::<H::Command>(),
            command_name: H::Command::NAME,
            handler: HandlerPart::of::<H>(),
            schedule: H::schedule().map(SchedulePart::from),
            body: Body::Bound(BoundBody {
                entity: EntityPart::of::<H::Entity>(),
                creation: match H::creation() {
                    Creation::Never => AnyCreation::Never,
                    Creation::Always(_) => AnyCreation::Always(erased::create::<H>),
                    Creation::IfMissing(_) => AnyCreation::IfMissing(erased::create::<H>),
                },
                handle: call::entity_command::<H>,
            }),
        })
    }

    pub(super) fn event_handler<H: EventHandler>() -> Self {
        Self::EventHandler(EventHandlerPart {
            name: H::NAME,
            aliases: H::ALIASES,
            event: TypeId::of::<H::Event>(),
            event_name: H::Event::NAME,
            handler: HandlerPart::of::<H>(),
            handle: call::event::<H>,
        })
    }

    pub(super) fn invariant<I: Invariant>() -> Self {
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

    pub(super) fn strategy<S: ?Sized + Strategy>() -> Self {
        Self::Strategy(StrategyPart { type_id: TypeId::of::<S>(), name: S::NAME })
    }

    pub(super) fn variant<S: ?Sized + Strategy, V: Variant<S::Tag>>() -> Self {
        Self::Variant(VariantPart { strategy: TypeId::of::<S>(), strategy_name: S::NAME, name: V::NAME })
    }

    pub(super) fn policy<S: ?Sized + HasOnePolicy>() -> Self {
        Self::Policy(PolicyPart {
            strategy: TypeId::of::<S>(),
            strategy_name: S::NAME,
            needs: needs(S::requires),
        })
    }
}

/// What `requires` names.
fn needs(requires: fn(&mut Requirements)) -> Requirements {
    let mut needs = Requirements::default();
    requires(&mut needs);
    needs
}
