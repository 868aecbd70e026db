//! How a domain makes itself known: every attribute submits a [`Registration`], and `start()` collects them.

use std::any::{Any, TypeId, type_name};
use std::fmt;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use schemars::{Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::context::Requirements;
use crate::invariant::Verdict;
use crate::schema::pointer_of;
use crate::{
    Command, CommandHandler, Creation, Entity, EntityHandler, Event, EventHandler, ExecutionContext, Failure,
    HasOneHandler, HasOnePolicy, Invariant, Json, Key, Retry, Strategy, Variant, Violation,
};

/// A place in the user's source. Made by [`source!`](crate::source).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Source {
    /// The file, as the compiler names it.
    pub file: &'static str,
    /// The line, from 1.
    pub line: u32,
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
        Self { part: || Part::Entity(EntityPart::of::<E>()), source }
    }

    /// A command.
    pub const fn command<C: Command>(source: Source) -> Self {
        Self { part: || Part::Command(CommandPart::of::<C>()), source }
    }

    /// An event.
    pub const fn event<E: Event>(source: Source) -> Self {
        Self { part: || Part::Event(EventPart::of::<E>()), source }
    }

    /// The handler of a command that binds no entity.
    pub const fn command_handler<H: CommandHandler>(source: Source) -> Self {
        Self { part: || Part::CommandHandler(CommandHandlerPart::unbound::<H>()), source }
    }

    /// The handler of a command that binds its target.
    pub const fn entity_handler<H: EntityHandler>(source: Source) -> Self {
        Self { part: || Part::CommandHandler(CommandHandlerPart::bound::<H>()), source }
    }

    /// A handler of an event.
    pub const fn event_handler<H: EventHandler>(source: Source) -> Self {
        Self { part: || Part::EventHandler(EventHandlerPart::of::<H>()), source }
    }

    /// A command that another program handles.
    pub const fn remote_command<C: HasOneHandler>(source: Source) -> Self {
        Self { part: || Part::Command(CommandPart { is_remote: true, ..CommandPart::of::<C>() }), source }
    }

    /// A strategy: `strategy::<dyn FraudAssessment>(…)`.
    pub const fn strategy<S: ?Sized + Strategy>(source: Source) -> Self {
        Self { part: || Part::Strategy(StrategyPart::of::<S>()), source }
    }

    /// A variant of a strategy.
    pub const fn variant<S: ?Sized + Strategy, V: Variant<S::Tag>>(source: Source) -> Self {
        Self { part: || Part::Variant(VariantPart::of::<S, V>()), source }
    }

    /// The policy of a strategy.
    pub const fn policy<S: ?Sized + HasOnePolicy>(source: Source) -> Self {
        Self { part: || Part::Policy(PolicyPart::of::<S>()), source }
    }

    /// An invariant.
    pub const fn invariant<I: Invariant>(source: Source) -> Self {
        Self { part: || Part::Invariant(InvariantPart::of::<I>()), source }
    }
}

pub(crate) type AnyMessage = Box<dyn Any + Send + Sync>;
pub(crate) type AnyEntity = Box<dyn Any + Send + Sync>;
pub(crate) type Handling<'a> = BoxFuture<'a, Result<Json, Failure>>;

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
    pub(crate) parse: fn(&Json) -> serde_json::Result<AnyEntity>,
    pub(crate) to_json: fn(&dyn Any) -> serde_json::Result<Json>,
    pub(crate) key: fn(&dyn Any) -> Option<Key>,
}

impl EntityPart {
    pub(crate) fn of<E: Entity>() -> Self {
        Self {
            type_id: TypeId::of::<E>(),
            name: E::NAME,
            parse: |json| Ok(Box::new(json.parse::<E>()?)),
            to_json: |entity| Json::of(cast_ref::<E>(entity)),
            key: |entity| Key::of(cast_ref::<E>(entity).id()),
        }
    }
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
    pub(crate) parse: fn(Value) -> Result<AnyMessage, Violation>,
    pub(crate) target: fn(&dyn Any) -> Option<Key>,
    pub(crate) idempotency_key: fn(&dyn Any) -> Option<Key>,
    pub(crate) order_key: fn(&dyn Any) -> Option<Key>,
}

