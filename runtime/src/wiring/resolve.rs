//! From parts to plans and a description, or to a list of problems: those that [`check`](super::check) finds, invalid schemas and
//! invalid schedules.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::Arc;

use super::description::Wiring;
use super::input_schema::{InputSchema, UnknownFields};
use super::parts::{Inputs, Located, Parts};
use super::plans::Plans;
use super::problem::Problem;
use crate::domain::Timetable;
use crate::model::Capabilities;

impl Parts {
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
            InputSchema::compile(name, schema, parse, unknown_fields, max_payload_bytes, problems)
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
            let resolved = match schedule.settings.contradiction() {
                Some(reason) => Err(reason.to_owned()),
                None => Timetable::of(&schedule.times),
            };
            match resolved {
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
        for (part, _) in self.events {
            if let Some(input) = inputs.remove(&part.type_id) {
                plans.add_event(&part, input, &self.event_handlers);
            }
        }
        let invariants: Vec<_> = self.invariants.into_iter().map(|(part, _)| part).collect();
        for handler in &self.handlers {
            plans.add_handler(handler, &invariants);
            if let Some(timetable) = timetables.remove(&handler.0.command) {
                plans.add_schedule(&handler.0, timetable);
            }
        }
        for handler in &self.event_handlers {
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
