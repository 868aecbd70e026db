//! What is known of every job before one runs: resolved once, at the start, from what was registered.

use std::any::TypeId;
use std::collections::{BTreeSet, HashMap};
use std::iter;
use std::sync::Arc;

use super::input::Input;
use crate::context::ExecutionContext;
use crate::domain::{AnyValue, MakeCommand, ScheduleSettings, Timetable};
use crate::handler::call::Handling;
use crate::handler::{Always, DEFAULT_QUEUE, HandlerSettings};
use crate::model::{Failure, FailureKind, Key};
use crate::register::{
    Body, CommandHandlerPart, CommandPart, EventHandlerPart, EventPart, InvariantPart, SchedulePart,
};

/// What to do with each command, event and job.
#[derive(Default)]
pub(crate) struct Plans {
    /// By name, and by the names that commands had before (r52).
    commands: HashMap<&'static str, Arc<CommandPlan>>,
    commands_by_type: HashMap<TypeId, Arc<CommandPlan>>,
    events: HashMap<TypeId, Arc<EventPlan>>,
    events_by_name: HashMap<&'static str, Arc<EventPlan>>,
    /// By name, and by the names that jobs had before (r52).
    jobs: HashMap<Arc<str>, Arc<JobPlan>>,
    invariants: HashMap<TypeId, EntityInvariants>,
    schedules: Vec<SchedulePlan>,
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
    pub(crate) settings: HandlerSettings,
    pub(crate) action: Action,
    /// The invariants of the bound entity that are scoped by this command.
    pub(crate) before: Vec<Arc<InvariantPart>>,
}

/// What an execution runs.
#[derive(Clone, Copy)]
pub(crate) enum Action {
    Command(Body),
    Event(for<'a> fn(AnyValue, &'a ExecutionContext) -> Handling<'a>),
}

/// What the engine needs to know of a command that recurs.
pub(crate) struct SchedulePlan {
    pub(crate) name: Arc<str>,
    pub(crate) aliases: &'static [&'static str],
    pub(crate) timetable: Timetable,
    pub(crate) settings: ScheduleSettings,
    pub(crate) make: MakeCommand,
}

/// The invariants of one entity that are checked at the end of an execution.
#[derive(Default)]
pub(crate) struct EntityInvariants {
    pub(crate) always: Vec<Arc<InvariantPart>>,
    pub(crate) by_event: HashMap<TypeId, Vec<Arc<InvariantPart>>>,
}

impl Plans {
    /// The command of a type, which is called so if it is not registered.
    pub(crate) fn command_of(&self, type_id: TypeId, name: &str) -> Result<&Arc<CommandPlan>, Failure> {
        self.commands_by_type.get(&type_id).ok_or_else(|| not_registered(name))
    }

    /// The command of a name that somebody has given.
    pub(crate) fn command(&self, name: &str) -> Result<&Arc<CommandPlan>, Failure> {
        self.commands.get(name).ok_or_else(|| {
            let mut names: Vec<_> = self.commands_by_type.values().map(|plan| plan.part.name).collect();
            names.sort_unstable();
            let message = format!("there is no command `{name}`; there is {}", names.join(", "));
            Failure::new(FailureKind::UnknownName, "unknown_command", message)
        })
    }

    /// The event of a type, which is called so if it is not registered.
    pub(crate) fn event_of(&self, type_id: TypeId, name: &str) -> Result<&Arc<EventPlan>, Failure> {
        self.events.get(&type_id).ok_or_else(|| not_registered(name))
    }

    /// The event of a name that a caller has given.
    pub(crate) fn event(&self, name: &str) -> Result<&Arc<EventPlan>, Failure> {
        self.events_by_name.get(name).ok_or_else(|| {
            let mut names: Vec<_> = self.events_by_name.keys().copied().collect();
            names.sort_unstable();
            let message = match &*names {
                [] => format!("there is no event `{name}`; the program declares none"),
                names => format!("there is no event `{name}`; there is {}", names.join(", ")),
            };
            Failure::new(FailureKind::UnknownName, "unknown_event", message)
        })
    }

    pub(crate) fn event_by_type(&self, type_id: TypeId) -> Option<&Arc<EventPlan>> {
        self.events.get(&type_id)
    }

    pub(crate) fn job(&self, name: &str) -> Option<&Arc<JobPlan>> {
        self.jobs.get(name)
    }

    /// The queue that the jobs of each name are in, as an index of the names of the queues, and these names. The first is
    /// always [`DEFAULT_QUEUE`].
    pub(crate) fn queues(&self) -> (Arc<HashMap<Arc<str>, usize>>, Vec<&'static str>) {
        let others: BTreeSet<_> = self.jobs.values().map(|plan| plan.settings.queue).collect();
        let others = others.into_iter().filter(|queue| *queue != DEFAULT_QUEUE);
        let names: Vec<_> = iter::once(DEFAULT_QUEUE).chain(others).collect();
        let index = |queue| names.iter().position(|name| *name == queue).unwrap_or_default();
        let by_job =
            self.jobs.iter().map(|(name, plan)| (name.clone(), index(plan.settings.queue))).collect();
        (Arc::new(by_job), names)
    }

    /// The commands that recur.
    pub(crate) fn schedules(&self) -> &[SchedulePlan] {
        &self.schedules
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

impl Plans {
    pub(crate) fn add_command(
        &mut self,
        part: CommandPart,
        input: Arc<Input>,
        handler: Option<&CommandHandlerPart>,
    ) {
        let plan = Arc::new(CommandPlan {
            name: part.name.into(),
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

    pub(crate) fn add_event(&mut self, part: &EventPart, input: Arc<Input>, handlers: &[EventHandlerPart]) {
        let own = handlers.iter().filter(|handler| handler.event == part.type_id);
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

    pub(crate) fn add_handler(&mut self, handler: &CommandHandlerPart, invariants: &[Arc<InvariantPart>]) {
        let Some(command) = self.commands_by_type.get(&handler.command) else { return };
        let entity = match &handler.body {
            Body::Bound(body) => Some(body.entity.type_id),
            Body::Unbound(_) => None,
        };
        let scoped = |part: &&Arc<InvariantPart>| part.when == handler.command && Some(part.entity) == entity;
        let plan = JobPlan {
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

    /// Has a command recur at the times that its handler's schedule names.
    pub(crate) fn add_schedule(&mut self, handler: &CommandHandlerPart, timetable: Timetable) {
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

    pub(crate) fn add_event_handler(&mut self, handler: &EventHandlerPart) {
        let Some(event) = self.events.get(&handler.event) else { return };
        let plan = JobPlan {
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

    pub(crate) fn add_invariant(&mut self, part: Arc<InvariantPart>) {
        let own = self.invariants.entry(part.entity).or_default();
        if part.when == TypeId::of::<Always>() {
            own.always.push(part);
        } else if self.events.contains_key(&part.when) {
            own.by_event.entry(part.when).or_default().push(part);
        }
    }
}

/// What something is called, and what it was called before.
fn names(name: &'static str, aliases: &'static [&'static str]) -> impl Iterator<Item = &'static str> {
    iter::once(name).chain(aliases.iter().copied())
}
