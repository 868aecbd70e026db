//! Checks the registered parts for problems.

use std::any::TypeId;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::parts::{Located, Parts};
use super::problem::Problem;
use crate::context::{Requirement, Requirements};
use crate::handler::{Always, DEFAULT_QUEUE};
use crate::model::{Capabilities, Source};
use crate::register::{CommandHandlerPart, CommandPart, EventHandlerPart, InvariantPart};

impl Parts {
    /// Collects the problems of the parts as such; `resolve` adds those of schemas and schedules. There is one function for each kind.
    pub(super) fn check(
        &self,
        capabilities: &Capabilities,
        queues: &[Located<String>],
        problems: &mut Vec<Problem>,
    ) {
        self.check_names(problems);
        self.check_aliases(problems);
        self.check_handlers(problems);
        self.check_event_handlers(problems);
        self.check_entities(problems);
        self.check_invariants(problems);
        self.check_capabilities(capabilities, problems);
        self.check_strategies(problems);
        self.check_policies(problems);
        self.check_queues(queues, problems);
    }

    /// Stored names are unique within their kind. Commands and event handlers share a kind, since both name jobs.
    fn check_names(&self, problems: &mut Vec<Problem>) {
        let mut sources: BTreeMap<(String, &str), Vec<Source>> = BTreeMap::new();
        for (kind, name, source) in self.names() {
            sources.entry((kind, name)).or_default().push(source);
        }
        for ((kind, name), mut sources) in sources {
            sources.sort();
            let option = if kind.starts_with("invariant") { "code" } else { "name" };
            problems.extend(sources.windows(2).map(|pair| {
                let first = pair[0];
                let message = format!(
                    "`{name}` is already the name of another {kind}, at {first}: rename one of them with \
                     `{option} = \"…\"`"
                );
                Problem { source: pair[1], message }
            }));
        }
    }

    /// The kind, the name and the place of each part.
    fn names(&self) -> impl Iterator<Item = (String, &'static str, Source)> {
        let jobs = self.jobs().map(|(name, _, at)| (JOB.to_owned(), name, at));
        let entities = self.entities.iter().map(|(part, at)| ("entity".to_owned(), part.name, *at));
        let events = self.events.iter().map(|(part, at)| ("event".to_owned(), part.name, *at));
        let strategies = self.strategies.iter().map(|(part, at)| ("strategy".to_owned(), part.name, *at));
        let invariants = self
            .invariants
            .iter()
            .map(|(part, at)| (format!("invariant of `{}`", part.entity_name), part.code, *at));
        let variants = self
            .variants
            .iter()
            .map(|(part, at)| (format!("variant of `{}`", part.strategy_name), part.name, *at));
        jobs.chain(entities).chain(events).chain(strategies).chain(invariants).chain(variants)
    }

