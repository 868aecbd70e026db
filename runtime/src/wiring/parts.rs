//! Everything that was registered, and whether it fits together (r50).

use std::any::TypeId;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{Problem, Wiring};
use crate::context::{Capabilities, Needed, Requirements};
use crate::plans::Plans;
use crate::registration::{
    Body, CommandHandlerPart, CommandPart, EntityPart, EventHandlerPart, EventPart, InvariantPart, Part,
    PolicyPart, StrategyPart, VariantPart,
};
use crate::schema::{Input, UnknownFields};
use crate::{Always, Registration, Source};

/// A part, and where it stands in the user's source.
pub(super) type Located<T> = (T, Source);

/// Everything that is linked into the program.
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
        // The order of the source, not the linker's: among other things it decides which violation is the first, and with
        // it a failure's code (r27).
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

    /// Puts everything together, or lists all that is wrong with it.
    pub(crate) fn resolve(
        self,
        capabilities: &Capabilities,
        max_payload_bytes: usize,
    ) -> Result<(Plans, Wiring), Vec<Problem>> {
        let mut problems = Vec::new();
        self.check_names(&mut problems);
        self.check_aliases(&mut problems);
        self.check_handlers(&mut problems);
        self.check_event_handlers(&mut problems);
        self.check_invariants(&mut problems);
        self.check_capabilities(capabilities, &mut problems);
        self.check_strategies(&mut problems);
        let inputs = self.compile(max_payload_bytes, &mut problems);
        problems.sort();
        if !problems.is_empty() {
            return Err(problems);
        }
        let wiring = Wiring::of(&self, &inputs);
        Ok((self.plan(inputs), wiring))
    }

    /// Names that a store keeps are given once. Commands and event handlers share theirs: both name jobs.
    fn check_names(&self, problems: &mut Vec<Problem>) {
        let mut places: BTreeMap<(String, &str), Vec<Source>> = BTreeMap::new();
        for (what, name, at) in self.names() {
            places.entry((what, name)).or_default().push(at);
        }
        for ((what, name), places) in places {
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
        let mut taken: HashMap<&str, Source> = self.jobs().map(|(name, _, at)| (name, at)).collect();
        for (name, aliases, source) in self.jobs() {
            for alias in aliases {
                if let Some(first) = taken.insert(alias, source) {
                    let message = format!(
                        "`{name}` cannot have the alias `{alias}`: that is the name of a {JOB} already, at {first}, \
                         whose jobs it would take; remove the alias"
                    );
                    problems.push(Problem { source, message });
                }
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
                        "`{name}` is handled by another program, as is said at {at}; remove `remote` there"
                    );
                    problems.push(Problem { source: *source, message });
                }
                Some(_) => {}
            }
        }
        let is_lonely = |command: &CommandPart| !command.is_remote && !handled.contains_key(&command.type_id);
        let lonely = self.commands.iter().filter(|(command, _)| is_lonely(command));
        problems.extend(lonely.map(|(command, source)| {
            let name = command.name;
            let message = format!(
                "the command `{name}` has no handler; write `#[command] async fn …(command: {name}, …)`, and see \
                 that its crate is linked; or say `#[command(remote)]` if another program handles it"
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
            problems.push(Problem {
                source: *source,
                message: format!("the invariant `{code}` is never checked: {why}"),
            });
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
            .map(|(part, at)| (format!("the handler of `{}`", part.command_name), &part.needs, *at));
        let events =
            self.event_handlers.iter().map(|(part, at)| (format!("`{}`", part.name), &part.needs, *at));
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

    /// A strategy that is drawn has a policy, and no strategy has two (r40).
    fn check_strategies(&self, problems: &mut Vec<Problem>) {
        let mut chosen: HashMap<TypeId, Source> = HashMap::new();
        for (policy, source) in &self.policies {
            if let Some(first) = chosen.insert(policy.strategy, *source) {
                let message = format!(
                    "`{}` has a policy already, at {first}; remove one of the two",
                    policy.strategy_name
                );
                problems.push(Problem { source: *source, message });
            }
        }
        let lacking = self.lacking(|needs| &needs.strategies, |need| chosen.contains_key(&need.type_id));
        problems.extend(lacking.into_iter().map(|(strategy, (source, who))| {
            let message = format!(
                "no policy of the strategy `{strategy}` is registered, and {who}: put `#[strategy(policy)]` on the \
                 function that chooses its variant, or `enact::register!` what was written by hand"
            );
            Problem { source, message }
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
        let told = |mut who: Vec<(Source, String)>| {
            who.sort();
            let (first, last) = (who[0].0, who.len() - 1);
            let name = |index: usize| match index {
                0 => who[0].1.clone(),
                _ => format!("{} ({})", who[index].1, who[index].0),
            };
            let text = match last {
                0 => format!("{} needs it", name(0)),
                _ => {
                    let names: Vec<_> = (0..last).map(name).collect();
                    format!("{} and {} need it", names.join(", "), name(last))
                }
            };
            (first, text)
        };
        lacking.into_iter().map(|(name, who)| (name, told(who))).collect()
    }

    /// Compiles the schema of every command and event.
    fn compile(&self, max_payload_bytes: usize, problems: &mut Vec<Problem>) -> Inputs {
        let mut compile = |source, name, schema, parse, unknown_fields| {
            Input::compile(name, schema, parse, unknown_fields, max_payload_bytes)
                .map(Arc::new)
                .map_err(|reason| {
                    let message = format!("`{name}` cannot be checked: {reason}");
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

    /// What to do with each command, event and job of a domain without problems.
    fn plan(self, mut inputs: Inputs) -> Plans {
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

/// The compiled schemas of commands and events, by their types.
pub(super) type Inputs = HashMap<TypeId, Arc<Input>>;

const JOB: &str = "command or event handler";

fn unregistered(source: Source, kind: &str, name: &str) -> Problem {
    let message =
        format!("this handles the {kind} `{name}`, which is not registered; put the attribute on its type");
    Problem { source, message }
}

impl Body {
    /// The entity that is bound.
    pub(super) fn entity(&self) -> Option<&EntityPart> {
        match self {
            Self::Bound(body) => Some(&body.entity),
            Self::Unbound(_) => None,
        }
    }
}