/// The fields of a command that mean something to the runtime.
#[derive(Clone, Copy)]
pub(crate) struct KeyFields {
    pub(crate) target: Option<&'static str>,
    pub(crate) idempotency_key: Option<&'static str>,
    pub(crate) order_by: Option<&'static str>,
}

impl CommandPart {
    fn of<C: Command>() -> Self {
        Self {
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
            parse: parse_message::<C>,
            target: |command| cast_ref::<C>(command).target(),
            idempotency_key: |command| cast_ref::<C>(command).idempotency_key(),
            order_key: |command| cast_ref::<C>(command).order_key(),
        }
    }
}

pub(crate) struct EventPart {
    pub(crate) type_id: TypeId,
    pub(crate) type_name: &'static str,
    pub(crate) name: &'static str,
    pub(crate) schema: fn(&mut SchemaGenerator) -> Schema,
    pub(crate) parse: fn(Value) -> Result<AnyMessage, Violation>,
}

impl EventPart {
    fn of<E: Event>() -> Self {
        Self {
            type_id: TypeId::of::<E>(),
            type_name: type_name::<E>(),
            name: E::NAME,
            schema: SchemaGenerator::root_schema_for::<E>,
            parse: parse_message::<E>,
        }
    }
}

pub(crate) struct CommandHandlerPart {
    pub(crate) command: TypeId,
    pub(crate) command_name: &'static str,
    pub(crate) retry: Retry,
    pub(crate) timeout: Option<Duration>,
    pub(crate) constructs: &'static [&'static str],
    pub(crate) needs: Requirements,
    pub(crate) body: Body,
}

/// A handler's function, and with it whether an entity is bound.
#[derive(Clone, Copy)]
pub(crate) enum Body {
    Unbound(for<'a> fn(AnyMessage, &'a ExecutionContext) -> Handling<'a>),
    Bound(BoundBody),
}

#[derive(Clone, Copy)]
pub(crate) struct BoundBody {
    pub(crate) entity: EntityPart,
    pub(crate) creation: AnyCreation,
    pub(crate) handle: for<'a> fn(AnyMessage, &'a mut dyn Any, &'a ExecutionContext) -> Handling<'a>,
}

/// [`Creation`] with its types erased.
#[derive(Clone, Copy)]
pub(crate) enum AnyCreation {
    Never,
    Always(fn(&dyn Any) -> AnyEntity),
    IfMissing(fn(&dyn Any) -> AnyEntity),
}

impl CommandHandlerPart {
    fn unbound<H: CommandHandler>() -> Self {
        Self {
            command: TypeId::of::<H::Command>(),
            command_name: H::Command::NAME,
            retry: H::retry(),
            timeout: H::timeout(),
            constructs: H::CONSTRUCTS,
            needs: needs(H::requires),
            body: Body::Unbound(|command, context| {
                async move { output::<H::Command>(&H::handle(cast(command), context).await?) }.boxed()
            }),
        }
    }

    fn bound<H: EntityHandler>() -> Self {
        Self {
            command: TypeId::of::<H::Command>(),
            command_name: H::Command::NAME,
            retry: H::retry(),
            timeout: H::timeout(),
            constructs: H::CONSTRUCTS,
            needs: needs(H::requires),
            body: Body::Bound(BoundBody {
                entity: EntityPart::of::<H::Entity>(),
                creation: match H::creation() {
                    Creation::Never => AnyCreation::Never,
                    Creation::Always(_) => AnyCreation::Always(create::<H>),
                    Creation::IfMissing(_) => AnyCreation::IfMissing(create::<H>),
                },
                handle: |command, entity, context| {
                    let entity = cast_mut::<H::Entity>(entity);
                    async move { output::<H::Command>(&H::handle(cast(command), entity, context).await?) }
                        .boxed()
                },
            }),
        }
    }
}

