//! The description of a program's wiring: [`Wiring`] and its parts.

use std::borrow::Cow;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::domain::ScheduleSettings;
use crate::handler::{HandlerSettings, optional_millis};
use crate::model::Source;

/// The wiring of a program as data; see [`Runtime::wiring`](crate::Runtime::wiring).
///
/// `Display` writes it as a text tree, [`to_mermaid`](Self::to_mermaid) as a flowchart, and serde as JSON. All lists are sorted
/// by name.
///
/// The events and commands that a handler emits and publishes are those that its function constructs. Functions that it calls
/// are not analysed.
///
/// # JSON
/// Fields have the names of the Rust fields, and missing values are `null`. Later versions may add fields, but rename none.
///
/// | field | JSON |
/// |---|---|
/// | a [`Source`] | an object of `file` and `line` |
/// | a [`Retry`](crate::Retry) | an object of `attempts` (at most; `null` if unlimited), `first_pause_ms`, `growth` (the factor between pauses), `longest_pause_ms`, `jitter`, and `by_kind`, with the same fields for each kind of failure that has a policy of its own |
/// | a timeout, a period | `timeout_ms`, `every_ms` |
/// | the [`HandlerWiring`] of an event handler | its fields, beside the name |
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Wiring {
    /// The commands.
    pub commands: Vec<CommandWiring>,
    /// The events.
    pub events: Vec<EventWiring>,
    /// The entities.
    pub entities: Vec<EntityWiring>,
    /// The strategies.
    pub strategies: Vec<StrategyWiring>,
}

/// A command.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CommandWiring {
    /// The name in the store and in JSON.
    pub name: &'static str,
    /// Former names.
    pub aliases: &'static [&'static str],
    /// Where it is declared.
    pub source: Source,
    /// The JSON Schema (2020-12) that validates it.
    pub schema: Value,
    /// The field with the id of the entity that it acts on.
    pub target: Option<&'static str>,
    /// The field with the idempotency key.
    pub idempotency_key: Option<&'static str>,
    /// The field with the key of its lane.
    pub order_by: Option<&'static str>,
    /// Its handler; `None` if another program handles it.
    pub handler: Option<HandlerWiring>,
    /// When it recurs.
    pub schedule: Option<ScheduleWiring>,
    /// The entity that the handler binds.
    pub binding: Option<BindingWiring>,
    /// The codes of the invariants that are checked before the handler runs.
    pub invariants: Vec<&'static str>,
}

/// The schedule of a recurring command. Either `every` or `cron` is set.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ScheduleWiring {
    /// The period.
    #[serde(rename = "every_ms", serialize_with = "optional_millis")]
    pub every: Option<Duration>,
    /// The cron pattern, in UTC unless it names a time zone.
    pub cron: Option<Cow<'static, str>>,
    /// The settings besides the times.
    #[serde(flatten)]
    pub settings: ScheduleSettings,
}

/// The entity that a handler binds.
#[derive(Clone, Copy, Debug, Serialize)]
#[non_exhaustive]
pub struct BindingWiring {
    /// The name of the entity.
    pub entity: &'static str,
    /// The creation policy.
    pub create: CreationPolicy,
}

/// A creation policy ([r12](crate::rules#r12)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CreationPolicy {
    /// The entity must exist.
    Never,
    /// The entity is created from the command, and must not exist.
    Always,
    /// The entity is loaded, or created from the command if it does not exist.
    IfMissing,
}

/// A handler of a command or of an event.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct HandlerWiring {
    /// Where it is declared.
    pub source: Source,
    /// Its settings.
    #[serde(flatten)]
    pub settings: HandlerSettings,
    /// The types of the capabilities it requires, including those of its strategies' policies.
    pub capabilities: Vec<&'static str>,
    /// The strategies it uses.
    pub strategies: Vec<&'static str>,
    /// The entities it accesses through repositories.
    pub repositories: Vec<&'static str>,
    /// The events it emits.
    pub emits: Vec<&'static str>,
    /// The commands it publishes.
    pub publishes: Vec<&'static str>,
}

/// An event.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct EventWiring {
    /// The name in the store and in JSON.
    pub name: &'static str,
    /// Where it is declared.
    pub source: Source,
    /// The JSON Schema (2020-12) that validates it.
    pub schema: Value,
    /// Its handlers.
    pub handlers: Vec<EventHandlerWiring>,
}

/// A handler of an event.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct EventHandlerWiring {
    /// The name of its jobs in the store.
    pub name: &'static str,
    /// Former names.
    pub aliases: &'static [&'static str],
    /// The handler.
    #[serde(flatten)]
    pub handler: HandlerWiring,
}

/// An entity.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct EntityWiring {
    /// The name in the store.
    pub name: &'static str,
    /// Where it is declared.
    pub source: Source,
    /// Its invariants.
    pub invariants: Vec<InvariantWiring>,
}

/// An invariant.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct InvariantWiring {
    /// The stable code.
    pub code: &'static str,
    /// The message, for humans.
    pub message: &'static str,
    /// Its scope; `None` if it is checked before every commit that writes the entity.
    pub when: Option<ScopeWiring>,
    /// Where it is declared.
    pub source: Source,
}

/// The scope of an invariant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ScopeWiring {
    /// Checked before the handler of this command.
    Command(&'static str),
    /// Checked when this event is emitted.
    Event(&'static str),
}

/// A strategy.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct StrategyWiring {
    /// The name that attempts record.
    pub name: &'static str,
    /// Where it is declared.
    pub source: Source,
    /// Its variants.
    pub variants: Vec<VariantWiring>,
    /// Where its policy is declared; `None` if it has none, in which case no handler uses it.
    pub policy: Option<Source>,
}

/// A variant of a strategy.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct VariantWiring {
    /// The name that attempts record.
    pub name: &'static str,
    /// Where it is declared.
    pub source: Source,
}

impl Wiring {
    /// The command of a name or alias.
    pub fn command(&self, name: &str) -> Option<&CommandWiring> {
        self.commands.iter().find(|command| command.name == name || command.aliases.contains(&name))
    }

    /// The name and the source of the handler of jobs with this name or alias.
    pub(crate) fn handler(&self, name: &str) -> Option<(&'static str, Source)> {
        if let Some(command) = self.command(name) {
            return command.handler.as_ref().map(|handler| (command.name, handler.source));
        }
        let mut handlers = self.events.iter().flat_map(|event| &event.handlers);
        let handler = handlers.find(|handler| handler.name == name || handler.aliases.contains(&name))?;
        Some((handler.name, handler.handler.source))
    }

    /// The event of a name.
    pub fn event(&self, name: &str) -> Option<&EventWiring> {
        self.events.iter().find(|event| event.name == name)
    }
}
