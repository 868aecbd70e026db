//! Describes the registered parts as [`Wiring`].

use std::any::TypeId;
use std::sync::Arc;

use serde_json::Value;

use super::description::{
    BindingWiring, CommandWiring, CreationPolicy, EntityWiring, EventHandlerWiring, EventWiring,
    HandlerWiring, InvariantWiring, ScheduleWiring, ScopeWiring, StrategyWiring, VariantWiring, Wiring,
};
use super::parts::{Inputs, Located, Parts};
use crate::context::Requirement;
use crate::domain::{EntityPart, Times};
use crate::model::Source;
use crate::register::{
    AnyCreation, Body, CommandHandlerPart, CommandPart, EventHandlerPart, EventPart, HandlerPart,
    InvariantPart, SchedulePart, StrategyPart, VariantPart,
};

impl Wiring {
    /// Describes parts that have no problems.
    pub(super) fn of(parts: &Parts, inputs: &Inputs) -> Self {
        let describer = Describer { parts, inputs };
        Self {
            commands: by_name(&parts.commands, |part| describer.command(part), |command| command.name),
            events: by_name(&parts.events, |part| describer.event(part), |event| event.name),
            entities: by_name(&parts.entities, |part| describer.entity(part), |entity| entity.name),
            strategies: by_name(&parts.strategies, |part| describer.strategy(part), |strategy| strategy.name),
        }
    }
}

/// Describes parts, sorted by name.
fn by_name<'a, P: 'a, W>(
    parts: impl IntoIterator<Item = &'a P>,
    describe: impl FnMut(&'a P) -> W,
    name: impl Fn(&W) -> &'static str,
) -> Vec<W> {
    let mut wirings: Vec<_> = parts.into_iter().map(describe).collect();
    wirings.sort_by_key(name);
    wirings
}

struct Describer<'a> {
    parts: &'a Parts,
    inputs: &'a Inputs,
}

impl Describer<'_> {
    fn command(&self, (part, source): &Located<CommandPart>) -> CommandWiring {
        let handler = self.parts.handlers.iter().find(|(handler, _)| handler.command == part.type_id);
        let before = self.parts.invariants.iter().filter(|(invariant, _)| invariant.when == part.type_id);
        CommandWiring {
            name: part.name,
            aliases: part.aliases,
            source: *source,
            schema: self.schema(part.type_id),
            target: part.fields.target,
            idempotency_key: part.fields.idempotency_key,
            order_by: part.fields.order_by,
            handler: handler.map(|(part, at)| self.handler(*at, &part.handler)),
            schedule: handler.and_then(|(part, _)| part.schedule.as_ref()).map(schedule),
            binding: handler.and_then(|(part, _)| binding(part)),
            invariants: sorted(before.map(|(invariant, _)| invariant.code)),
        }
    }

    fn handler(&self, source: Source, part: &HandlerPart) -> HandlerWiring {
        let HandlerPart { settings, constructs, needs: requirements } = part;
        let names = |types: &[Requirement]| sorted(types.iter().map(|required| required.name));
        let is_constructed = |type_name: &str| {
            let ident = type_name.rsplit("::").next().unwrap_or(type_name);
            constructs.contains(&ident)
        };
        let events = self.parts.events.iter().filter(|(event, _)| is_constructed(event.type_name));
        let commands = self.parts.commands.iter().filter(|(command, _)| is_constructed(command.type_name));
        HandlerWiring {
            source,
            settings: *settings,
            capabilities: names(&requirements.capabilities),
            strategies: names(&requirements.strategies),
            repositories: names(&requirements.entities),
            emits: sorted(events.map(|(event, _)| event.name)),
            publishes: sorted(commands.map(|(command, _)| command.name)),
        }
    }

    fn event(&self, (part, source): &Located<EventPart>) -> EventWiring {
        let own = self.parts.event_handlers.iter().filter(|(handler, _)| handler.event == part.type_id);
        EventWiring {
            name: part.name,
            source: *source,
            schema: self.schema(part.type_id),
            handlers: by_name(own, |part| self.event_handler(part), |handler| handler.name),
        }
    }

    fn event_handler(&self, (part, source): &Located<EventHandlerPart>) -> EventHandlerWiring {
        EventHandlerWiring {
            name: part.name,
            aliases: part.aliases,
            handler: self.handler(*source, &part.handler),
        }
    }

    fn entity(&self, (part, source): &Located<EntityPart>) -> EntityWiring {
        let own = self.parts.invariants.iter().filter(|(invariant, _)| invariant.entity == part.type_id);
        EntityWiring {
            name: part.name,
            source: *source,
            invariants: by_name(own, |part| self.invariant(part), |invariant| invariant.code),
        }
    }

    fn invariant(&self, (part, source): &Located<Arc<InvariantPart>>) -> InvariantWiring {
        let InvariantPart { code, message, when, .. } = **part;
        InvariantWiring { code, message, when: self.scope(when), source: *source }
    }

    fn strategy(&self, (part, source): &Located<StrategyPart>) -> StrategyWiring {
        let own = self.parts.variants.iter().filter(|(variant, _)| variant.strategy == part.type_id);
        let variant =
            |(part, source): &Located<VariantPart>| VariantWiring { name: part.name, source: *source };
        let policy = self.parts.policies.iter().find(|(policy, _)| policy.strategy == part.type_id);
        StrategyWiring {
            name: part.name,
            source: *source,
            variants: by_name(own, variant, |variant| variant.name),
            policy: policy.map(|(_, source)| *source),
        }
    }

    fn scope(&self, when: TypeId) -> Option<ScopeWiring> {
        let mut commands = self.parts.commands.iter().filter(|(part, _)| part.type_id == when);
        let mut events = self.parts.events.iter().filter(|(part, _)| part.type_id == when);
        let command = commands.next().map(|(part, _)| ScopeWiring::Command(part.name));
        command.or_else(|| events.next().map(|(part, _)| ScopeWiring::Event(part.name)))
    }

    fn schema(&self, type_id: TypeId) -> Value {
        self.inputs.get(&type_id).map(|input| input.schema().clone()).unwrap_or_default()
    }
}

fn sorted(names: impl Iterator<Item = &'static str>) -> Vec<&'static str> {
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    names
}

fn schedule(SchedulePart { times, settings, .. }: &SchedulePart) -> ScheduleWiring {
    let (every, cron) = match times {
        Times::Every(period) => (Some(*period), None),
        #[cfg(feature = "cron")]
        Times::Cron(pattern) => (None, Some(pattern.clone())),
    };
    ScheduleWiring { every, cron, settings: *settings }
}

fn binding(handler: &CommandHandlerPart) -> Option<BindingWiring> {
    let Body::Bound(body) = &handler.body else { return None };
    let create = match body.creation {
        AnyCreation::Never => CreationPolicy::Never,
        AnyCreation::Always(_) => CreationPolicy::Always,
        AnyCreation::IfMissing(_) => CreationPolicy::IfMissing,
    };
    Some(BindingWiring { entity: body.entity.name, create })
}
