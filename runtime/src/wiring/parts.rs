//! The registered parts of a program.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::Arc;

use super::input_schema::InputSchema;
use crate::domain::EntityPart;
use crate::model::Source;
use crate::register::{
    Body, CommandHandlerPart, CommandPart, EventHandlerPart, EventPart, InvariantPart, Part, PolicyPart,
    Registration, StrategyPart, VariantPart,
};

/// A part and its place in the source of the program.
pub(super) type Located<T> = (T, Source);

/// All parts that are linked into the program.
#[derive(Default)]
pub(crate) struct Parts {
    pub(super) entities: Vec<Located<EntityPart>>,
    pub(super) commands: Vec<Located<CommandPart>>,
    pub(super) events: Vec<Located<EventPart>>,
    pub(super) handlers: Vec<Located<CommandHandlerPart>>,
    pub(super) event_handlers: Vec<Located<EventHandlerPart>>,
    pub(super) invariants: Vec<Located<Arc<InvariantPart>>>,
    pub(super) strategies: Vec<Located<StrategyPart>>,
    pub(super) variants: Vec<Located<VariantPart>>,
    pub(super) policies: Vec<Located<PolicyPart>>,
}

impl Parts {
    pub(crate) fn collect() -> Self {
        let mut registrations: Vec<_> = inventory::iter::<Registration>().collect();
        // The order of registrations is the linker's. It must be stable, since the first violated invariant determines the
        // code of a failure.
        registrations.sort_by_key(|registration| registration.source);
        let mut parts = Self::default();
        for Registration { part, source } in registrations {
            match part() {
                Part::Entity(part) => parts.entities.push((part, *source)),
                Part::Command(part) => parts.commands.push((part, *source)),
                Part::Event(part) => parts.events.push((part, *source)),
                Part::CommandHandler(part) => parts.handlers.push((part, *source)),
                Part::EventHandler(part) => parts.event_handlers.push((part, *source)),
                Part::Invariant(part) => parts.invariants.push((Arc::new(part), *source)),
                Part::Strategy(part) => parts.strategies.push((part, *source)),
                Part::Variant(part) => parts.variants.push((part, *source)),
                Part::Policy(part) => parts.policies.push((part, *source)),
            }
        }
        parts
    }
}

/// The schemas of commands and events, by type.
pub(super) type Inputs = HashMap<TypeId, Arc<InputSchema>>;

impl Body {
    /// The entity that the handler binds.
    pub(super) fn entity(&self) -> Option<&EntityPart> {
        match self {
            Self::Bound(body) => Some(&body.entity),
            Self::Unbound(_) => None,
        }
    }
}