    /// The name, the aliases and the place of each part that names jobs.
    fn jobs(&self) -> impl Iterator<Item = (&'static str, &'static [&'static str], Source)> {
        let commands = self.commands.iter().map(|(part, at)| (part.name, part.aliases, *at));
        let handlers = self.event_handlers.iter().map(|(part, at)| (part.name, part.aliases, *at));
        commands.chain(handlers)
    }

    /// Each stored job name belongs to one part.
    fn check_aliases(&self, problems: &mut Vec<Problem>) {
        let mut taken: HashMap<&str, (&str, Source)> =
            self.jobs().map(|(name, _, at)| (name, (name, at))).collect();
        for (name, aliases, source) in self.jobs() {
            for alias in aliases {
                let message = match taken.insert(alias, (name, source)) {
                    None => continue,
                    Some((owner, _)) if owner == name => {
                        format!("the alias `{alias}` of `{name}` is redundant: remove it")
                    }
                    Some((owner, at)) if owner == *alias => format!(
                        "`{name}` cannot have the alias `{alias}`, which is the name of another {JOB}, at {at}: remove \
                         the alias"
                    ),
                    Some((owner, at)) => format!(
                        "`{name}` cannot have the alias `{alias}`, which is already an alias of `{owner}`, at {at}: \
                         remove one of the two"
                    ),
                };
                problems.push(Problem { source, message });
            }
        }
    }

    /// Each command has exactly one handler, and each handler has a registered command.
    fn check_handlers(&self, problems: &mut Vec<Problem>) {
        let mut handled: HashMap<TypeId, Source> = HashMap::new();
        for (handler, source) in &self.handlers {
            let name = handler.command_name;
            if let Some(first) = handled.insert(handler.command, *source) {
                let message = format!("`{name}` already has a handler, at {first}: remove one of the two");
                problems.push(Problem { source: *source, message });
            }
            match self.commands.iter().find(|(command, _)| command.type_id == handler.command) {
                None => problems.push(unregistered(*source, "command", name)),
                Some((command, at)) if command.is_remote => {
                    let message = format!(
                        "`{name}` has a handler here, but is declared as `remote`, at {at}: remove one of the two"
                    );
                    problems.push(Problem { source: *source, message });
                }
                Some(_) => {}
            }
        }
        let is_unhandled =
            |command: &CommandPart| !command.is_remote && !handled.contains_key(&command.type_id);
        let unhandled = self.commands.iter().filter(|(command, _)| is_unhandled(command));
        problems.extend(unhandled.map(|(CommandPart { name, type_name, .. }, source)| {
            let ty = type_name.rsplit("::").next().unwrap_or(type_name);
            let message = format!(
                "the command `{name}` has no handler: write `#[command] async fn …(command: {ty}, …)`, or link the \
                 crate that contains it; if another program handles the command, declare it as `#[command(remote)]`"
            );
            Problem { source: *source, message }
        }));
    }

    fn check_event_handlers(&self, problems: &mut Vec<Problem>) {
        let is_registered =
            |handler: &EventHandlerPart| self.events.iter().any(|(event, _)| event.type_id == handler.event);
        let orphans = self.event_handlers.iter().filter(|(handler, _)| !is_registered(handler));
        problems.extend(orphans.map(|(handler, source)| unregistered(*source, "event", handler.event_name)));
    }

    /// Each entity in use is registered, so that [`check_names`](Self::check_names) covers its name.
    fn check_entities(&self, problems: &mut Vec<Problem>) {
        let registered: HashSet<_> = self.entities.iter().map(|(part, _)| part.type_id).collect();
        let bound = self.handlers.iter().filter_map(|(handler, at)| {
            handler.body.entity().map(|entity| (entity.type_id, entity.name, *at))
        });
        let required = self.requirements().flat_map(|(_, requirements, at)| {
            requirements.entities.iter().map(move |entity| (entity.type_id, entity.name, at))
        });
        let missing = bound.chain(required).filter(|(entity, _, _)| !registered.contains(entity));
        problems.extend(missing.map(|(_, name, source)| {
            let message = format!(
                "the entity `{name}` is used here, but not registered: put `#[entity]` on its type, or \
                 `enact::register!` a hand-written implementation"
            );
            Problem { source, message }
        }));
    }

    /// Each invariant is checked by some execution.
    fn check_invariants(&self, problems: &mut Vec<Problem>) {
        for (part, source) in &self.invariants {
            let InvariantPart { code, entity_name, when_name, .. } = &**part;
            let reason = if !self.is_written(part.entity) {
                format!(
                    "no handler takes `&mut {entity_name}` or `Repository<{entity_name}>`; link the crate of its handlers, \
                     or remove the invariant"
                )
            } else if !self.is_scope(part) {
                format!("`{when_name}` is neither an event nor a command whose handler binds `{entity_name}`")
            } else {
                continue;
            };
            let message = format!("the invariant `{code}` of `{entity_name}` is never checked: {reason}");
            problems.push(Problem { source: *source, message });
        }
    }

    /// Whether any handler may write the entity.
    fn is_written(&self, entity: TypeId) -> bool {
        let binds =
            |handler: &CommandHandlerPart| handler.body.entity().map(|part| part.type_id) == Some(entity);
        self.handlers.iter().any(|(handler, _)| binds(handler))
            || self
                .requirements()
                .any(|(_, required, _)| required.entities.iter().any(|part| part.type_id == entity))
    }

    /// Whether the `when` of an invariant ever applies.
    fn is_scope(&self, part: &InvariantPart) -> bool {
        let binds = |handler: &CommandHandlerPart| {
            handler.command == part.when
                && handler.body.entity().map(|entity| entity.type_id) == Some(part.entity)
        };
        part.when == TypeId::of::<Always>()
            || self.events.iter().any(|(event, _)| event.type_id == part.when)
            || self.handlers.iter().any(|(handler, _)| binds(handler))
    }

    /// The description, the requirements and the place of each handler and policy.
    fn requirements(&self) -> impl Iterator<Item = (String, &Requirements, Source)> {
        let commands = self
            .handlers
            .iter()
            .map(|(part, at)| (format!("the handler of `{}`", part.command_name), &part.handler.needs, *at));
        let events = self
            .event_handlers
            .iter()
            .map(|(part, at)| (format!("`{}`", part.name), &part.handler.needs, *at));
        let policies = self
            .policies
            .iter()
            .map(|(part, at)| (format!("the policy of `{}`", part.strategy_name), &part.needs, *at));
        commands.chain(events).chain(policies)
    }

    /// Each required capability is provided.
    fn check_capabilities(&self, capabilities: &Capabilities, problems: &mut Vec<Problem>) {
        let missing = self.missing(|part| &part.capabilities, |part| capabilities.contains(part.type_id));
        problems.extend(missing.into_iter().map(|(capability, (source, users))| {
            let message = format!(
                "the capability `{capability}` is required by {users}, but not provided: call \
                 `.provide::<{capability}>(…)` on the builder"
            );
            Problem { source, message }
        }));
    }

    /// Each strategy in use is registered, and has a policy.
    fn check_strategies(&self, problems: &mut Vec<Problem>) {
        let registered: HashSet<_> = self.strategies.iter().map(|(part, _)| part.type_id).collect();
        let with_policy: HashSet<_> = self.policies.iter().map(|(part, _)| part.strategy).collect();
        let unregistered = self.missing(|part| &part.strategies, |part| registered.contains(&part.type_id));
        let without_policy =
            self.missing(|part| &part.strategies, |part| with_policy.contains(&part.type_id));
        problems.extend(unregistered.into_iter().map(|(strategy, (source, users))| {
            let message = format!(
                "the strategy `{strategy}` is used by {users}, but not registered: put `#[strategy]` on its trait, or \
                 `enact::register!` a hand-written implementation"
            );
            Problem { source, message }
        }));
        problems.extend(without_policy.into_iter().map(|(strategy, (source, users))| {
            let message = format!(
                "the strategy `{strategy}` is used by {users}, but has no policy: put `#[strategy(policy)]` on the \
                 function that chooses its variant, or `enact::register!` a hand-written implementation"
            );
            Problem { source, message }
        }));
    }

    /// Each strategy has one policy.
    fn check_policies(&self, problems: &mut Vec<Problem>) {
        let mut seen: HashMap<TypeId, Source> = HashMap::new();
        for (policy, source) in &self.policies {
            if let Some(first) = seen.insert(policy.strategy, *source) {
                let name = policy.strategy_name;
                let message = format!("`{name}` already has a policy, at {first}: remove one of the two");
                problems.push(Problem { source: *source, message });
            }
        }
    }

    /// Each queue with a limit has handlers. If not, its name is misspelt, or the crate of its handlers is not linked.
    fn check_queues(&self, limited: &[Located<String>], problems: &mut Vec<Problem>) {
        let commands = self.handlers.iter().map(|(part, _)| part.handler.settings.queue);
        let events = self.event_handlers.iter().map(|(part, _)| part.handler.settings.queue);
        let queues: BTreeSet<_> = commands.chain(events).chain([DEFAULT_QUEUE]).collect();
        let unknown = limited.iter().filter(|(name, _)| !queues.contains(&**name));
        problems.extend(unknown.map(|(name, source)| {
            let known: Vec<_> = queues.iter().map(|queue| format!("`{queue}`")).collect();
            let message = format!(
                "no handler uses the queue `{name}`; the queues are {}: set `queue = \"{name}\"` on a handler, or link \
                 its crate",
                known.join(", ")
            );
            Problem { source: *source, message }
        }));
    }

    /// The missing requirements of a kind by name, each with the place of its first user and a list of all users.
    fn missing(
        &self,
        kind: fn(&Requirements) -> &Vec<Requirement>,
        is_met: impl Fn(&Requirement) -> bool,
    ) -> BTreeMap<&'static str, (Source, String)> {
        let mut missing: BTreeMap<&str, Vec<(Source, String)>> = BTreeMap::new();
        for (user, requirements, source) in self.requirements() {
            for requirement in kind(requirements).iter().filter(|requirement| !is_met(requirement)) {
                missing.entry(requirement.name).or_default().push((source, user.clone()));
            }
        }
        missing.into_iter().map(|(name, users)| (name, list(users))).collect()
    }
}

/// The place of the first user, and a list of all users, with the places of the others.
fn list(mut users: Vec<(Source, String)>) -> (Source, String) {
    users.sort();
    let first = users[0].0;
    let names: Vec<_> = users
        .into_iter()
        .enumerate()
        .map(|(index, (source, name))| if index == 0 { name } else { format!("{name} ({source})") })
        .collect();
    let text = match names.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => names.concat(),
    };
    (first, text)
}

const JOB: &str = "command or event handler";

fn unregistered(source: Source, kind: &str, name: &str) -> Problem {
    let message = format!(
        "the {kind} `{name}` is handled here, but not registered: put `#[{kind}]` on its type, or `enact::register!` a \
         hand-written implementation"
    );
    Problem { source, message }
}
