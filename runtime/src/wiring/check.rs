//! Whether what was registered fits together (r50).

use std::any::TypeId;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::parts::{Located, Parts};
use super::problem::Problem;
use crate::context::{Needed, Requirements};
use crate::handler::{Always, DEFAULT_QUEUE};
use crate::model::{Capabilities, Source};
use crate::register::{CommandHandlerPart, CommandPart, EventHandlerPart, InvariantPart};

impl Parts {
    /// Finds all that is wrong, one function for each kind of mistake.
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

    /// Names that a store keeps are given once. Commands and event handlers share theirs: both name jobs.
    fn check_names(&self, problems: &mut Vec<Problem>) {
        let mut places: BTreeMap<(String, &str), Vec<Source>> = BTreeMap::new();
        for (what, name, at) in self.names() {
            places.entry((what, name)).or_default().push(at);
        }
        for ((what, name), mut places) in places {
            places.sort();
            let option = if what.starts_with("invariant") { "code" } else { "name" };
            problems.extend(places.windows(2).map(|pair| {
                let first = pair[0];
                let message = format!(
                    "`{name}` is the name of another {what} already, at {first}; give one of them a name of its own \
                     with `{option} = \"…\"`"
                );
                Problem { source: pair[1], message }
            }));
        }
    }

    /// What each part is, what it is called, and where.
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

