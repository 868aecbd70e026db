//! What the engine needs to know about each command, event and job, resolved once at the start.

use std::any::TypeId;
use std::collections::{BTreeSet, HashMap};
use std::iter;
use std::sync::Arc;

use super::comparison::Comparison;
use super::input_schema::InputSchema;
use super::parts::Located;
use crate::context::ExecutionContext;
use crate::domain::{MakeCommand, ScheduleSettings, Timetable};
use crate::handler::call::Handling;
use crate::handler::{Always, DEFAULT_QUEUE, HandlerSettings};
use crate::model::{AnyValue, Failure, FailureKind, FastMap, JobSpec, Key, Source};
use crate::register::{
    Body, CommandHandlerPart, CommandPart, EventHandlerPart, EventPart, InvariantPart, SchedulePart,
};
use crate::store::{Claimable, EntityKey, PayloadComparison};

/// The plans of all commands, events and jobs.
#[derive(Default)]
pub(crate) struct Plans {
    /// By name and alias.
    commands: FastMap<&'static str, Arc<CommandPlan>>,
    commands_by_type: FastMap<TypeId, Arc<CommandPlan>>,
    events: FastMap<TypeId, Arc<EventPlan>>,
    events_by_name: FastMap<&'static str, Arc<EventPlan>>,
    /// By name and alias.
    jobs: FastMap<Arc<str>, Arc<JobPlan>>,
    invariants: FastMap<TypeId, EntityInvariants>,
    schedules: Vec<SchedulePlan>,
}

/// How a command is admitted at the boundary.
pub(crate) struct CommandPlan {
    pub(crate) name: Arc<str>,
    pub(crate) input: Arc<InputSchema>,
    pub(crate) comparison: Arc<dyn PayloadComparison>,
    pub(crate) part: CommandPart,
    /// Whether its handler binds the entity that it targets.
    binds: bool,
    /// Whether its handler is retried; `false` for a remote command.
    pub(crate) repeatable: bool,
}

impl CommandPlan {
    /// Checks that a command has a target if its handler binds an entity.
    pub(crate) fn admit_target(&self, target: Option<Key>) -> Result<Option<Key>, Failure> {
        if self.binds && target.is_none() {
            return Err(self.input.no_target());
        }
        Ok(target)
    }
}

/// How an event is emitted.
pub(crate) struct EventPlan {
    pub(crate) name: Arc<str>,
    pub(crate) input: Arc<InputSchema>,
    pub(crate) handlers: Vec<HandlingPlan>,
}

/// How the job of an event handler is created.
pub(crate) struct HandlingPlan {
    pub(crate) name: Arc<str>,
    pub(crate) repeatable: bool,
}

/// How a job is executed.
pub(crate) struct JobPlan {
    /// The place of the handler.
    pub(crate) source: Source,
    pub(crate) input: Arc<InputSchema>,
    pub(crate) settings: HandlerSettings,
    pub(crate) action: Action,
    /// The invariants of the bound entity that are scoped by this command.
    pub(crate) before: Vec<Arc<InvariantPart>>,
}

impl JobPlan {
    /// The type of the entity that the handler binds.
    fn entity(&self) -> Option<&'static str> {
        match &self.action {
            Action::Command(Body::Bound(body)) => Some(body.entity.name),
            Action::Command(Body::Unbound(_)) | Action::Event(_) => None,
        }
    }

    /// The entity that a job binds, if it has a target.
    pub(crate) fn entity_of(&self, job: &JobSpec) -> Option<EntityKey> {
        Some(EntityKey { entity: self.entity()?, id: job.target.clone()? })
    }
}

/// What an execution runs.
#[derive(Clone, Copy)]
pub(crate) enum Action {
    Command(Body),
    Event(for<'a> fn(AnyValue, &'a ExecutionContext) -> Handling<'a>),
}

