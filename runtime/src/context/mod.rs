//! What a handler knows of the execution that it is part of (r30 to r36).
//!
//! A boundary opens a context with a [`ContextSeed`] by [`Runtime::scope`](crate::Runtime::scope); every attempt of a job
//! has one of its own. [`context()`] reaches it anywhere below, without its being passed along.
//!
//! # What crosses into a job
//!
//! A job has exactly this from where it was published, or its event emitted, and hands it on to the jobs that it causes
//! (r31):
//!
//! | | into a published job, and the jobs of an event's handlers | into what is executed |
//! |---|---|---|
//! | [correlation id](ExecutionContext::correlation_id) | the same; if none was given, the first job's id | likewise |
//! | [causation id](ExecutionContext::cause) | the job that published it, or the event that it handles | none: the boundary causes it |
//! | [trace](ExecutionContext::trace), [identity](ExecutionContext::identity), [tenant](ExecutionContext::tenant), [metadata](ExecutionContext::metadata) | the same | the same |
//! | [capabilities](ExecutionContext::capability) | no: those that the runtime was provided with where it runs | no: likewise |
//! | capabilities that a [seed](ContextSeed::provide) puts in their place | no | yes, as long as the caller waits and this process runs it |
//! | what is staged, and which variants were chosen | no | no |
//! | a spawned task | has no context, unless it is given it by [`context().scope(…)`](ExecutionContext::scope) | |

pub mod auth;
mod capabilities;
mod from_context;
mod repository;
mod seed;
mod stage;
mod trace;

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde_json::Value;
use tokio_util::sync::CancellationToken;

pub(crate) use from_context::Needed;
pub use from_context::{Capability, FromContext, Requirements};
pub use repository::Repository;
pub use seed::{ContextSeed, Identity};
pub use stage::StagedJob;
pub use trace::{MalformedTrace, TraceContext};

pub(crate) use capabilities::Capabilities;
pub(crate) use repository::{entities, entity_key, unreadable};
use stage::Stage;
pub(crate) use stage::{StagedEvent, StagedWrite, Staging};

use crate::draft::Draft;
use crate::engine::Engine;
use crate::erased::AnyValue;
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

#[derive(Clone)]
struct Inner {
    /// The runtime's; a context that was opened [without a boundary](with_context) has none.
    engine: Option<Arc<Engine>>,
    correlation: Option<CorrelationId>,
    seed: Arc<ContextSeed>,
    /// What the seed has put in the place of the runtime's capabilities.
    overrides: Option<Arc<Capabilities>>,
    execution: Option<Arc<Execution>>,
    /// The execution that it is the context of, or that it was opened inside of.
    around: Option<Arc<Execution>>,
}

struct Execution {
    engine: Arc<Engine>,
    job: JobId,
    attempt: u32,
    cause: Option<Cause>,
    stage: Stage,
    choices: Mutex<Vec<StrategyChoice>>,
    /// Made when somebody asks for it, or cancels.
    cancellation: OnceLock<CancellationToken>,
}

impl Execution {
    fn cancellation(&self) -> &CancellationToken {
        self.cancellation.get_or_init(CancellationToken::new)
    }
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
    ExecutionContext::below_handler("emit").emit_any(E::NAME, serde_json::to_value(&event), Box::new(event))
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
    ExecutionContext::below_handler("publish").publish(command)
}

/// Runs a future in a context without a boundary: for tests of what asks for the context, and for background work (r36).
///
/// What is published or executed inside, through whichever [`Runtime`](crate::Runtime), carries what `seed` says. There are
/// the capabilities that the seed provides, and no others; [`Runtime::scope`](crate::Runtime::scope) has the runtime's.
///
/// ```
/// use enact::prelude::*;
/// use enact::with_context;
///
/// fn greeting() -> String {
///     format!("Good day, {}", context().identity().map_or("stranger", Identity::subject))
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let seed = ContextSeed::new().identity(Identity::user("ada"));
/// assert_eq!(with_context(seed, async { greeting() }).await, "Good day, ada");
/// # });
/// ```
pub fn with_context<F: Future>(seed: ContextSeed, future: F) -> impl Future<Output = F::Output> + use<F> {
    ExecutionContext::of_scope(None, seed).scope(future)
}

impl ExecutionContext {
    /// The context of an attempt of a job.
    pub(crate) fn of_attempt(engine: Arc<Engine>, job: &Job) -> Self {
        let execution = Arc::new(Execution {
            engine: engine.clone(),
            job: job.id,
            attempt: job.attempts,
            cause: job.cause,
            stage: Stage::open(),
            choices: Mutex::default(),
            cancellation: OnceLock::new(),
        });
        Self(Arc::new(Inner {
            correlation: Some(job.correlation.clone()),
            seed: job.context.clone(),
            overrides: engine.overrides.of(job.id),
            execution: Some(execution.clone()),
            around: Some(execution),
            engine: Some(engine),
        }))
    }

    /// The context of a scope: at the boundary of a runtime, or without one.
    pub(crate) fn of_scope(engine: Option<Arc<Engine>>, mut seed: ContextSeed) -> Self {
        let correlation = seed.take_correlation();
        let overrides = Some(seed.take_overrides()).filter(|overrides| !overrides.is_empty()).map(Arc::new);
        let around = Self::current().and_then(|context| context.0.around.clone());
        let seed = Arc::new(seed);
        Self(Arc::new(Inner { engine, correlation, seed, overrides, execution: None, around }))
    }

