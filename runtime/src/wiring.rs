//! From registrations to plans: everything that can be known before a job runs is resolved here, once, and whatever is wrong with
//! it is found (r50).

use std::any::TypeId;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use crate::context::Capabilities;
use crate::registration::{
    AnyMessage, Body, CommandHandlerPart, CommandPart, EntityPart, EventHandlerPart, EventPart, Handling,
    InvariantPart, Part,
};
use crate::schema::{Input, UnknownFields};
use crate::{
    Always, Command, Event, ExecutionContext, Failure, FailureKind, Json, Key, Registration, Retry, Source,
};

/// The whole domain, resolved.
#[derive(Default)]
pub(crate) struct Wiring {
    commands: HashMap<&'static str, Arc<CommandPlan>>,
    commands_by_type: HashMap<TypeId, Arc<CommandPlan>>,
    events: HashMap<TypeId, Arc<EventPlan>>,
    jobs: HashMap<Arc<str>, Arc<JobPlan>>,
    invariants: HashMap<TypeId, EntityInvariants>,
}

/// What the door needs to know of a command.
pub(crate) struct CommandPlan {
    pub(crate) name: Arc<str>,
    pub(crate) input: Arc<Input>,
    pub(crate) part: CommandPart,
    /// Whether its handler binds the entity that it targets.
    binds: bool,
    /// Whether its handler may be tried again (r22); `false` of what another program handles.
    pub(crate) repeatable: bool,
}

impl CommandPlan {
    /// Takes a command's target, or refuses the command if its handler binds an entity and there is none to bind (r11).
    pub(crate) fn admit_target(&self, target: Option<Key>) -> Result<Option<Key>, Failure> {
        if self.binds && target.is_none() {
            return Err(self.input.no_target());
        }
        Ok(target)
    }
}

/// What an emission needs to know of an event.
pub(crate) struct EventPlan {
    pub(crate) name: Arc<str>,
    pub(crate) input: Arc<Input>,
    pub(crate) handlers: Vec<HandlingPlan>,
}

/// What an emission needs to know of one of an event's handlers.
pub(crate) struct HandlingPlan {
    pub(crate) name: Arc<str>,
    pub(crate) repeatable: bool,
}

/// What a worker needs to know of a job: all that its execution takes.
pub(crate) struct JobPlan {
    pub(crate) input: Arc<Input>,
    pub(crate) retry: Retry,
    pub(crate) action: Action,
    /// The invariants of the bound entity that are scoped by this command.
    pub(crate) before: Vec<Arc<InvariantPart>>,
}

/// What an execution runs.
#[derive(Clone, Copy)]
pub(crate) enum Action {
    Command(Body),
    Event(for<'a> fn(AnyMessage, &'a ExecutionContext) -> Handling<'a>),
}

/// The invariants of one entity that are checked at the end of an execution.
#[derive(Default)]
pub(crate) struct EntityInvariants {
    pub(crate) always: Vec<Arc<InvariantPart>>,
    pub(crate) by_event: HashMap<TypeId, Vec<Arc<InvariantPart>>>,
}

impl Wiring {
    /// Resolves everything that is linked into the program, or lists all that is wrong with it.
    pub(crate) fn resolve(
        capabilities: &Capabilities,
        max_payload_bytes: usize,
    ) -> Result<Self, Vec<Problem>> {
        let parts = Parts::collect();
        let mut problems = Vec::new();
        parts.check_names(&mut problems);
        parts.check_handlers(&mut problems);
        parts.check_event_handlers(&mut problems);
        parts.check_invariants(&mut problems);
        parts.check_capabilities(capabilities, &mut problems);
        let wiring = parts.wire(max_payload_bytes, &mut problems);
        problems.sort();
        if problems.is_empty() { Ok(wiring) } else { Err(problems) }
    }

    pub(crate) fn command_of<C: Command>(&self) -> Result<&Arc<CommandPlan>, Failure> {
        self.commands_by_type.get(&TypeId::of::<C>()).ok_or_else(|| not_registered(C::NAME))
    }