/// When a recurring command is submitted.
pub(crate) struct SchedulePlan {
    pub(crate) name: Arc<str>,
    pub(crate) aliases: &'static [&'static str],
    pub(crate) timetable: Timetable,
    pub(crate) settings: ScheduleSettings,
    pub(crate) make: MakeCommand,
}

/// The invariants of an entity that are checked before a commit.
#[derive(Default)]
pub(crate) struct EntityInvariants {
    pub(crate) always: Vec<Arc<InvariantPart>>,
    pub(crate) by_event: FastMap<TypeId, Vec<Arc<InvariantPart>>>,
}

impl Plans {
    /// The command of a type. `name` is for the failure if it is not registered.
    pub(crate) fn command_of(&self, type_id: TypeId, name: &str) -> Result<&Arc<CommandPlan>, Failure> {
        self.commands_by_type.get(&type_id).ok_or_else(|| not_registered(name))
    }

    /// The command of a name or alias that a caller has given.
    pub(crate) fn command(&self, name: &str) -> Result<&Arc<CommandPlan>, Failure> {
        let known = || self.commands_by_type.values().map(|plan| plan.part.name).collect();
        self.commands.get(name).ok_or_else(|| unknown("command", "unknown_command", name, known()))
    }

    /// The event of a type. `name` is for the failure if it is not registered.
    pub(crate) fn event_of(&self, type_id: TypeId, name: &str) -> Result<&Arc<EventPlan>, Failure> {
        self.events.get(&type_id).ok_or_else(|| not_registered(name))
    }

    /// The event with this name.
    pub(crate) fn event(&self, name: &str) -> Result<&Arc<EventPlan>, Failure> {
        let known = || self.events_by_name.keys().copied().collect();
        self.events_by_name.get(name).ok_or_else(|| unknown("event", "unknown_event", name, known()))
    }

    pub(crate) fn event_by_type(&self, type_id: TypeId) -> Option<&Arc<EventPlan>> {
        self.events.get(&type_id)
    }

    pub(crate) fn job(&self, name: &str) -> Option<&Arc<JobPlan>> {
        self.jobs.get(name)
    }

    /// How jobs of each name are claimed, and the names of the queues. The first is always [`DEFAULT_QUEUE`].
    pub(crate) fn claimable(&self) -> (Arc<HashMap<Arc<str>, Claimable>>, Vec<&'static str>) {
        let others: BTreeSet<_> = self.jobs.values().map(|plan| plan.settings.queue).collect();
        let others = others.into_iter().filter(|queue| *queue != DEFAULT_QUEUE);
        let names: Vec<_> = iter::once(DEFAULT_QUEUE).chain(others).collect();
        let index = |queue| names.iter().position(|name| *name == queue).unwrap_or_default();
        let claimable =
            |plan: &JobPlan| Claimable { queue: index(plan.settings.queue), entity: plan.entity() };
        let by_job = self.jobs.iter().map(|(name, plan)| (name.clone(), claimable(plan))).collect();
        (Arc::new(by_job), names)
    }

    /// The recurring commands.
    pub(crate) fn schedules(&self) -> &[SchedulePlan] {
        &self.schedules
    }

    pub(crate) fn invariants(&self, entity: TypeId) -> Option<&EntityInvariants> {
        self.invariants.get(&entity)
    }
}

fn unknown(kind: &str, code: &'static str, name: &str, mut known: Vec<&str>) -> Failure {
    known.sort_unstable();
    let message = match &*known {
        [] => format!("unknown {kind} `{name}`: the program has no {kind}s"),
        known => format!("unknown {kind} `{name}`: the {kind}s are {}", known.join(", ")),
    };
    Failure::new(FailureKind::UnknownName, code, message)
}

fn not_registered(name: &str) -> Failure {
    let message = format!(
        "`{name}` is not registered: put its attribute on the type, or `enact::register!` a hand-written implementation"
    );
    Failure::new(FailureKind::UnknownName, "not_registered", message)
}

