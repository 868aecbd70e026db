//! From what was registered to its description.

use std::any::TypeId;

use super::parts::{Inputs, Parts};
use super::{
    BindingWiring, CommandWiring, CreationPolicy, EntityWiring, EventHandlerWiring, EventWiring,
    HandlerWiring, InvariantWiring, StrategyWiring, VariantWiring, Wiring,
};
use crate::context::{Needed, Requirements};
use crate::registration::{AnyCreation, Body, CommandHandlerPart, CommandPart};
use crate::{Retry, Source};

impl Wiring {
    /// Describes a domain without problems.
    pub(super) fn of(parts: &Parts, inputs: &Inputs) -> Self {
        let describing = Describing { parts, inputs };
        let mut wiring = Self {
            commands: parts.commands.iter().map(|(part, at)| describing.command(part, *at)).collect(),
            events: describing.events(),
            entities: describing.entities(),
            strategies: describing.strategies(),
        };
        wiring.commands.sort_by_key(|command| command.name);
        wiring.events.sort_by_key(|event| event.name);
        wiring.entities.sort_by_key(|entity| entity.name);
        wiring.strategies.sort_by_key(|strategy| strategy.name);
        wiring
    }
}

struct Describing<'a> {
    parts: &'a Parts,
    inputs: &'a Inputs,
}

impl Describing<'_> {
    fn command(&self, part: &CommandPart, source: Source) -> CommandWiring {
        let handler = self.parts.handlers.iter().find(|(handler, _)| handler.command == part.type_id);
        let before = self.parts.invariants.iter().filter(|(invariant, _)| invariant.when == part.type_id);
        CommandWiring {
            name: part.name,
            aliases: part.aliases,
            source,
            schema: self.schema(part.type_id),
            target: part.fields.target,
            idempotency_key: part.fields.idempotency_key,
            order_by: part.fields.order_by,
            handler: handler.map(|(part, at)| self.handler(*at, part.retry, &part.needs, part.constructs)),
            binding: handler.and_then(|(part, _)| binding(part)),
            invariants: sorted(before.map(|(invariant, _)| invariant.code)),
        }
    }

    fn handler(
        &self,
        source: Source,
        retry: Retry,
        needs: &Requirements,
        constructs: &[&str],
    ) -> HandlerWiring {
        let names = |needs: &[Needed]| sorted(needs.iter().map(|need| need.name));
        let is_constructed = |type_name: &str| {
            let ident = type_name.rsplit("::").next().unwrap_or(type_name);
            constructs.contains(&ident)
        };
        let events = self.parts.events.iter().filter(|(event, _)| is_constructed(event.type_name));
        let commands = self.parts.commands.iter().filter(|(command, _)| is_constructed(command.type_name));
        HandlerWiring {
            source,
            retry,
            capabilities: names(&needs.capabilities),
            strategies: names(&needs.strategies),
            repositories: names(&needs.entities),
            emits: sorted(events.map(|(event, _)| event.name)),
            publishes: sorted(commands.map(|(command, _)| command.name)),
        }
    }

    fn events(&self) -> Vec<EventWiring> {
        let event = |part: &crate::registration::EventPart, source: Source| {
            let own = self.parts.event_handlers.iter().filter(|(handler, _)| handler.event == part.type_id);
            let mut handlers: Vec<_> = own
                .map(|(part, at)| EventHandlerWiring {
                    name: part.name,
                    aliases: part.aliases,
                    handler: self.handler(*at, part.retry, &part.needs, part.constructs),
                })
                .collect();
            handlers.sort_by_key(|handler| handler.name);
            EventWiring { name: part.name, source, schema: self.schema(part.type_id), handlers }
        };
        self.parts.events.iter().map(|(part, at)| event(part, *at)).collect()
    }

    fn entities(&self) -> Vec<EntityWiring> {
        let entity = |type_id: TypeId, name, source| {
            let own = self.parts.invariants.iter().filter(|(invariant, _)| invariant.entity == type_id);
            let invariant = |(part, at): &super::parts::Located<std::sync::Arc<_>>| {
                let part: &crate::registration::InvariantPart = part;
                InvariantWiring {
                    code: part.code,
                    message: part.message,
                    when: self.message(part.when),
                    source: *at,
                }
            };
            let mut invariants: Vec<_> = own.map(invariant).collect();
            invariants.sort_by_key(|invariant| invariant.code);
            EntityWiring { name, source, invariants }
        };
        self.parts.entities.iter().map(|(part, at)| entity(part.type_id, part.name, *at)).collect()
    }

    fn strategies(&self) -> Vec<StrategyWiring> {
        let strategy = |type_id: TypeId, name, source| {
            let own = self.parts.variants.iter().filter(|(variant, _)| variant.strategy == type_id);
            let mut variants: Vec<_> =
                own.map(|(variant, at)| VariantWiring { name: variant.name, source: *at }).collect();
            variants.sort_by_key(|variant| variant.name);
            let policy = self.parts.policies.iter().find(|(policy, _)| policy.strategy == type_id);
            StrategyWiring { name, source, variants, policy: policy.map(|(_, at)| *at) }
        };
        self.parts.strategies.iter().map(|(part, at)| strategy(part.type_id, part.name, *at)).collect()
    }

    /// The name of a command or an event.
    fn message(&self, type_id: TypeId) -> Option<&'static str> {
        let commands = self.parts.commands.iter().map(|(part, _)| (part.type_id, part.name));
        let events = self.parts.events.iter().map(|(part, _)| (part.type_id, part.name));
        commands.chain(events).find(|(own, _)| *own == type_id).map(|(_, name)| name)
    }

    fn schema(&self, type_id: TypeId) -> serde_json::Value {
        self.inputs.get(&type_id).map(|input| input.schema().clone()).unwrap_or_default()
    }
}

fn sorted(names: impl Iterator<Item = &'static str>) -> Vec<&'static str> {
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    names
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
