//! The domain as a tree that a person likes to read: command → entity → events → handlers → commands.

use std::fmt::{self, Write};

use super::{CommandWiring, CreationPolicy, EventHandlerWiring, EventWiring, HandlerWiring, Wiring};
use crate::Retry;

/// A line, and what stands below it.
struct Node {
    text: String,
    below: Vec<Node>,
}

pub(super) fn write(wiring: &Wiring, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let roots = [
        wiring.commands.iter().map(|part| command(wiring, part)).collect::<Vec<_>>(),
        // What a command leads to is shown below it.
        wiring
            .events
            .iter()
            .filter(|part| !is_emitted(wiring, part))
            .map(|part| event(wiring, part))
            .collect(),
        wiring.entities.iter().map(entity).collect(),
        wiring.strategies.iter().map(strategy).collect(),
    ];
    let titles = ["Commands", "Events that no handler is seen to emit", "Entities", "Strategies"];
    let sections = titles.into_iter().zip(roots).filter(|(_, roots)| !roots.is_empty());
    for (index, (title, roots)) in sections.enumerate() {
        if index > 0 {
            writeln!(f)?;
        }
        writeln!(f, "{title}")?;
        for root in &roots {
            writeln!(f)?;
            writeln!(f, "{}", root.text)?;
            write_below(&root.below, &mut String::new(), f)?;
        }
    }
    Ok(())
}

fn write_below(nodes: &[Node], indent: &mut String, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let depth = indent.len();
    for (index, Node { text, below }) in nodes.iter().enumerate() {
        let is_last = index + 1 == nodes.len();
        writeln!(f, "{indent}{} {text}", if is_last { "└─" } else { "├─" })?;
        indent.push_str(if is_last { "   " } else { "│  " });
        write_below(below, indent, f)?;
        indent.truncate(depth);
    }
    Ok(())
}

impl Node {
    fn leaf(text: impl Into<String>) -> Self {
        Self { text: text.into(), below: Vec::new() }
    }
}

fn command(wiring: &Wiring, part: &CommandWiring) -> Node {
    let mut below = Vec::new();
    if let Some(fields) = fields(part) {
        below.push(Node::leaf(fields));
    }
    if !part.aliases.is_empty() {
        below.push(Node::leaf(format!("was called {}", part.aliases.join(", "))));
    }
    match &part.handler {
        None => below.push(Node::leaf("another program handles it")),
        Some(handler) => {
            below.extend(binding(wiring, part).map(Node::leaf));
            below.extend(handling(wiring, handler));
        }
    }
    Node { text: titled(part.name, &part.schema), below }
}

/// The fields that mean something to the runtime.
fn fields(part: &CommandWiring) -> Option<String> {
    let fields =
        [("target", part.target), ("order by", part.order_by), ("idempotency key", part.idempotency_key)];
    let fields: Vec<_> =
        fields.iter().filter_map(|(what, field)| Some(format!("{what} {}", (*field)?))).collect();
    (!fields.is_empty()).then(|| fields.join(" · "))
}

/// The entity, and what must hold of it before the handler runs.
fn binding(wiring: &Wiring, part: &CommandWiring) -> Option<String> {
    let binding = part.binding?;
    let mut text = match binding.create {
        CreationPolicy::Never => format!("{}, which exists", binding.entity),
        CreationPolicy::Always => format!("{}, made here", binding.entity),
        CreationPolicy::IfMissing => format!("{}, made here if it is missing", binding.entity),
    };
    let entity = wiring.entities.iter().find(|entity| entity.name == binding.entity);
    let before = entity.into_iter().flat_map(|entity| &entity.invariants);
    let before: Vec<_> = before
        .filter(|invariant| invariant.when == Some(part.name))
        .map(|invariant| invariant.code)
        .collect();
    if !before.is_empty() {
        let _ = write!(text, ", if {}", before.join(", "));
    }
    Some(text)
}

/// What a handler draws, how it is retried, and what it leads to.
fn handling(wiring: &Wiring, handler: &HandlerWiring) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut draws: Vec<_> = handler.strategies.iter().map(ToString::to_string).collect();
    draws.extend(handler.repositories.iter().map(|entity| format!("Repository<{entity}>")));
    draws.extend(handler.capabilities.iter().map(|capability| short(capability)));
    if !draws.is_empty() {
        nodes.push(Node::leaf(format!("draws {}", draws.join(", "))));
    }
    nodes.extend(retried(handler.retry).map(Node::leaf));
    let emitted = handler.emits.iter().filter_map(|name| wiring.event(name));
    nodes.extend(emitted.map(|part| event(wiring, part)));
    nodes.extend(handler.publishes.iter().map(|name| Node::leaf(format!("⇒ {name}"))));
    nodes
}

/// An event, and what it leads to. A command that is published stands here by name, and whole among the commands: so
/// there is no going round in circles.
fn event(wiring: &Wiring, part: &EventWiring) -> Node {
    let handler = |EventHandlerWiring { name, handler, .. }: &EventHandlerWiring| Node {
        text: (*name).to_owned(),
        below: without_events(wiring, handler),
    };
    Node {
        text: format!("! {}", titled(part.name, &part.schema)),
        below: part.handlers.iter().map(handler).collect(),
    }
}

/// The same, below an event: an event that is emitted there stands by name.
fn without_events(wiring: &Wiring, handler: &HandlerWiring) -> Vec<Node> {
    let emitted = handler.emits.iter().map(|name| Node::leaf(format!("! {name}")));
    let quiet = HandlerWiring { emits: Vec::new(), ..handler.clone() };
    handling(wiring, &quiet).into_iter().chain(emitted).collect()
}

/// Whether it is shown below a command that leads to it.
fn is_emitted(wiring: &Wiring, event: &EventWiring) -> bool {
    let mut handlers = wiring.commands.iter().filter_map(|command| command.handler.as_ref());
    handlers.any(|handler| handler.emits.contains(&event.name))
}

fn entity(part: &super::EntityWiring) -> Node {
    let invariant = |invariant: &super::InvariantWiring| {
        let when = invariant.when.map(|when| format!(" (when {when})")).unwrap_or_default();
        Node::leaf(format!("{}{when}: {}", invariant.code, invariant.message))
    };
    Node { text: part.name.to_owned(), below: part.invariants.iter().map(invariant).collect() }
}

fn strategy(part: &super::StrategyWiring) -> Node {
    let below = part.variants.iter().map(|variant| Node::leaf(variant.name)).collect();
    Node { text: part.name.to_owned(), below }
}

/// A name, and the first line of its description.
fn titled(name: &str, schema: &serde_json::Value) -> String {
    let description = schema.get("description").and_then(serde_json::Value::as_str);
    match description.and_then(|text| text.lines().next()) {
        Some(line) => format!("{name}: {line}"),
        None => name.to_owned(),
    }
}

fn retried(retry: Retry) -> Option<String> {
    let Retry { attempts, base, growth } = retry;
    let grows = if growth > 1 { ", and longer each time" } else { "" };
    match attempts {
        0 | 1 => None,
        u32::MAX => Some(format!("retried until it succeeds, after {base:?}{grows}")),
        _ => Some(format!("at most {attempts} attempts, the next after {base:?}{grows}")),
    }
}

/// A type's name without the paths: `dyn Mailer`.
fn short(type_name: &str) -> String {
    let mut text = String::new();
    for part in type_name.split_inclusive(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')) {
        text.push_str(part.rsplit("::").next().unwrap_or(part));
    }
    text
}