impl Plans {
    pub(super) fn add_command(
        &mut self,
        part: CommandPart,
        input: Arc<InputSchema>,
        handler: Option<&CommandHandlerPart>,
    ) {
        let plan = Arc::new(CommandPlan {
            name: part.name.into(),
            comparison: Arc::new(Comparison { input: input.clone(), rewritten: part.rewritten }),
            input,
            part,
            binds: handler.is_some_and(|handler| matches!(handler.body, Body::Bound(_))),
            repeatable: handler.is_some_and(|part| part.handler.settings.retry.repeats()),
        });
        for name in names(plan.part.name, plan.part.aliases) {
            self.commands.insert(name, plan.clone());
        }
        self.commands_by_type.insert(plan.part.type_id, plan);
    }

    pub(super) fn add_event(
        &mut self,
        part: &EventPart,
        input: Arc<InputSchema>,
        handlers: &[Located<EventHandlerPart>],
    ) {
        let own = handlers.iter().map(|(handler, _)| handler).filter(|handler| handler.event == part.type_id);
        let plan = |handler: &EventHandlerPart| HandlingPlan {
            name: handler.name.into(),
            repeatable: handler.handler.settings.retry.repeats(),
        };
        let mut handlers: Vec<_> = own.map(plan).collect();
        handlers.sort_by(|left, right| left.name.cmp(&right.name));
        let plan = Arc::new(EventPlan { name: part.name.into(), input, handlers });
        self.events_by_name.insert(part.name, plan.clone());
        self.events.insert(part.type_id, plan);
    }

    pub(super) fn add_handler(
        &mut self,
        handler: &Located<CommandHandlerPart>,
        invariants: &[Arc<InvariantPart>],
    ) {
        let (handler, source) = handler;
        let Some(command) = self.commands_by_type.get(&handler.command) else { return };
        let entity = match &handler.body {
            Body::Bound(body) => Some(body.entity.type_id),
            Body::Unbound(_) => None,
        };
        let scoped = |part: &&Arc<InvariantPart>| part.when == handler.command && Some(part.entity) == entity;
        let plan = JobPlan {
            source: *source,
            input: command.input.clone(),
            settings: handler.handler.settings,
            action: Action::Command(handler.body),
            before: invariants.iter().filter(scoped).cloned().collect(),
        };
        let plan = Arc::new(plan);
        for name in names(command.part.name, command.part.aliases) {
            self.jobs.insert(name.into(), plan.clone());
        }
    }

    pub(super) fn add_schedule(&mut self, handler: &CommandHandlerPart, timetable: Timetable) {
        let (Some(command), Some(SchedulePart { settings, make, .. })) =
            (self.commands_by_type.get(&handler.command), &handler.schedule)
        else {
            return;
        };
        self.schedules.push(SchedulePlan {
            name: command.name.clone(),
            aliases: command.part.aliases,
            timetable,
            settings: *settings,
            make: *make,
        });
    }

    pub(super) fn add_event_handler(&mut self, (handler, source): &Located<EventHandlerPart>) {
        let Some(event) = self.events.get(&handler.event) else { return };
        let plan = JobPlan {
            source: *source,
            input: event.input.clone(),
            settings: handler.handler.settings,
            action: Action::Event(handler.handle),
            before: Vec::new(),
        };
        let plan = Arc::new(plan);
        for name in names(handler.name, handler.aliases) {
            self.jobs.insert(name.into(), plan.clone());
        }
    }

    pub(super) fn add_invariant(&mut self, part: Arc<InvariantPart>) {
        let own = self.invariants.entry(part.entity).or_default();
        if part.when == TypeId::of::<Always>() {
            own.always.push(part);
        } else if self.events.contains_key(&part.when) {
            own.by_event.entry(part.when).or_default().push(part);
        }
    }
}

/// A name and its aliases.
fn names(name: &'static str, aliases: &'static [&'static str]) -> impl Iterator<Item = &'static str> {
    iter::once(name).chain(aliases.iter().copied())
}