fn parse_message<T: DeserializeOwned + Send + Sync + 'static>(value: Value) -> Result<AnyMessage, Violation> {
    match serde_path_to_error::deserialize::<_, T>(value) {
        Ok(message) => Ok(Box::new(message)),
        Err(error) => Err(Violation::at(pointer_of(error.path()), "unreadable", error.inner().to_string())),
    }
}

fn create<H: EntityHandler>(command: &dyn Any) -> AnyEntity {
    match H::creation() {
        Creation::Always(from) | Creation::IfMissing(from) => Box::new(from(cast_ref(command))),
        Creation::Never => unreachable!("this function is kept for a policy that creates"),
    }
}

fn output<C: HasOneHandler>(output: &C::Output) -> Result<Json, Failure> {
    Json::of(output).map_err(|error| {
        let message =
            format!("what the handler of `{}` returned cannot be written as JSON: {error}", C::NAME);
        Failure::new(crate::FailureKind::Error, "output_not_json", message)
    })
}

pub(crate) struct EventHandlerPart {
    pub(crate) name: &'static str,
    pub(crate) aliases: &'static [&'static str],
    pub(crate) event: TypeId,
    pub(crate) event_name: &'static str,
    pub(crate) retry: Retry,
    pub(crate) timeout: Option<Duration>,
    pub(crate) constructs: &'static [&'static str],
    pub(crate) needs: Requirements,
    pub(crate) handle: for<'a> fn(AnyMessage, &'a ExecutionContext) -> Handling<'a>,
}

impl EventHandlerPart {
    fn of<H: EventHandler>() -> Self {
        Self {
            name: H::NAME,
            aliases: H::ALIASES,
            event: TypeId::of::<H::Event>(),
            event_name: H::Event::NAME,
            retry: H::retry(),
            timeout: H::timeout(),
            constructs: H::CONSTRUCTS,
            needs: needs(H::requires),
            handle: |event, context| {
                async move {
                    H::handle(cast(event), context).await?;
                    Ok(Json::null())
                }
                .boxed()
            },
        }
    }
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

impl InvariantPart {
    fn of<I: Invariant>() -> Self {
        Self {
            code: I::CODE,
            message: I::MESSAGE,
            entity: TypeId::of::<I::Entity>(),
            entity_name: I::Entity::NAME,
            when: TypeId::of::<I::When>(),
            when_name: type_name::<I::When>(),
            check: |entity, when| I::check(cast_ref(entity), cast_ref(when)),
        }
    }
}

pub(crate) struct StrategyPart {
    pub(crate) type_id: TypeId,
    pub(crate) name: &'static str,
}

impl StrategyPart {
    fn of<S: ?Sized + Strategy>() -> Self {
        Self { type_id: TypeId::of::<S>(), name: S::NAME }
    }
}

pub(crate) struct VariantPart {
    pub(crate) strategy: TypeId,
    pub(crate) strategy_name: &'static str,
    pub(crate) name: &'static str,
}

impl VariantPart {
    fn of<S: ?Sized + Strategy, V: Variant<S::Tag>>() -> Self {
        Self { strategy: TypeId::of::<S>(), strategy_name: S::NAME, name: V::NAME }
    }
}

pub(crate) struct PolicyPart {
    pub(crate) strategy: TypeId,
    pub(crate) strategy_name: &'static str,
    pub(crate) needs: Requirements,
}

impl PolicyPart {
    fn of<S: ?Sized + HasOnePolicy>() -> Self {
        Self { strategy: TypeId::of::<S>(), strategy_name: S::NAME, needs: needs(S::requires) }
    }
}

/// What a `requires` asks for.
fn needs(requires: fn(&mut Requirements)) -> Requirements {
    let mut needs = Requirements::default();
    requires(&mut needs);
    needs
}

const OWN_TYPE: &str = "a part is only given values that it has made itself";

fn cast<T: 'static>(value: AnyMessage) -> T {
    *value.downcast().expect(OWN_TYPE)
}

fn cast_ref<T: 'static>(value: &dyn Any) -> &T {
    value.downcast_ref().expect(OWN_TYPE)
}

fn cast_mut<T: 'static>(value: &mut dyn Any) -> &mut T {
    value.downcast_mut().expect(OWN_TYPE)
}
