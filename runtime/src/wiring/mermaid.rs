//! The domain as a Mermaid flowchart.

use std::collections::BTreeSet;
use std::fmt;

use super::{HandlerWiring, Wiring};

pub(super) struct Flowchart<'a>(pub(super) &'a Wiring);

/// A node: the letter of its kind keeps a command and an event of one name apart, and what Mermaid would read as one of
/// its own words.
struct Id<'a>(char, &'a str);

impl fmt::Display for Id<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(kind, name) = self;
        write!(f, "{kind}_")?;
        name.chars().try_for_each(|c| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' => write!(f, "{c}"),
            other => write!(f, "_{:x}_", u32::from(other)),
        })
    }
}

/// A name as the text of a node.
struct Text<'a>(&'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        self.0.chars().try_for_each(|c| match c {
            '"' | '#' | '<' | '>' | '&' => write!(f, "#{};", u32::from(c)),
            other => write!(f, "{other}"),
        })?;
        f.write_str("\"")
    }
}

impl fmt::Display for Flowchart<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "flowchart LR")?;
        for command in &self.0.commands {
            writeln!(f, "    {}[{}]", Id('c', command.name), Text(command.name))?;
        }
        for entity in &self.0.entities {
            writeln!(f, "    {}[({})]", Id('s', entity.name), Text(entity.name))?;
        }
        for event in &self.0.events {
            writeln!(f, "    {}{{{{{}}}}}", Id('e', event.name), Text(event.name))?;
            for handler in &event.handlers {
                writeln!(f, "    {}([{}])", Id('h', handler.name), Text(handler.name))?;
            }
        }
        self.edges().iter().try_for_each(|edge| writeln!(f, "    {edge}"))
    }
}

impl Flowchart<'_> {
    fn edges(&self) -> BTreeSet<String> {
        let mut edges = BTreeSet::new();
        for command in &self.0.commands {
            let own = Id('c', command.name);
            let Some(handler) = &command.handler else { continue };
            match command.binding {
                None => self.leads_to(&mut edges, &own, "", handler),
                Some(binding) => {
                    let entity = Id('s', binding.entity);
                    edges.insert(format!("{own} --> {entity}"));
                    self.leads_to(&mut edges, &entity, &format!("|{}|", Text(command.name)), handler);
                }
            }
        }
        for event in &self.0.events {
            for handler in &event.handlers {
                let own = Id('h', handler.name);
                edges.insert(format!("{} --> {own}", Id('e', event.name)));
                self.leads_to(&mut edges, &own, "", &handler.handler);
            }
        }
        edges
    }

    /// From a node to what its handler emits and publishes.
    fn leads_to(&self, edges: &mut BTreeSet<String>, from: &Id<'_>, label: &str, handler: &HandlerWiring) {
        edges.extend(handler.emits.iter().map(|name| format!("{from} -->{label} {}", Id('e', name))));
        edges.extend(handler.publishes.iter().map(|name| format!("{from} -->{label} {}", Id('c', name))));
    }
}
