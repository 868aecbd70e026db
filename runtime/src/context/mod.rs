//! What a handler knows of the execution that it is part of (r30 to r34).

mod capabilities;
mod from_context;
mod repository;
mod seed;
mod stage;
mod trace;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

pub(crate) use from_context::Needed;
pub use from_context::{Capability, FromContext, Requirements};
pub use repository::Repository;
pub use seed::{ContextSeed, Identity};
pub use stage::StagedJob;
pub use trace::{MalformedTrace, TraceContext};

pub(crate) use capabilities::Capabilities;
pub(crate) use repository::{entity_key, unreadable};
use stage::Stage;
pub(crate) use stage::{StagedWrite, Staging};

use crate::draft::Draft;
use crate::engine::Engine;
use crate::store::EntityKey;
use crate::{Cause, CorrelationId, Event, EventId, Failure, HasOneHandler, Job, JobId, StrategyChoice};

tokio::task_local! {
    static CURRENT: ExecutionContext;
}

/// The context of one attempt, or of a [`scope`](crate::Runtime::scope) at the boundary. Cheap to clone.
///
/// Below a handler it is reached by [`context()`], without being passed along. It is closed when its attempt ends: a
/// task that has kept it can read, but no longer stage (r30).
#[derive(Clone)]
pub struct ExecutionContext(Arc<Inner>);

struct Inner {
    engine: Arc<Engine>,
    correlation: Option<CorrelationId>,
    seed: Arc<ContextSeed>,
    execution: Option<Execution>,
    /// Whether it is an execution's, or that of a scope that was opened inside one.
    is_inside: bool,
}

struct Execution {
    job: JobId,
    attempt: u32,
    cause: Option<Cause>,
    stage: Stage,
    choices: Mutex<Vec<StrategyChoice>>,
}

/// The context of the execution or scope that the caller is in.
///
/// # Panics
/// Outside of one, as `tokio::spawn` panics outside a runtime. A task that a handler spawned is outside, unless it was
/// spawned with [`ExecutionContext::scope`]. [`ExecutionContext::current`] asks without a panic.
#[track_caller]
pub fn context() -> ExecutionContext {
    ExecutionContext::current().expect(
        "`context()` was called outside an execution: call it below a handler or inside `runtime.scope(…)`; \
         a spawned task needs `context().scope(future)`",
    )
}

/// Emits an event: it is committed with the execution's entity, and handled after that (r15, r18).
///
/// # Panics
/// Outside an execution, and in a context whose attempt has ended (r34). At the boundary, use
/// [`Runtime::emit`](crate::Runtime::emit).
#[track_caller]
pub fn emit<E: Event>(event: E) -> EventId {
    match ExecutionContext::current() {
        Some(context) => context.emit(event),
        None => panic!("{}", stage::Refusal::Outside("emit")),
    }
}

/// Publishes a command: its job is committed with the execution's entity, and runs after that (r15).
///
/// A command that violates its schema fails the execution with `Invalid`.
///
/// # Panics
/// Outside an execution, and in a context whose attempt has ended (r34). At the boundary, use
/// [`Runtime::publish`](crate::Runtime::publish).
#[track_caller]
pub fn publish<C: HasOneHandler>(command: C) -> StagedJob {
    match ExecutionContext::current() {
        Some(context) => context.publish(command),
        None => panic!("{}", stage::Refusal::Outside("publish")),
    }
}

impl ExecutionContext {
    /// The context of an attempt of a job.
    pub(crate) fn of_attempt(engine: Arc<Engine>, job: &Job) -> Self {
        let execution = Execution {
            job: job.id,
            attempt: job.attempts,
            cause: job.cause,
            stage: Stage::open(),
            choices: Mutex::default(),
        };
        let correlation = Some(job.correlation.clone());
        let seed = job.context.clone();
        Self(Arc::new(Inner { engine, correlation, seed, execution: Some(execution), is_inside: true }))
    }

    /// The context of a scope at the boundary.
    pub(crate) fn of_scope(engine: Arc<Engine>, mut seed: ContextSeed) -> Self {
        let correlation = seed.take_correlation();
        let is_inside = Self::current().is_some_and(|context| context.is_inside());
        Self(Arc::new(Inner { engine, correlation, seed: Arc::new(seed), execution: None, is_inside }))
    }

    /// Whether the boundary is out of bounds here (r14).
    pub(crate) fn is_inside(&self) -> bool {
        self.0.is_inside
    }

