//! The wiring as a Mermaid flowchart.

use std::fmt::{self, Display, Formatter};

use super::description::{CommandWiring, EventWiring, HandlerWiring, Wiring};

pub(super) struct Flowchart<'a>(pub(super) &'a Wiring);

impl Wiring {
    /// Renders the wiring as a [Mermaid](https://mermaid.js.org) flowchart: from commands through entities and events to
    /// event handlers, and from these to further commands.
    pub fn to_mermaid(&self) -> String {
        Flowchart(self).to_string()
    }
}

/// Prefixes of node ids, so that nodes of different kinds may have the same name.
const TICK: char = 't';
const COMMAND: char = 'c';
const ENTITY: char = 's';
const EVENT: char = 'e';
const HANDLER: char = 'h';

/// The id of a node. The prefix keeps it apart from Mermaid's keywords. Characters that may be special to Mermaid are written
/// as their code point between dots.
#[derive(Clone, Copy)]
struct Id<'a>(char, &'a str);

impl Display for Id<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(kind, name) = self;
        write!(f, "{kind}_")?;
        name.chars().try_for_each(|c| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' => write!(f, "{c}"),
            other => write!(f, ".{:x}.", u32::from(other)),
        })
    }
}

/// Quoted text. Characters that Mermaid may read as quotes, HTML, Markdown or mathematics are written as entity codes.
struct Text<'a>(&'a str);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        self.0.chars().try_for_each(|c| {
            if c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.' | ':' | '/') {
                write!(f, "{c}")
            } else {
                write!(f, "#{};", u32::from(c))
            }
        })?;
        f.write_str("\"")
    }
}

impl Display for Flowchart<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Wiring { commands, events, .. } = self.0;
        writeln!(f, "flowchart LR")?;
        self.write_nodes(f)?;
        self.write_ticks(f)?;
        commands.iter().try_for_each(|part| write_command(part, f))?;
        events.iter().try_for_each(|part| write_event(part, f))
    }
}

impl Flowchart<'_> {
    /// A node for each schedule. It is labelled by its times, since schedules have no names.
    fn write_ticks(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for part in &self.0.commands {
            if let Some(schedule) = &part.schedule {
                let tick = Id(TICK, part.name);
                writeln!(f, "    {tick}(({})) --> {}", Text(&schedule.times()), Id(COMMAND, part.name))?;
            }
        }
        Ok(())
    }

    /// Each kind has its own shape. A remote command has a double border.
    fn write_nodes(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for CommandWiring { name, handler, .. } in &self.0.commands {
            let (open, close) = if handler.is_some() { ("[", "]") } else { ("[[", "]]") };
            writeln!(f, "    {}{open}{}{close}", Id(COMMAND, name), Text(name))?;
        }
        for entity in &self.0.entities {
            writeln!(f, "    {}[({})]", Id(ENTITY, entity.name), Text(entity.name))?;
        }
        for event in &self.0.events {
            writeln!(f, "    {}{{{{{}}}}}", Id(EVENT, event.name), Text(event.name))?;
        }
        for handler in self.0.events.iter().flat_map(|event| &event.handlers) {
            writeln!(f, "    {}([{}])", Id(HANDLER, handler.name), Text(handler.name))?;
        }
        Ok(())
    }
}

/// Edges from a command through the entity that it binds to the handler's effects.
fn write_command(part: &CommandWiring, f: &mut Formatter<'_>) -> fmt::Result {
    let own = Id(COMMAND, part.name);
    let Some(handler) = &part.handler else { return Ok(()) };
    write_repositories(own, handler, f)?;
    match part.binding {
        None => write_effects(own, "", handler, f),
        Some(binding) => {
            let entity = Id(ENTITY, binding.entity);
            writeln!(f, "    {own} --> {entity}")?;
            // Several commands may bind the entity, so the edge names the command.
            write_effects(entity, &format!("|{}|", Text(part.name)), handler, f)
        }
    }
}

fn write_event(part: &EventWiring, f: &mut Formatter<'_>) -> fmt::Result {
    part.handlers.iter().try_for_each(|handler| {
        let own = Id(HANDLER, handler.name);
        writeln!(f, "    {} --> {own}", Id(EVENT, part.name))?;
        write_repositories(own, &handler.handler, f)?;
        write_effects(own, "", &handler.handler, f)
    })
}

/// Edges to the entities that a handler accesses through repositories.
fn write_repositories(from: Id<'_>, handler: &HandlerWiring, f: &mut Formatter<'_>) -> fmt::Result {
    let mut entities = handler.repositories.iter();
    entities.try_for_each(|entity| writeln!(f, "    {from} -.-> {}", Id(ENTITY, entity)))
}

/// Edges to what a handler emits and publishes.
fn write_effects(from: Id<'_>, label: &str, handler: &HandlerWiring, f: &mut Formatter<'_>) -> fmt::Result {
    let events = handler.emits.iter().map(|name| Id(EVENT, name));
    let commands = handler.publishes.iter().map(|name| Id(COMMAND, name));
    events.chain(commands).try_for_each(|effect| writeln!(f, "    {from} -->{label} {effect}"))
}
