//! The registered parts of a program, and their resolution into plans and a description, or a list of problems.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::Arc;

use super::description::Wiring;
use super::input_schema::{InputSchema, UnknownFields};
use super::plans::Plans;
use super::problem::Problem;
use crate::domain::{EntityPart, Timetable};
use crate::model::{Capabilities, Source};
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

    /// Resolves the parts, or returns all problems.
    pub(crate) fn resolve(
        self,
        capabilities: &Capabilities,
        queues: &[Located<String>],
        max_payload_bytes: usize,
    ) -> Result<(Plans, Wiring), Vec<Problem>> {
        let mut problems = Vec::new();
        self.check(capabilities, queues, &mut problems);
        let inputs = self.compile(max_payload_bytes, &mut problems);
        let timetables = self.timetables(&mut problems);
        problems.sort();
        problems.dedup();
        if !problems.is_empty() {
            return Err(problems);
        }
        let wiring = Wiring::of(&self, &inputs);
        Ok((self.plan(inputs, timetables), wiring))
    }

    /// Compiles the schema of every command and event.
    fn compile(&self, max_payload_bytes: usize, problems: &mut Vec<Problem>) -> Inputs {
        let mut compile = |source, name, schema, parse, unknown_fields| {
            InputSchema::compile(name, schema, parse, unknown_fields, max_payload_bytes)
                .map(Arc::new)
                .map_err(|reason| {
                    let message = format!("the JSON Schema of `{name}` is invalid {reason}");
                    problems.push(Problem { source, message });
                })
                .ok()
        };
        let mut inputs = Inputs::new();
        for (part, source) in &self.commands {
            let input = compile(*source, part.name, part.schema, part.parse, UnknownFields::Refused);
            inputs.extend(input.map(|input| (part.type_id, input)));
        }
        for (part, source) in &self.events {
            let input = compile(*source, part.name, part.schema, part.parse, UnknownFields::Ignored);
            inputs.extend(input.map(|input| (part.type_id, input)));
        }
        inputs
    }

    /// Resolves the schedules of recurring commands.
    fn timetables(&self, problems: &mut Vec<Problem>) -> Timetables {
        let mut timetables = Timetables::new();
        for (handler, source) in &self.handlers {
            let Some(schedule) = &handler.schedule else { continue };
            match Timetable::of(&schedule.times) {
                Ok(timetable) => {
                    timetables.insert(handler.command, timetable);
                }
                Err(reason) => {
                    let message = format!("the schedule of `{}` is invalid: {reason}", handler.command_name);
                    problems.push(Problem { source: *source, message });
                }
            }
        }
        timetables
    }

    /// Builds the plans of parts that have no problems.
    fn plan(self, mut inputs: Inputs, mut timetables: Timetables) -> Plans {
        let mut plans = Plans::default();
        for (part, _) in self.commands {
            if let Some(input) = inputs.remove(&part.type_id) {
                let mut handlers = self.handlers.iter().map(|(handler, _)| handler);
                let handler = handlers.find(|handler| handler.command == part.type_id);
                plans.add_command(part, input, handler);
            }
        }
        let event_handlers: Vec<_> = self.event_handlers.into_iter().map(|(part, _)| part).collect();
        for (part, _) in self.events {
            if let Some(input) = inputs.remove(&part.type_id) {
                plans.add_event(&part, input, &event_handlers);
            }
        }
        let invariants: Vec<_> = self.invariants.into_iter().map(|(part, _)| part).collect();
        for (handler, _) in &self.handlers {
            plans.add_handler(handler, &invariants);
            if let Some(timetable) = timetables.remove(&handler.command) {
                plans.add_schedule(handler, timetable);
            }
        }
        for handler in &event_handlers {
            plans.add_event_handler(handler);
        }
        for invariant in invariants {
            plans.add_invariant(invariant);
        }
        plans
    }
}

/// The timetables of recurring commands, by type.
type Timetables = HashMap<TypeId, Timetable>;

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
