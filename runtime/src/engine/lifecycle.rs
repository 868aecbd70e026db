//! The seven steps of an execution (r10). Whatever a step refuses ends the attempt with that failure, and nothing of
//! what was staged remains.

use std::any::{Any, TypeId};
use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use super::draft::handler_jobs;
use super::engine::Engine;
use super::entity_locks::EntityLock;
use super::faults::Point;
use super::time_limit::TimeLimit;
use crate::context::{ExecutionContext, StagedEvent, Staging, unreadable};
use crate::domain::{AnyValue, Entity, EntityPart, parse};
use crate::handler::{Always, Verdict};
use crate::model::{Attempt, Failure, FailureKind, Job, Json, Step, Violation};
use crate::register::{AnyCreation, Body, BoundBody, InvariantPart};
use crate::store::{Commit, CommitError, EntityKey, EntityWrite, NewEvent, Next};
use crate::wiring::{Action, JobPlan};

/// One attempt to execute a job.
pub(crate) struct Execution<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) plan: &'a JobPlan,
    pub(crate) job: &'a Job,
    pub(crate) context: &'a ExecutionContext,
    /// The record of the attempt, as far as it has come.
    pub(crate) attempt: &'a mut Attempt,
    /// Its place among the worker's executions, given back with the commit.
    pub(crate) permit: Option<OwnedSemaphorePermit>,
}

impl Execution<'_> {
    fn reach(&mut self, step: Step) -> Result<(), Failure> {
        self.attempt.reached = Some(step);
        self.pass(Point::Before(step))
    }

    /// A point at which a test may have asked for a fault.
    fn pass(&self, point: Point) -> Result<(), Failure> {
        self.engine.pass(point, self.job)
    }
}

/// The execution from its input to its commit. Answers with what the handler returned.
pub(crate) async fn execute(x: &mut Execution<'_>) -> Result<Json, Failure> {
    let limit = time_limit(x)?;
    let message = validate(x)?;
    let binding = resolve(x)?;
    let mut entity = limit.hold(load_or_create(x, binding, &message)).await?;
    check_before(x, entity.as_ref(), &message)?;
    let output = limit.hold(handle(x, message, entity.as_mut())).await?;
    let effects = check_after(x, entity)?;
    commit(x, effects, output).await
}

/// The entity that is to be bound.
struct Binding {
    body: BoundBody,
    key: EntityKey,
}

/// The entity that is bound. Nobody else in this process binds it meanwhile (r17).
struct Bound {
    binding: Binding,
    entity: AnyValue,
    version: u64,
    lock: EntityLock,
}

/// What an execution has done, checked and ready to be committed.
struct Effects {
    staged: Staging,
    write: Option<EntityWrite>,
    /// Held until after the commit.
    _lock: Option<EntityLock>,
}

/// The time limit of the handler and the deadline of the job, whichever comes first.
fn time_limit<'a>(x: &Execution<'a>) -> Result<TimeLimit<'a>, Failure> {
    x.pass(Point::Claimed)?;
    TimeLimit::new(&*x.engine.clock, x.plan.settings.timeout, x.job.effective_deadline())
}

/// Step 1: the input is what its schema says (r11).
fn validate(x: &mut Execution<'_>) -> Result<AnyValue, Failure> {
    x.reach(Step::Validate)?;
    x.plan.input.read(&x.job.payload)
}

/// Step 2: which entity the handler binds, and how it is come by (r12).
fn resolve(x: &mut Execution<'_>) -> Result<Option<Binding>, Failure> {
    x.reach(Step::Resolve)?;
    let Action::Command(Body::Bound(body)) = x.plan.action else { return Ok(None) };
    let id = x.job.target.clone().ok_or_else(|| x.plan.input.no_target())?;
    Ok(Some(Binding { body, key: EntityKey { entity: body.entity.name, id } }))
}

