//! The domain as a tree that a person likes to read: command → entity → events → handlers → commands.

use std::collections::HashSet;
use std::fmt::{self, Formatter};

use serde_json::Value;

use super::wiring::{
    CommandWiring, CreationPolicy, EntityWiring, EventHandlerWiring, EventWiring, HandlerWiring,
    InvariantWiring, ScheduleWiring, ScopeWiring, StrategyWiring, Wiring,
};
use crate::domain::Missed;
use crate::handler::{DEFAULT_QUEUE, HandlerSettings};

impl fmt::Display for Wiring {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write(self, f)
    }
}

fn write(wiring: &Wiring, f: &mut Formatter<'_>) -> fmt::Result {
    let mut growing = Growing { wiring, shown: HashSet::new() };
    let sections = [
        ("Commands", wiring.commands.iter().map(|part| growing.command(part)).collect()),
        ("Events that no command is seen to lead to", growing.other_events()),
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
        writeln!(f, "Nothing is declared here; see that the crates of the domain are linked.")?;
    }
    Ok(())
}

/// A line, what is to be said about it, and what it leads to.
struct Node {
    title: String,
    details: Vec<String>,
    below: Vec<Node>,
}

impl Node {
    fn leaf(title: String) -> Self {
        Self { title, details: Vec::new(), below: Vec::new() }
    }

    /// Writes the node behind `branch`, and all else behind `indent`.
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

/// What stands below commands and events.
struct Growing<'a> {
    wiring: &'a Wiring,
    /// The events whose handlers are shown already: they are shown once, so there is no going round in circles.
    shown: HashSet<&'a str>,
}

impl<'a> Growing<'a> {
    fn command(&mut self, part: &'a CommandWiring) -> Node {
        let mut details = Vec::from_iter(formerly(part.aliases));
        details.extend(part.order_by.map(|field| format!("one at a time, in order, for each `{field}`")));
        details.extend(part.idempotency_key.map(|field| format!("once for each `{field}`")));
        details.extend(part.schedule.as_ref().map(ScheduleWiring::in_words));
        let mut below = Vec::new();
        match (&part.handler, part.binding) {
            (None, _) => {
                details.extend(part.target.map(|field| format!("about `{field}`")));
                details.push("handled by another program".to_owned());
            }
            (Some(handler), None) => {
                details.extend(part.target.map(|field| format!("about `{field}`, which it does not bind")));
                details.extend(handling(handler));
                below = self.effects(handler);
            }
            (Some(handler), Some(binding)) => {
                details.extend(handling(handler));
                let field = part.target.map(|field| format!(" of `{field}`")).unwrap_or_default();
                let entity = binding.entity;
                let title = match binding.create {
                    CreationPolicy::Never => format!("entity {entity}{field}, which exists"),
                    CreationPolicy::Always => format!("entity {entity}{field}, which is created"),
                    CreationPolicy::IfMissing => {
                        format!("entity {entity}{field}, which is created if it is missing")
                    }
                };
                let before = &part.invariants;
                let checks = (!before.is_empty()).then(|| format!("only if {}", and(before)));
                below.push(Node { title, details: Vec::from_iter(checks), below: self.effects(handler) });
            }
        }
        Node { title: titled(part.name, &part.schema), details, below }
    }

    /// What a handler emits and publishes. A command stands whole among the commands.
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
        let EventHandlerWiring { name, aliases, handler } = part;
        let details = formerly(aliases).into_iter().chain(handling(handler)).collect();
        Node { title: format!("handler {name}"), details, below: self.effects(handler) }
    }

    /// The events that no command leads to: first those that no handler emits either.
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

/// How a handler is retried, how long it may take, and what it draws.
fn handling(handler: &HandlerWiring) -> Vec<String> {
    let mut draws: Vec<_> = handler.strategies.iter().map(ToString::to_string).collect();
    draws.extend(handler.repositories.iter().map(|entity| format!("Repository<{entity}>")));
    draws.extend(handler.capabilities.iter().map(|capability| short(capability)));
    let draws = (!draws.is_empty()).then(|| format!("draws {}", draws.join(", ")));
    let HandlerSettings { retry, timeout, queue } = handler.settings;
    let timeout = timeout.map(|timeout| format!("each attempt takes {timeout:?} at most"));
    let retried = retry.repeats().then(|| retry.to_string());
    let queue = (queue != DEFAULT_QUEUE).then(|| format!("in the queue `{queue}`"));
    [queue, retried, timeout, draws].into_iter().flatten().collect()
}

impl ScheduleWiring {
    /// When it recurs.
    pub(super) fn times(&self) -> String {
        match (self.every, &self.cron) {
            (Some(period), _) => format!("every {period:?}"),
            (None, Some(pattern)) => format!("at {pattern}"),
            (None, None) => "never".to_owned(),
        }
    }

    fn in_words(&self) -> String {
        let missed = match self.settings.missed {
            Missed::Skip => "what was missed is left out",
            Missed::Once => "once for all that was missed",
            Missed::All => "each time that was missed, too",
        };
        format!("recurs {}; {missed}", self.times())
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

fn formerly(aliases: &[&str]) -> Option<String> {
    (!aliases.is_empty()).then(|| format!("formerly {}", and(aliases)))
}

/// `a`, `a and b`, `a, b and c`.
fn and(names: &[&str]) -> String {
    match names {
        [others @ .., last] if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => names.concat(),
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
