//! The domain as data.

use std::borrow::Cow;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::domain::ScheduleSettings;
use crate::handler::{HandlerSettings, optional_millis};
use crate::model::Source;

/// The whole domain as data; [`Runtime::wiring`](crate::Runtime::wiring) has it.
///
/// As text (`Display`) it is a tree for people, [`to_mermaid`](Self::to_mermaid) draws it, and serde writes it as JSON.
/// Everything stands in the order of its names.
///
/// In JSON a field is called as it is here, and what is not there is `null`; later versions may add fields, and rename
/// none. A [`Source`] is an object of `file` and `line`. A [`Retry`](crate::Retry) is one of `attempts`, how many there are at most
/// (`null`: without end), `first_pause_ms`, `growth`, by which each pause is multiplied to give the next, `longest_pause_ms`,
/// `jitter`, whether they are shortened at random, and `by_kind`, with the same of each kind of failure that has a policy of
/// its own. A timeout is `timeout_ms`, and a period `every_ms`. The fields of an event handler's [`HandlerWiring`] stand beside its name.
///
/// What a handler emits and publishes is taken from its own text: the events and commands that it constructs there. What a
/// function below it constructs is not seen.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Wiring {
    /// What can be asked for.
    pub commands: Vec<CommandWiring>,
    /// What can occur.
    pub events: Vec<EventWiring>,
    /// What commands act on.
    pub entities: Vec<EntityWiring>,
    /// What there are several ways to do.
    pub strategies: Vec<StrategyWiring>,
}

/// A command.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CommandWiring {
    /// What it is called in the store and in JSON.
    pub name: &'static str,
    /// What it was called before.
    pub aliases: &'static [&'static str],
    /// Where it is declared.
    pub source: Source,
    /// The JSON Schema (2020-12) by which it is validated.
    pub schema: Value,
    /// The field that holds the id of the entity that it acts on.
    pub target: Option<&'static str>,
    /// The field by which the same request is known again.
    pub idempotency_key: Option<&'static str>,
    /// The field that names its lane.
    pub order_by: Option<&'static str>,
    /// Its handler; `None` if another program handles it.
    pub handler: Option<HandlerWiring>,
    /// When it recurs by itself; `None` if it does not.
    pub schedule: Option<ScheduleWiring>,
    /// How the handler comes by the entity that it binds; `None` if it binds none.
    pub binding: Option<BindingWiring>,
    /// The codes of the invariants that are checked before the handler runs.
    pub invariants: Vec<&'static str>,
}

/// When a command recurs: every so often, or by a cron pattern.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ScheduleWiring {
    /// The period.
    #[serde(rename = "every_ms", serialize_with = "optional_millis")]
    pub every: Option<Duration>,
    /// The cron pattern; in UTC, unless it names another time zone.
    pub cron: Option<Cow<'static, str>>,
    /// What else the schedule says.
    #[serde(flatten)]
    pub settings: ScheduleSettings,
}

/// How a handler comes by its entity.
#[derive(Clone, Copy, Debug, Serialize)]
#[non_exhaustive]
pub struct BindingWiring {
    /// The name of the entity.
    pub entity: &'static str,
    /// Whether it must exist, must not, or is made if it does not (r12).
    pub create: CreationPolicy,
}

/// A creation policy (r12).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CreationPolicy {
    /// The entity must exist.
    Never,
    /// The entity must not exist, and is made from the command.
    Always,
    /// The entity is loaded, or made from the command.
    IfMissing,
}

/// A handler of a command or of an event.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct HandlerWiring {
    /// Where it is.
    pub source: Source,
    /// How its jobs run.
    #[serde(flatten)]
    pub settings: HandlerSettings,
    /// The types of the capabilities that it needs, those of its strategies' policies included.
    pub capabilities: Vec<&'static str>,
    /// The strategies that it draws.
    pub strategies: Vec<&'static str>,
    /// The entities that it reads, or saves, through a repository.
    pub repositories: Vec<&'static str>,
    /// The events that it emits, as far as its text shows.
    pub emits: Vec<&'static str>,
    /// The commands that it publishes, as far as its text shows.
    pub publishes: Vec<&'static str>,
}

/// An event.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct EventWiring {
    /// What it is called in the store and in JSON.
    pub name: &'static str,
    /// Where it is declared.
    pub source: Source,
    /// The JSON Schema (2020-12) by which it is validated.
    pub schema: Value,
    /// Its handlers.
    pub handlers: Vec<EventHandlerWiring>,
}

/// A handler of an event.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct EventHandlerWiring {
    /// What its jobs are called in the store.
    pub name: &'static str,
    /// What they were called before.
    pub aliases: &'static [&'static str],
    /// The handler.
    #[serde(flatten)]
    pub handler: HandlerWiring,
}

/// An entity.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct EntityWiring {
    /// What it is called in the store.
    pub name: &'static str,
    /// Where it is declared.
    pub source: Source,
    /// What must hold of it.
    pub invariants: Vec<InvariantWiring>,
}

/// An invariant.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct InvariantWiring {
    /// What it is, for code.
    pub code: &'static str,
    /// What it says, for people.
    pub message: &'static str,
    /// When it is checked; `None` if at the end of every execution that writes the entity.
    pub when: Option<ScopeWiring>,
    /// Where it is.
    pub source: Source,
}

/// The scope of an invariant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ScopeWiring {
    /// It is checked before the handler of the command of this name.
    Command(&'static str),
    /// It is checked when the event of this name is emitted.
    Event(&'static str),
}

/// A strategy.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct StrategyWiring {
    /// What it is called on the record of an attempt.
    pub name: &'static str,
    /// Where it is declared.
    pub source: Source,
    /// The ways to do it.
    pub variants: Vec<VariantWiring>,
    /// Where its policy is; `None` if nothing chooses, and nothing draws it.
    pub policy: Option<Source>,
}

/// A variant of a strategy.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct VariantWiring {
    /// What it is called on the record of an attempt.
    pub name: &'static str,
    /// Where it is.
    pub source: Source,
}

impl Wiring {
    /// The command of a name, the names that commands had before included.
    pub fn command(&self, name: &str) -> Option<&CommandWiring> {
        self.commands.iter().find(|command| command.name == name || command.aliases.contains(&name))
    }

    /// The event of a name.
    pub fn event(&self, name: &str) -> Option<&EventWiring> {
        self.events.iter().find(|event| event.name == name)
    }
}