    /// The command of a name that somebody has given.
    pub(crate) fn command(&self, name: &str) -> Result<&Arc<CommandPlan>, Failure> {
        self.commands.get(name).ok_or_else(|| {
            let mut names: Vec<_> = self.commands.keys().copied().collect();
            names.sort_unstable();
            let message = format!("there is no command `{name}`; there is {}", names.join(", "));
            Failure::new(FailureKind::UnknownName, "unknown_command", message)
        })
    }

    pub(crate) fn event_of<E: Event>(&self) -> Result<&Arc<EventPlan>, Failure> {
        self.events.get(&TypeId::of::<E>()).ok_or_else(|| not_registered(E::NAME))
    }

    pub(crate) fn event_by_type(&self, type_id: TypeId) -> Option<&Arc<EventPlan>> {
        self.events.get(&type_id)
    }

    /// Takes an event that is emitted, or refuses it with all that is wrong (r11).
    pub(crate) fn admit_event<E: Event>(&self, event: &E) -> Result<Json, Failure> {
        self.event_of::<E>()?.input.admit(event)
    }

    pub(crate) fn job(&self, name: &str) -> Option<&Arc<JobPlan>> {
        self.jobs.get(name)
    }

    /// The names of all jobs that this program can run.
    pub(crate) fn job_names(&self) -> Arc<[Arc<str>]> {
        self.jobs.keys().cloned().collect()
    }

    pub(crate) fn invariants(&self, entity: TypeId) -> Option<&EntityInvariants> {
        self.invariants.get(&entity)
    }
}

fn not_registered(name: &str) -> Failure {
    let message = format!(
        "`{name}` is not registered: put the attribute on its type, or `enact::register!` it, and see that its crate is linked"
    );
    Failure::new(FailureKind::UnknownName, "not_registered", message)
}

/// One thing that is wrong with a domain (r50).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    source: Source,
    message: String,
}

impl Problem {
    /// Where in the user's source.
    pub fn source(&self) -> Source {
        self.source
    }

    /// What is wrong, and what to do.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source, self.message)
    }
}

/// All registrations, before they are known to fit together.
#[derive(Default)]
struct Parts {
    entities: Vec<(EntityPart, Source)>,
    commands: Vec<(CommandPart, Source)>,
    events: Vec<(EventPart, Source)>,
    handlers: Vec<(CommandHandlerPart, Source)>,
    event_handlers: Vec<(EventHandlerPart, Source)>,
    invariants: Vec<(InvariantPart, Source)>,
}

impl Parts {
    fn collect() -> Self {
        let mut parts = Self::default();
        for Registration { part, source } in inventory::iter::<Registration> {
            match part() {
                Part::Entity(part) => parts.entities.push((part, *source)),
                Part::Command(part) => parts.commands.push((part, *source)),
                Part::Event(part) => parts.events.push((part, *source)),
                Part::CommandHandler(part) => parts.handlers.push((part, *source)),
                Part::EventHandler(part) => parts.event_handlers.push((part, *source)),
                Part::Invariant(part) => parts.invariants.push((part, *source)),
            }
        }
        // Which violation is the first, and with it a failure's code (r27), must not be the linker's choice.
        parts.invariants.sort_by_key(|(_, source)| *source);
        parts
    }

