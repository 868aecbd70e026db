//! The wiring as a text tree: command → entity → events → handlers → commands.

use std::collections::HashSet;
use std::fmt::{self, Formatter};

use serde_json::Value;

use super::description::{
    CommandWiring, CreationPolicy, EntityWiring, EventHandlerWiring, EventWiring, HandlerWiring,
    InvariantWiring, ScheduleWiring, ScopeWiring, StrategyWiring, Wiring,
};
use crate::domain::{Missed, Overlap};
use crate::handler::{DEFAULT_QUEUE, HandlerSettings};

impl fmt::Display for Wiring {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_tree(self, f)
    }
}

fn write_tree(wiring: &Wiring, f: &mut Formatter<'_>) -> fmt::Result {
    let mut builder = TreeBuilder { wiring, shown: HashSet::new() };
    let sections = [
        ("Commands", wiring.commands.iter().map(|part| builder.command(part)).collect()),
        ("Other events", builder.other_events()),
        ("Entities", wiring.entities.iter().map(entity).collect()),
        ("Strategies", wiring.strategies.iter().map(strategy).collect()),
    ];
    let mut is_first = true;
    for (title, roots) in sections.into_iter().filter(|(_, roots): &(_, Vec<Node>)| !roots.is_empty()) {
        if !std::mem::take(&mut is_first) {
            writeln!(f)?;
        }
        writeln!(f, "{title}")?;
        roots.iter().try_for_each(|root| {
            writeln!(f)?;
            root.write("", "", f)
        })?;
    }
    if is_first {
        writeln!(f, "Nothing is declared: link the crates of the domain.")?;
    }
    Ok(())
}

/// A line, its details, and the nodes below it.
struct Node {
    title: String,
    details: Vec<String>,
    below: Vec<Node>,
}

impl Node {
    fn leaf(title: String) -> Self {
        Self { title, details: Vec::new(), below: Vec::new() }
    }

    /// Writes the title after `branch`, and all other lines after `indent`.
    fn write(&self, branch: &str, indent: &str, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { title, details, below } = self;
        writeln!(f, "{branch}{title}")?;
        let trunk = if below.is_empty() { "  " } else { "│ " };
        details.iter().try_for_each(|detail| writeln!(f, "{indent}{trunk} {detail}"))?;
        below.iter().enumerate().try_for_each(|(index, node)| {
            let (branch, trunk) =
                if index + 1 == below.len() { ("└─", "  ") } else { ("├─", "│ ") };
            node.write(&format!("{indent}{branch} "), &format!("{indent}{trunk} "), f)
        })
    }
}

/// Builds the nodes of commands and events.
struct TreeBuilder<'a> {
    wiring: &'a Wiring,
    /// The events whose handlers have been shown. Each is expanded once, since events may form cycles.
    shown: HashSet<&'a str>,
}

impl<'a> TreeBuilder<'a> {
    fn command(&mut self, part: &'a CommandWiring) -> Node {
        let mut details = Vec::from_iter(aliases(part.aliases));
        details.extend(part.order_by.map(|field| format!("ordered by `{field}`")));
        details.extend(part.idempotency_key.map(|field| format!("idempotency key `{field}`")));
        details.extend(part.schedule.as_ref().map(ScheduleWiring::detail));
        let mut below = Vec::new();
        match (&part.handler, part.binding) {
            (None, _) => {
                details.extend(part.target.map(|field| format!("target `{field}`")));
                details.push("handled by another program".to_owned());
            }
            (Some(handler), None) => {
                details.extend(part.target.map(|field| format!("target `{field}`, not bound")));
                details.extend(handling(handler));
                below = self.effects(handler);
            }
            (Some(handler), Some(binding)) => {
                details.extend(handling(handler));
                let field = part.target.map(|field| format!(" by `{field}`")).unwrap_or_default();
                let entity = binding.entity;
                let title = match binding.create {
                    CreationPolicy::Never => format!("entity {entity}{field}, must exist"),
                    CreationPolicy::Always => format!("entity {entity}{field}, created"),
                    CreationPolicy::IfMissing => {
                        format!("entity {entity}{field}, created if missing")
                    }
                };
                let before = &part.invariants;
                let checks = (!before.is_empty()).then(|| format!("checks {}", before.join(", ")));
                below.push(Node { title, details: Vec::from_iter(checks), below: self.effects(handler) });
            }
        }
        Node { title: titled(part.name, &part.schema), details, below }
    }

    /// What a handler emits and publishes. Commands are not expanded here: they have a tree of their own.
    fn effects(&mut self, handler: &'a HandlerWiring) -> Vec<Node> {
        let wiring = self.wiring;
        let events = handler.emits.iter().filter_map(|name| wiring.event(name));
        let mut effects: Vec<_> = events
            .map(|part| {
                let node = self.event(part);
                Node { title: format!("event {}", node.title), ..node }
            })
            .collect();
        effects.extend(handler.publishes.iter().map(|name| Node::leaf(format!("command {name}"))));
        effects
    }