/// Step 3: the entity is loaded, or made from the command, as the creation policy says (r12).
async fn load_or_create(
    x: &mut Execution<'_>,
    binding: Option<Binding>,
    message: &AnyValue,
) -> Result<Option<Bound>, Failure> {
    x.reach(Step::Load)?;
    let Some(binding) = binding else { return Ok(None) };
    let Binding { body, key } = &binding;
    let lock = x.engine.locks.lock(key).await;
    let stored = x.engine.store.load(key).await?;
    let (entity, version) = match (stored, body.creation) {
        (Some(_), AnyCreation::Always(_)) => return Err(already_exists(key)),
        (Some(stored), AnyCreation::Never | AnyCreation::IfMissing(_)) => {
            let entity =
                parse(stored.body.as_str(), body.entity.parse).map_err(|error| unreadable(key, &error))?;
            x.attempt.version_read = Some(stored.version);
            (entity, stored.version)
        }
        (None, AnyCreation::Never) => return Err(not_found(key)),
        (None, AnyCreation::Always(create) | AnyCreation::IfMissing(create)) => {
            let entity = create(&**message);
            check_identity(&body.entity, &*entity, key, "created with")?;
            (entity, 0)
        }
    };
    x.context.bind(key.clone());
    Ok(Some(Bound { binding, entity, version, lock }))
}

/// Step 4: the invariants that are scoped by the command hold.
fn check_before(x: &mut Execution<'_>, bound: Option<&Bound>, message: &AnyValue) -> Result<(), Failure> {
    x.reach(Step::CheckBefore)?;
    let Some(Bound { binding, entity, .. }) = bound else { return Ok(()) };
    let checks = x.plan.before.iter().map(|invariant| (invariant, &**message as &dyn Any));
    holds(&binding.key, &**entity, checks)
}

/// Step 5: the handler runs. What it emits, publishes and changes is staged.
async fn handle(
    x: &mut Execution<'_>,
    message: AnyValue,
    bound: Option<&mut Bound>,
) -> Result<Json, Failure> {
    x.reach(Step::Handle)?;
    match (x.plan.action, bound) {
        (Action::Command(Body::Bound(body)), Some(bound)) => {
            (body.handle)(message, &mut *bound.entity, x.context).await
        }
        (Action::Command(Body::Unbound(handle)) | Action::Event(handle), _) => {
            handle(message, x.context).await
        }
        (Action::Command(Body::Bound(_)), None) => unreachable!("step 3 has bound the entity or failed"),
    }
}

/// Step 6: the invariants that are scoped by the emitted events hold, and those without a scope (r16).
fn check_after(x: &mut Execution<'_>, bound: Option<Bound>) -> Result<Effects, Failure> {
    x.reach(Step::CheckAfter)?;
    let mut staged = x.context.close();
    if let Some(refused) = staged.refused {
        return Err(refused);
    }
    let (written, lock) = match bound {
        Some(Bound { binding: Binding { body, key }, entity, version, lock }) => {
            check_identity(&body.entity, &*entity, &key, "left with")?;
            (Some((body.entity, key, entity, version)), Some(lock))
        }
        None => (staged.write.take().map(|save| (save.part, save.key, save.value, save.expected)), None),
    };
    let Some((part, key, entity, expected)) = written else {
        return Ok(Effects { staged, write: None, _lock: lock });
    };
    if let Some(invariants) = x.engine.plans.invariants(part.type_id) {
        let by_event = staged.events.iter().flat_map(|event| {
            let scoped = invariants.by_event.get(&event.type_id).into_iter().flatten();
            scoped.map(|invariant| (invariant, &*event.value as &dyn Any))
        });
        let always = invariants.always.iter().map(|invariant| (invariant, &Always as &dyn Any));
        holds(&key, &*entity, by_event.chain(always))?;
    }
    let body = (part.to_json)(&*entity).map_err(|error| {
        let message = format!("{key} cannot be written as JSON: {error}");
        Failure::new(FailureKind::Error, "entity_not_json", message).permanent()
    })?;
    Ok(Effects { staged, write: Some(EntityWrite { key, expected, body }), _lock: lock })
}

