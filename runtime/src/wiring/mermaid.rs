//! The domain as a Mermaid flowchart.

use std::fmt::{self, Display, Formatter};

use super::wiring::{CommandWiring, EventWiring, HandlerWiring, Wiring};

pub(super) struct Flowchart<'a>(pub(super) &'a Wiring);

impl Wiring {
    /// The domain as a [Mermaid](https://mermaid.js.org) flowchart: from commands through entities and events to event
    /// handlers, and from these on to commands.
    pub fn to_mermaid(&self) -> String {
        Flowchart(self).to_string()
    }
}

/// The kinds of nodes: the letters by which a command and an event of one name are kept apart.
const TICK: char = 't';
const COMMAND: char = 'c';
const ENTITY: char = 's';
const EVENT: char = 'e';
const HANDLER: char = 'h';

/// A node's id. It begins with a letter of ours, so no name is read as one of Mermaid's own words, and has no character
/// that means something to Mermaid: what is neither an ASCII letter, a digit nor `_` is its number between dots.
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

/// A text in quotes. Whatever Mermaid could read as quotes, HTML, Markdown or mathematics is written as its number.
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
    /// What comes round by itself has no name of its own: it is told by its times.
    fn write_ticks(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for part in &self.0.commands {
            if let Some(schedule) = &part.schedule {
                let tick = Id(TICK, part.name);
                writeln!(f, "    {tick}(({})) --> {}", Text(&schedule.times()), Id(COMMAND, part.name))?;
            }
        }
        Ok(())
    }

    /// Each kind has a shape of its own; a command that another program handles has two more edges.
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

/// From a command through the entity that it binds to what comes of it.
fn write_command(part: &CommandWiring, f: &mut Formatter<'_>) -> fmt::Result {
    let own = Id(COMMAND, part.name);
    let Some(handler) = &part.handler else { return Ok(()) };
    write_repositories(own, handler, f)?;
    match part.binding {
        None => write_effects(own, "", handler, f),
        Some(binding) => {
            let entity = Id(ENTITY, binding.entity);
            writeln!(f, "    {own} --> {entity}")?;
            // Many commands come to one entity: each effect says whose it is.
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

/// The entities that a handler reads, or saves, besides the one that it binds.
fn write_repositories(from: Id<'_>, handler: &HandlerWiring, f: &mut Formatter<'_>) -> fmt::Result {
    let mut entities = handler.repositories.iter();
    entities.try_for_each(|entity| writeln!(f, "    {from} -.-> {}", Id(ENTITY, entity)))
}

/// What a handler emits and publishes.
fn write_effects(from: Id<'_>, label: &str, handler: &HandlerWiring, f: &mut Formatter<'_>) -> fmt::Result {
    let events = handler.emits.iter().map(|name| Id(EVENT, name));
    let commands = handler.publishes.iter().map(|name| Id(COMMAND, name));
    events.chain(commands).try_for_each(|effect| writeln!(f, "    {from} -->{label} {effect}"))
}