    /// The same context, of somebody else.
    fn of_identity(&self, identity: Identity) -> Self {
        let seed = Arc::new((*self.0.seed).clone().identity(identity));
        Self(Arc::new(Inner { seed, ..(*self.0).clone() }))
    }

    /// Whether the boundary is out of bounds here (r14): as long as the execution around is under way. What a task that
    /// outlives it does is no part of it.
    pub(crate) fn is_inside(&self) -> bool {
        self.0.around.as_ref().is_some_and(|execution| execution.stage.is_open())
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

    /// Returns when the attempt is no longer wanted: its job was [cancelled](crate::Jobs::cancel) (r24), or the attempt was given up
    /// because its worker had not been heard of (r23). Nothing that it does from then on can be committed; a handler that
    /// takes long, or does something outside that can be called off, watches for this and returns, whatever it returns.
    ///
    /// In this process it is known at once, of what other processes have done after a second or two. In a scope at
    /// the boundary it never returns.
    pub fn cancelled(&self) -> impl Future<Output = ()> + Send + use<> {
        let cancellation = self.0.execution.as_ref().map(|execution| execution.cancellation().clone());
        async move {
            match cancellation {
                Some(cancellation) => cancellation.cancelled_owned().await,
                None => std::future::pending().await,
            }
        }
    }

    /// Whether the attempt is no longer wanted; see [`cancelled`](Self::cancelled).
    pub fn is_cancelled(&self) -> bool {
        self.0.execution.as_ref().is_some_and(|execution| {
            execution.cancellation.get().is_some_and(CancellationToken::is_cancelled)
        })
    }

    /// Tells the attempt that it is no longer wanted.
    pub(crate) fn cancel(&self) {
        if let Some(execution) = &self.0.execution {
            execution.cancellation().cancel();
        }
    }

    /// The capability that the seed of the scope [puts](ContextSeed::provide) in its place, or that the runtime was
    /// [provided](crate::RuntimeBuilder::provide) with.
    pub fn capability<T: ?Sized + Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let own = self.0.overrides.as_ref().and_then(|overrides| overrides.get::<T>());
        own.or_else(|| self.0.engine.as_ref()?.capabilities.get::<T>())
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
        self.emit_any(E::NAME, serde_json::to_value(&event), Box::new(event))
    }

    /// What is left of [`emit`](Self::emit) without the event's type, so that it is generated once.
    #[track_caller]
    fn emit_any(&self, name: &str, json: serde_json::Result<Value>, event: AnyValue) -> EventId {
        let plan = self.execution("emit").engine.plans.event_of((*event).type_id(), name);
        let admitted = plan.and_then(|plan| plan.input.admit(json));
        let id = self.execution("emit").engine.ids.event();
        self.stage("emit", |staging| staging.event(id, event, admitted, self.0.seed.clone()));
        id
    }

    /// Publishes a command; see [`publish`](publish()).
    ///
    /// # Panics
    /// In a scope at the boundary, and when the attempt has ended (r30, r34).
    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "a command is handed over")]
    pub fn publish<C: HasOneHandler>(&self, command: C) -> StagedJob {
        let engine = &self.execution("publish").engine;
        let draft = Draft::of(&engine.plans, &command);
        let job = draft.map(|draft| draft.into_job(&engine.ids, self.origin(), engine.clock.now()));
        // What is refused has no job, and no use for an id but to be named.
        let id = job.as_ref().map_or_else(|_| engine.ids.job(), |job| job.id);
        self.stage("publish", |staging| staging.command(job));
        StagedJob::new(self.clone(), id)
    }

    /// The current context, where there must be one.
    #[track_caller]
    fn below_handler(what: &'static str) -> Self {
        match Self::current() {
            Some(context) => context,
            None => panic!("{}", stage::Refusal::Outside(what)),
        }
    }

    /// The execution that this is the context of.
    #[track_caller]
    fn execution(&self, what: &'static str) -> &Execution {
        match &self.0.execution {
            Some(execution) => execution,
            None => panic!("{}", stage::Refusal::InScope(what)),
        }
    }

    #[track_caller]
    fn stage<T>(&self, what: &'static str, act: impl FnOnce(&mut Staging) -> T) -> T {
        let staged = self.execution(what).stage.with(what, act);
        staged.unwrap_or_else(|refusal| panic!("{refusal}"))
    }

    /// What a job has from the context that it is published in.
    pub(crate) fn origin(&self) -> Origin {
        Origin {
            correlation: self.correlation_id().cloned(),
            cause: self.job_id().map(Cause::Job),
            seed: self.0.seed.clone(),
            overrides: self.0.overrides.clone(),
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
        let choices = |execution: &Arc<Execution>| {
            execution.choices.lock().unwrap_or_else(PoisonError::into_inner).clone()
        };
        self.0.execution.as_ref().map(choices).unwrap_or_default()
    }

    /// Notes something on the stage, if there is one and it is open.
    fn observe(&self, note: impl FnOnce(&mut Staging)) {
        if let Some(execution) = &self.0.execution {
            // A closed stage needs no notes.
            let _ = execution.stage.with("observe", note);
        }
    }

    /// The runtime's, if the context was opened by one.
    pub(crate) fn engine(&self) -> Option<&Arc<Engine>> {
        self.0.engine.as_ref()
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
    /// What holds for what is executed there, and crosses into no job.
    pub(crate) overrides: Option<Arc<Capabilities>>,
}