/// Step 7: entity, events, jobs and the job's own state are committed together (r15, r18).
async fn commit(x: &mut Execution<'_>, effects: Effects, output: Json) -> Result<Json, Failure> {
    x.reach(Step::Commit)?;
    let Effects { staged, write, _lock } = effects;
    let now = x.engine.clock.now();
    let mut jobs = staged.jobs;
    let mut events = Vec::with_capacity(staged.events.len());
    for StagedEvent { id, type_id, payload, context, .. } in staged.events {
        let Some(plan) = x.engine.plans.event_by_type(type_id) else { continue };
        let event = NewEvent {
            id,
            name: plan.name.clone(),
            payload,
            correlation: x.job.correlation.clone(),
            cause: Some(x.job.id),
            emitted_at: now,
        };
        jobs.extend(handler_jobs(&x.engine.ids, &event, &plan.handlers, context, None));
        events.push(event);
    }
    let attempt = Attempt {
        ended_at: Some(now),
        version_written: write.as_ref().map(|write| write.expected + 1),
        strategies: x.context.choices(),
        events: events.iter().map(|event| event.id).collect(),
        ..x.attempt.clone()
    };
    let next = Next::Succeeded(output.clone());
    let job = x.job.id;
    let commit = x.engine.store.commit(Commit { job, attempt, lapsed: None, next, write, events, jobs });
    // Once the commit is on its way, and not before, another job can be claimed: it begins in the transaction in which
    // this one ends, or in a later one.
    let (committed, ()) = tokio::join!(biased; commit, async { drop(x.permit.take()) });
    let committed = committed.map_err(|error| refusal(x.job, error))?;
    if committed.has_work {
        x.engine.work.notify_one();
    }
    x.pass(Point::Committed)?;
    Ok(output)
}

/// Evaluates all, and reports all that do not hold (r16).
fn holds<'a>(
    key: &EntityKey,
    entity: &dyn Any,
    checks: impl Iterator<Item = (&'a Arc<InvariantPart>, &'a dyn Any)>,
) -> Result<(), Failure> {
    let violations: Vec<_> = checks
        .filter_map(|(invariant, when)| match (invariant.check)(entity, when) {
            Verdict::Holds => None,
            Verdict::Violated(message) => {
                Some(Violation::of(invariant.code, message.unwrap_or_else(|| invariant.message.to_owned())))
            }
        })
        .collect();
    if violations.is_empty() {
        return Ok(());
    }
    Err(Failure::from_violations(FailureKind::Violated, format!("{key} would not be as it must"), violations))
}

/// The invariants without a scope hold of an entity that no execution has bound.
pub(crate) fn check_always<E: Entity>(engine: &Engine, key: &EntityKey, entity: &E) -> Result<(), Failure> {
    let invariants = engine.plans.invariants(TypeId::of::<E>());
    let always = invariants.iter().flat_map(|invariants| &invariants.always);
    holds(key, entity, always.map(|invariant| (invariant, &Always as &dyn Any)))
}

/// An entity has the id that its command targets, from beginning to end.
fn check_identity(part: &EntityPart, entity: &dyn Any, key: &EntityKey, how: &str) -> Result<(), Failure> {
    let id = (part.key)(entity);
    if id.as_ref() == Some(&key.id) {
        return Ok(());
    }
    let id = id.map_or_else(|| "null".to_owned(), |id| id.to_string());
    let message =
        format!("{key} was {how} the id {id}; an entity's id is its command's target, and never changes");
    Err(Failure::new(FailureKind::Error, "wrong_identity", message).permanent())
}

fn not_found(key: &EntityKey) -> Failure {
    Failure::new(FailureKind::NotFound, "not_found", format!("{key} does not exist"))
}

fn already_exists(key: &EntityKey) -> Failure {
    Failure::new(FailureKind::AlreadyExists, "already_exists", format!("{key} exists already"))
}

/// What a refused commit means for the attempt.
fn refusal(job: &Job, error: CommitError) -> Failure {
    let message = error.to_string();
    match error {
        CommitError::Conflict { .. } => {
            let message = format!("the entity was changed by another execution in the meantime: {message}");
            Failure::new(FailureKind::Conflict, "conflict", message)
        }
        CommitError::Mismatch { .. } => {
            Failure::new(FailureKind::IdempotencyMismatch, "idempotency_mismatch", message)
        }
        CommitError::NoPredecessor { .. } => Failure::new(FailureKind::NotFound, "no_such_job", message),
        CommitError::Fenced => {
            let message = format!(
                "attempt {} of job {} is no longer under way on record: the job was cancelled, or another worker took \
                 it over",
                job.attempts, job.id
            );
            Failure::new(FailureKind::Lost, "fenced", message)
        }
        CommitError::Store(error) => error.into(),
    }
}