    fn event(&mut self, part: &'a EventWiring) -> Node {
        let title = titled(part.name, &part.schema);
        if !self.shown.insert(part.name) {
            let again = if part.handlers.is_empty() { "" } else { " (above)" };
            return Node::leaf(format!("{}{again}", part.name));
        }
        Node {
            title,
            details: Vec::new(),
            below: part.handlers.iter().map(|part| self.handler(part)).collect(),
        }
    }

    fn handler(&mut self, part: &'a EventHandlerWiring) -> Node {
        let EventHandlerWiring { name, aliases: former, handler } = part;
        let details = aliases(former).into_iter().chain(handling(handler)).collect();
        Node { title: format!("handler {name}"), details, below: self.effects(handler) }
    }

    /// The events that are not shown below a command: first those that no handler emits either.
    fn other_events(&mut self) -> Vec<Node> {
        let wiring = self.wiring;
        let handlers = wiring.events.iter().flat_map(|event| &event.handlers);
        let emitted: HashSet<_> = handlers.flat_map(|handler| &handler.handler.emits).collect();
        let (later, first): (Vec<_>, Vec<_>) =
            wiring.events.iter().partition(|event| emitted.contains(&event.name));
        let mut nodes = Vec::new();
        for part in first.into_iter().chain(later) {
            if !self.shown.contains(part.name) {
                nodes.push(self.event(part));
            }
        }
        nodes
    }
}

/// The settings of a handler, and what its parameters use.
fn handling(handler: &HandlerWiring) -> Vec<String> {
    let mut parameters: Vec<_> = handler.strategies.iter().map(ToString::to_string).collect();
    parameters.extend(handler.repositories.iter().map(|entity| format!("Repository<{entity}>")));
    parameters.extend(handler.capabilities.iter().map(|capability| short(capability)));
    let uses = (!parameters.is_empty()).then(|| format!("uses {}", parameters.join(", ")));
    let HandlerSettings { retry, timeout, queue } = handler.settings;
    let timeout = timeout.map(|timeout| format!("timeout {timeout:?}"));
    let retry = retry.repeats().then(|| retry.to_string());
    let queue = (queue != DEFAULT_QUEUE).then(|| format!("queue `{queue}`"));
    [queue, retry, timeout, uses].into_iter().flatten().collect()
}

impl ScheduleWiring {
    /// The times at which it ticks.
    pub(super) fn times(&self) -> String {
        match (self.every, &self.cron) {
            (Some(period), _) => format!("every {period:?}"),
            (None, Some(pattern)) => format!("at {pattern}"),
            (None, None) => "never".to_owned(),
        }
    }

    fn detail(&self) -> String {
        let missed = match self.settings.missed {
            Missed::Skip => "missed ticks are skipped",
            Missed::Once => "missed ticks run once",
            Missed::All => "every missed tick runs",
        };
        let overlap = match self.settings.overlap {
            // The default.
            Overlap::Skip => "",
            Overlap::Queue => "; runs queue",
            Overlap::Allow => "; runs may overlap",
        };
        format!("recurs {}; {missed}{overlap}", self.times())
    }
}

fn entity(part: &EntityWiring) -> Node {
    let invariant = |InvariantWiring { code, message, when, .. }: &InvariantWiring| {
        let when = match when {
            None => String::new(),
            Some(ScopeWiring::Command(name)) => format!(", before {name}"),
            Some(ScopeWiring::Event(name)) => format!(", at {name}"),
        };
        Node::leaf(format!("{code}{when}: {message}"))
    };
    Node { below: part.invariants.iter().map(invariant).collect(), ..Node::leaf(part.name.to_owned()) }
}

fn strategy(part: &StrategyWiring) -> Node {
    let variants = part.variants.iter().map(|variant| Node::leaf(variant.name.to_owned()));
    Node { below: variants.collect(), ..Node::leaf(part.name.to_owned()) }
}

/// A name, and the first paragraph of its description.
fn titled(name: &str, schema: &Value) -> String {
    let description = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    let paragraph: Vec<_> = description.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
    if paragraph.is_empty() { name.to_owned() } else { format!("{name}: {}", paragraph.join(" ")) }
}

fn aliases(names: &[&str]) -> Option<String> {
    (!names.is_empty()).then(|| format!("formerly {}", names.join(", ")))
}

/// The name of a type without paths: `dyn Mailer`.
fn short(type_name: &str) -> String {
    let mut text = String::new();
    for part in type_name.split_inclusive(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')) {
        text.push_str(part.rsplit("::").next().unwrap_or(part));
    }
    text
}