    /// Names that a store keeps are given once. Commands and event handlers share theirs: both name jobs.
    fn check_names(&self, problems: &mut Vec<Problem>) {
        let entities = self.entities.iter().map(|(part, at)| ("entity".to_owned(), part.name, *at));
        let events = self.events.iter().map(|(part, at)| ("event".to_owned(), part.name, *at));
        let commands = self.commands.iter().map(|(part, at)| (JOB.to_owned(), part.name, *at));
        let handlers = self.event_handlers.iter().map(|(part, at)| (JOB.to_owned(), part.name, *at));
        let invariants = self
            .invariants
            .iter()
            .map(|(part, at)| (format!("invariant of `{}`", part.entity_name), part.code, *at));
        let mut places: BTreeMap<(String, &str), Vec<Source>> = BTreeMap::new();
        for (what, name, at) in entities.chain(events).chain(commands).chain(handlers).chain(invariants) {
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

    /// Every command has exactly one handler, and every handler a command (r04).
    fn check_handlers(&self, problems: &mut Vec<Problem>) {
        let mut handled: HashMap<TypeId, Source> = HashMap::new();
        for (handler, source) in &self.handlers {
            let name = handler.command_name;
            if let Some(first) = handled.insert(handler.command, *source) {
                let message = format!("`{name}` has a handler already, at {first}; remove one of the two");
                problems.push(Problem { source: *source, message });
            }
            if !self.commands.iter().any(|(command, _)| command.type_id == handler.command) {
                problems.push(unregistered(*source, "command", name));
            }
        }
        problems.extend(self.commands.iter().filter(|(command, _)| !handled.contains_key(&command.type_id)).map(
            |(command, source)| {
                let name = command.name;
                let message = format!(
                    "the command `{name}` has no handler; write `#[command] async fn …(command: {name}, …)`, and see \
                     that its crate is linked"
                );
                Problem { source: *source, message }
            },
        ));
    }

    fn check_event_handlers(&self, problems: &mut Vec<Problem>) {
        let is_registered =
            |handler: &EventHandlerPart| self.events.iter().any(|(event, _)| event.type_id == handler.event);
        let lost = self.event_handlers.iter().filter(|(handler, _)| !is_registered(handler));
        problems.extend(lost.map(|(handler, source)| unregistered(*source, "event", handler.event_name)));
    }

    /// An invariant that nothing would ever check is a mistake, not a safeguard.
    fn check_invariants(&self, problems: &mut Vec<Problem>) {
        let is_event = |when| self.events.iter().any(|(event, _)| event.type_id == when);
        let binds = |command, entity| {
            self.handlers.iter().any(|(handler, _)| {
                let bound = matches!(&handler.body, Body::Bound(body) if body.entity.type_id == entity);
                handler.command == command && bound
            })
        };
        for (part, source) in &self.invariants {
            if part.when != TypeId::of::<Always>() && !is_event(part.when) && !binds(part.when, part.entity) {
                let message = format!(
                    "the invariant `{}` is never checked: `{}` is neither an event nor a command whose handler binds \
                     a `{}`",
                    part.code, part.when_name, part.entity_name
                );
                problems.push(Problem { source: *source, message });
            }
        }
    }

    /// A capability that is missing stops the start, not a job at midnight (r33).
    fn check_capabilities(&self, capabilities: &Capabilities, problems: &mut Vec<Problem>) {
        let commands =
            self.handlers.iter().map(|(part, source)| (part.command_name, &part.requirements, source));
        let events = self.event_handlers.iter().map(|(part, source)| (part.name, &part.requirements, source));
        for (handler, requirements, source) in commands.chain(events) {
            problems.extend(requirements.iter().filter(|need| !capabilities.has(need.type_id)).map(|need| {
                let capability = need.type_name;
                let message = format!(
                    "the handler of `{handler}` needs a capability that was not provided: call \
                     `.provide::<{capability}>(…)` on the runtime's builder"
                );
                Problem { source: *source, message }
            }));
        }
    }

    /// Puts together what was found. Where there are problems, the result is incomplete.
    fn wire(self, max_payload_bytes: usize, problems: &mut Vec<Problem>) -> Wiring {
        let mut wiring = Wiring::default();
        let mut compile = |source, name, schema, parse, unknown_fields| {
            Input::compile(name, schema, parse, unknown_fields, max_payload_bytes)
                .map_err(|reason| {
                    let message = format!("`{name}` cannot be checked: {reason}");
                    problems.push(Problem { source, message });
                })
                .ok()
        };
        for (part, source) in self.commands {
            if let Some(input) = compile(source, part.name, part.schema, part.parse, UnknownFields::Refused) {
                let mut handlers = self.handlers.iter().map(|(handler, _)| handler);
                let handler = handlers.find(|handler| handler.command == part.type_id);
                wiring.add_command(part, input, handler);
            }
        }
        for (part, source) in self.events {
            if let Some(input) = compile(source, part.name, part.schema, part.parse, UnknownFields::Ignored) {
                wiring.add_event(&part, input, &self.event_handlers);
            }
        }
        let invariants: Vec<_> = self.invariants.into_iter().map(|(part, _)| Arc::new(part)).collect();
        for (handler, _) in &self.handlers {
            wiring.add_handler(handler, &invariants);
        }
        for (handler, _) in &self.event_handlers {
            wiring.add_event_handler(handler);
        }
        for invariant in invariants {
            wiring.add_invariant(invariant);
        }
        wiring
    }
}

const JOB: &str = "command or event handler";

fn unregistered(source: Source, kind: &str, name: &str) -> Problem {
    let message =
        format!("this handles the {kind} `{name}`, which is not registered; put the attribute on its type");
    Problem { source, message }
}

impl Wiring {
    fn add_command(&mut self, part: CommandPart, input: Input, handler: Option<&CommandHandlerPart>) {
        let plan = Arc::new(CommandPlan {
            name: part.name.into(),
            input: Arc::new(input),
            part,
            binds: handler.is_some_and(|handler| matches!(handler.body, Body::Bound(_))),
            repeatable: handler.is_some_and(|handler| handler.retry.repeats()),
        });
        self.commands.insert(plan.part.name, plan.clone());
        self.commands_by_type.insert(plan.part.type_id, plan);
    }

    fn add_event(&mut self, part: &EventPart, input: Input, handlers: &[(EventHandlerPart, Source)]) {
        let own = handlers.iter().filter(|(handler, _)| handler.event == part.type_id);
        let plan = |handler: &EventHandlerPart| HandlingPlan {
            name: handler.name.into(),
            repeatable: handler.retry.repeats(),
        };
        let mut handlers: Vec<_> = own.map(|(handler, _)| plan(handler)).collect();
        handlers.sort_by(|left, right| left.name.cmp(&right.name));
        let plan = EventPlan { name: part.name.into(), input: Arc::new(input), handlers };
        self.events.insert(part.type_id, Arc::new(plan));
    }

    fn add_handler(&mut self, handler: &CommandHandlerPart, invariants: &[Arc<InvariantPart>]) {
        let Some(command) = self.commands_by_type.get(&handler.command) else { return };
        let entity = match &handler.body {
            Body::Bound(body) => Some(body.entity.type_id),
            Body::Unbound(_) => None,
        };
        let scoped = |part: &&Arc<InvariantPart>| part.when == handler.command && Some(part.entity) == entity;
        let plan = JobPlan {
            input: command.input.clone(),
            retry: handler.retry,
            action: Action::Command(handler.body),
            before: invariants.iter().filter(scoped).cloned().collect(),
        };
        self.jobs.insert(command.name.clone(), Arc::new(plan));
    }

    fn add_event_handler(&mut self, handler: &EventHandlerPart) {
        let Some(event) = self.events.get(&handler.event) else { return };
        let plan = JobPlan {
            input: event.input.clone(),
            retry: handler.retry,
            action: Action::Event(handler.handle),
            before: Vec::new(),
        };
        self.jobs.insert(handler.name.into(), Arc::new(plan));
    }

    fn add_invariant(&mut self, part: Arc<InvariantPart>) {
        let own = self.invariants.entry(part.entity).or_default();
        if part.when == TypeId::of::<Always>() {
            own.always.push(part);
        } else if self.events.contains_key(&part.when) {
            own.by_event.entry(part.when).or_default().push(part);
        }
    }
}