    /// What names jobs: its name, the names that it had before, and where it stands.
    fn jobs(&self) -> impl Iterator<Item = (&'static str, &'static [&'static str], Source)> {
        let commands = self.commands.iter().map(|(part, at)| (part.name, part.aliases, *at));
        let handlers = self.event_handlers.iter().map(|(part, at)| (part.name, part.aliases, *at));
        commands.chain(handlers)
    }

    /// A job on record must be one part's alone (r52).
    fn check_aliases(&self, problems: &mut Vec<Problem>) {
        let mut taken: HashMap<&str, (&str, Source)> =
            self.jobs().map(|(name, _, at)| (name, (name, at))).collect();
        for (name, aliases, source) in self.jobs() {
            for alias in aliases {
                let message = match taken.insert(alias, (name, source)) {
                    None => continue,
                    Some((owner, _)) if owner == name => {
                        format!("`{name}` is called `{alias}` anyway; remove that alias")
                    }
                    Some((owner, at)) if owner == *alias => format!(
                        "`{name}` cannot have the alias `{alias}`: that is the name of another {JOB}, at {at}, whose \
                         jobs it would take; remove the alias"
                    ),
                    Some((owner, at)) => format!(
                        "`{name}` cannot have the alias `{alias}`: that is an alias of `{owner}` already, at {at}; \
                         leave it to the one that was called so"
                    ),
                };
                problems.push(Problem { source, message });
            }
        }
    }

    /// Every command has exactly one handler, and every handler a command (r04).
    fn check_handlers(&self, problems: &mut Vec<Problem>) {
        let mut handled: HashMap<TypeId, Source> = HashMap::new();
        for (handler, source) in &self.handlers {
            let name = handler.command_name;
            if let Some(first) = handled.insert(handler.command, *source) {
                let message = format!("`{name}` has a handler already, at {first}; remove one of the two");
                problems.push(Problem { source: *source, message });
            }
            match self.commands.iter().find(|(command, _)| command.type_id == handler.command) {
                None => problems.push(unregistered(*source, "command", name)),
                Some((command, at)) if command.is_remote => {
                    let message = format!(
                        "this handles `{name}`, which another program handles, as `remote` says at {at}; remove one of \
                         the two"
                    );
                    problems.push(Problem { source: *source, message });
                }
                Some(_) => {}
            }
        }
        let is_lonely = |command: &CommandPart| !command.is_remote && !handled.contains_key(&command.type_id);
        let lonely = self.commands.iter().filter(|(command, _)| is_lonely(command));
        problems.extend(lonely.map(|(CommandPart { name, type_name, .. }, source)| {
            let ty = type_name.rsplit("::").next().unwrap_or(type_name);
            let message = format!(
                "the command `{name}` has no handler; write `#[command] async fn …(command: {ty}, …)`, and see that its \
                 crate is linked; or say `#[command(remote)]` if another program handles it"
            );
            Problem { source: *source, message }
        }));
    }

    fn check_event_handlers(&self, problems: &mut Vec<Problem>) {
        let is_registered =
            |handler: &EventHandlerPart| self.events.iter().any(|(event, _)| event.type_id == handler.event);
        let lost = self.event_handlers.iter().filter(|(handler, _)| !is_registered(handler));
        problems.extend(lost.map(|(handler, source)| unregistered(*source, "event", handler.event_name)));
    }

    /// The name of what is written to the store is one that [`check_names`](Self::check_names) has seen.
    fn check_entities(&self, problems: &mut Vec<Problem>) {
        let registered: HashSet<_> = self.entities.iter().map(|(part, _)| part.type_id).collect();
        let bound = self.handlers.iter().filter_map(|(handler, at)| {
            handler.body.entity().map(|entity| (entity.type_id, entity.name, *at))
        });
        let drawn = self.needs().flat_map(|(_, needs, at)| {
            needs.entities.iter().map(move |entity| (entity.type_id, entity.name, at))
        });
        let missing = bound.chain(drawn).filter(|(entity, _, _)| !registered.contains(entity));
        problems.extend(missing.map(|(_, name, source)| {
            let message = format!(
                "this uses the entity `{name}`, which is not registered; put `#[entity]` on its type, or \
                 `enact::register!` what was written by hand"
            );
            Problem { source, message }
        }));
    }

    /// An invariant that nothing would ever check is a mistake, not a safeguard.
    fn check_invariants(&self, problems: &mut Vec<Problem>) {
        for (part, source) in &self.invariants {
            let InvariantPart { code, entity_name, when_name, .. } = &**part;
            let why = if !self.is_written(part.entity) {
                format!(
                    "no handler binds a `{entity_name}`, or takes a `Repository<{entity_name}>`; see that their crate \
                     is linked"
                )
            } else if !self.is_scope(part) {
                format!(
                    "`{when_name}` is neither an event nor a command whose handler binds a `{entity_name}`"
                )
            } else {
                continue;
            };
            let message = format!("the invariant `{code}` of `{entity_name}` is never checked: {why}");
            problems.push(Problem { source: *source, message });
        }
    }

    /// Whether some handler may write the entity.
    fn is_written(&self, entity: TypeId) -> bool {
        let binds =
            |handler: &CommandHandlerPart| handler.body.entity().map(|part| part.type_id) == Some(entity);
        self.handlers.iter().any(|(handler, _)| binds(handler))
            || self.needs().any(|(_, needs, _)| needs.entities.iter().any(|need| need.type_id == entity))
    }

    /// Whether there is an occasion on which an invariant is checked.
    fn is_scope(&self, part: &InvariantPart) -> bool {
        let binds = |handler: &CommandHandlerPart| {
            handler.command == part.when
                && handler.body.entity().map(|entity| entity.type_id) == Some(part.entity)
        };
        part.when == TypeId::of::<Always>()
            || self.events.iter().any(|(event, _)| event.type_id == part.when)
            || self.handlers.iter().any(|(handler, _)| binds(handler))
    }

    /// What everything that runs in an execution needs to be there.
    fn needs(&self) -> impl Iterator<Item = (String, &Requirements, Source)> {
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

    /// A capability that is missing stops the start, not a job at midnight (r33).
    fn check_capabilities(&self, capabilities: &Capabilities, problems: &mut Vec<Problem>) {
        let missing = self.lacking(|needs| &needs.capabilities, |need| capabilities.has(need.type_id));
        problems.extend(missing.into_iter().map(|(capability, (source, who))| {
            let message = format!(
                "the capability `{capability}` was not provided, and {who}: call `.provide::<{capability}>(…)` on \
                 the runtime's builder"
            );
            Problem { source, message }
        }));
    }

    /// A strategy that is drawn is registered, and so is its policy (r40).
    fn check_strategies(&self, problems: &mut Vec<Problem>) {
        let declared: HashSet<_> = self.strategies.iter().map(|(part, _)| part.type_id).collect();
        let chosen: HashSet<_> = self.policies.iter().map(|(part, _)| part.strategy).collect();
        let undeclared = self.lacking(|needs| &needs.strategies, |need| declared.contains(&need.type_id));
        let undecided = self.lacking(|needs| &needs.strategies, |need| chosen.contains(&need.type_id));
        problems.extend(undeclared.into_iter().map(|(strategy, (source, who))| {
            let message = format!(
                "the strategy `{strategy}` is not registered, and {who}: put `#[strategy]` on its trait, or \
                 `enact::register!` what was written by hand"
            );
            Problem { source, message }
        }));
        problems.extend(undecided.into_iter().map(|(strategy, (source, who))| {
            let message = format!(
                "no policy of the strategy `{strategy}` is registered, and {who}: put `#[strategy(policy)]` on the \
                 function that chooses its variant, or `enact::register!` what was written by hand"
            );
            Problem { source, message }
        }));
    }

    /// No strategy has two policies.
    fn check_policies(&self, problems: &mut Vec<Problem>) {
        let mut chosen: HashMap<TypeId, Source> = HashMap::new();
        for (policy, source) in &self.policies {
            if let Some(first) = chosen.insert(policy.strategy, *source) {
                let name = policy.strategy_name;
                let message = format!("`{name}` has a policy already, at {first}; remove one of the two");
                problems.push(Problem { source: *source, message });
            }
        }
    }

    /// A limit for a queue that nothing is in limits nothing: its name is a slip, or that of a handler that is not linked.
    fn check_queues(&self, limited: &[Located<String>], problems: &mut Vec<Problem>) {
        let commands = self.handlers.iter().map(|(part, _)| part.handler.settings.queue);
        let events = self.event_handlers.iter().map(|(part, _)| part.handler.settings.queue);
        let queues: BTreeSet<_> = commands.chain(events).chain([DEFAULT_QUEUE]).collect();
        let unknown = limited.iter().filter(|(name, _)| !queues.contains(&**name));
        problems.extend(unknown.map(|(name, source)| {
            let known: Vec<_> = queues.iter().map(|queue| format!("`{queue}`")).collect();
            let message = format!(
                "no handler is in the queue `{name}`; there is {}; put one there with `queue = \"{name}\"`, or see that \
                 its crate is linked",
                known.join(", ")
            );
            Problem { source: *source, message }
        }));
    }

    /// What is needed and is not there: its name, the first place where it is needed, and by whom.
    fn lacking(
        &self,
        kind: fn(&Requirements) -> &Vec<Needed>,
        is_there: impl Fn(&Needed) -> bool,
    ) -> BTreeMap<&'static str, (Source, String)> {
        let mut lacking: BTreeMap<&str, Vec<(Source, String)>> = BTreeMap::new();
        for (who, needs, source) in self.needs() {
            for need in kind(needs).iter().filter(|need| !is_there(need)) {
                lacking.entry(need.name).or_default().push((source, who.clone()));
            }
        }
        lacking.into_iter().map(|(name, who)| (name, told(who))).collect()
    }
}

/// The first of several places, and all who need something, with the places of the others.
fn told(mut who: Vec<(Source, String)>) -> (Source, String) {
    who.sort();
    let first = who[0].0;
    let names = who.iter().enumerate().map(|(index, (at, name))| match index {
        0 => name.clone(),
        _ => format!("{name} ({at})"),
    });
    let names: Vec<_> = names.collect();
    let text = match names.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} and {last} need it", others.join(", ")),
        _ => format!("{} needs it", names[0]),
    };
    (first, text)
}

const JOB: &str = "command or event handler";

fn unregistered(source: Source, kind: &str, name: &str) -> Problem {
    let message = format!(
        "this handles the {kind} `{name}`, which is not registered; put `#[{kind}]` on its type, or `enact::register!` \
         what was written by hand"
    );
    Problem { source, message }
}