    /// The context that the caller is in, if it is in one.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// Runs a future in this context. A spawned task gets the context only so (r31):
    /// `tokio::spawn(context().scope(async { … }))`.
    pub fn scope<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        CURRENT.scope(self.clone(), future)
    }

    /// The job whose attempt this is; `None` in a scope at the boundary.
    pub fn job_id(&self) -> Option<JobId> {
        self.0.execution.as_ref().map(|execution| execution.job)
    }

    /// Which attempt of its job this is, from 1; `None` in a scope at the boundary.
    pub fn attempt(&self) -> Option<u32> {
        self.0.execution.as_ref().map(|execution| execution.attempt)
    }

    /// The matter that the execution belongs to (r32). `None` in a scope that was given none: each job that is
    /// published there begins one of its own.
    pub fn correlation_id(&self) -> Option<&CorrelationId> {
        self.0.correlation.as_ref()
    }

    /// What caused the job; `None` if a caller at the boundary did (r32).
    pub fn cause(&self) -> Option<Cause> {
        self.0.execution.as_ref().and_then(|execution| execution.cause)
    }

    /// Who asked for it; `None` if they are anonymous.
    pub fn identity(&self) -> Option<&Identity> {
        self.0.seed.get_identity()
    }

    /// The tenant that it is done for.
    pub fn tenant(&self) -> Option<&str> {
        self.0.seed.get_tenant()
    }

    /// What the boundary has given under a name.
    pub fn metadata(&self, name: &str) -> Option<&str> {
        self.0.seed.get_metadata(name)
    }

    /// The trace that it belongs to.
    pub fn trace(&self) -> Option<&TraceContext> {
        self.0.seed.get_trace()
    }

    /// The capability that the runtime was [provided](crate::RuntimeBuilder::provide) with.
    pub fn capability<T: ?Sized + Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.0.engine.capabilities.get::<T>()
    }

    /// Draws what a handler's parameter would be given (r33).
    ///
    /// # Errors
    /// As the type says: an [`Identity`] is refused to the anonymous with `Denied`.
    pub fn draw<T: FromContext>(&self) -> Result<T, Failure> {
        T::from_context(self)
    }

    /// Emits an event; see [`emit`](emit()).
    ///
    /// # Panics
    /// In a scope at the boundary, and when the attempt has ended (r30, r34).
    #[track_caller]
    pub fn emit<E: Event>(&self, event: E) -> EventId {
        let admitted = self.0.engine.plans.admit_event(&event);
        self.stage("emit", |staging| staging.event(event, admitted))
    }

    /// Publishes a command; see [`publish`](publish()).
    ///
    /// # Panics
    /// In a scope at the boundary, and when the attempt has ended (r30, r34).
    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "a command is handed over")]
    pub fn publish<C: HasOneHandler>(&self, command: C) -> StagedJob {
        let now = self.0.engine.clock.now();
        let job = Draft::of(&self.0.engine.plans, &command).map(|draft| draft.into_job(self.origin(), now));
        let id = self.stage("publish", |staging| staging.command(job));
        StagedJob::new(self.clone(), id)
    }

    #[track_caller]
    fn stage<T>(&self, what: &'static str, act: impl FnOnce(&mut Staging) -> T) -> T {
        let staged = match &self.0.execution {
            Some(execution) => execution.stage.with(what, act),
            None => Err(stage::Refusal::InScope(what)),
        };
        staged.unwrap_or_else(|refusal| panic!("{refusal}"))
    }

    /// What a job has from the context that it is published in.
    pub(crate) fn origin(&self) -> Origin {
        Origin {
            correlation: self.correlation_id().cloned(),
            cause: self.job_id().map(Cause::Job),
            seed: self.0.seed.clone(),
        }
    }

    /// Remembers which entity the handler binds.
    pub(crate) fn bind(&self, entity: EntityKey) {
        self.observe(|staging| staging.bound = Some(entity));
    }

    /// Ends the context: nothing more can be staged. Answers with what was.
    pub(crate) fn close(&self) -> Staging {
        self.0.execution.as_ref().map(|execution| execution.stage.close()).unwrap_or_default()
    }

    /// Remembers which variant of a strategy was chosen (r40). Drawn again, the same choice is one.
    fn note_choice(&self, choice: StrategyChoice) {
        if let Some(execution) = &self.0.execution {
            let mut choices = execution.choices.lock().unwrap_or_else(PoisonError::into_inner);
            if !choices.contains(&choice) {
                choices.push(choice);
            }
        }
    }

    /// The variants that were chosen so far, in order.
    pub(crate) fn choices(&self) -> Vec<StrategyChoice> {
        let choices =
            |execution: &Execution| execution.choices.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.0.execution.as_ref().map(choices).unwrap_or_default()
    }

    /// Notes something on the stage, if there is one and it is open.
    fn observe(&self, note: impl FnOnce(&mut Staging)) {
        if let Some(execution) = &self.0.execution {
            // A closed stage needs no notes.
            let _ = execution.stage.with("observe", note);
        }
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.0.engine
    }
}

impl fmt::Debug for ExecutionContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecutionContext")
            .field("job", &self.job_id())
            .field("attempt", &self.attempt())
            .field("seed", &self.0.seed)
            .finish_non_exhaustive()
    }
}

/// What a new job has from where it was published (r31, r32).
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    pub(crate) correlation: Option<CorrelationId>,
    pub(crate) cause: Option<Cause>,
    pub(crate) seed: Arc<ContextSeed>,
}
