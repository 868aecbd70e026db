//! The execution context: what is known of the attempt or scope that code runs in.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio_util::sync::CancellationToken;

use super::host::Host;
use super::origin::Origin;
use super::stage::{Refusal, Stage, Staging};
use crate::model::{
    Capabilities, Cause, ContextSeed, CorrelationId, Identity, Job, JobContext, JobId, StrategyChoice,
    TraceContext,
};
use crate::store::EntityKey;

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
    /// The runtime; `None` in a context that was opened [without one](with_context).
    host: Option<Arc<dyn Host>>,
    correlation: Option<CorrelationId>,
    job_context: Arc<JobContext>,
    /// What the seed has put in the place of the runtime's capabilities.
    overrides: Option<Arc<Capabilities>>,
    execution: Option<Arc<AttemptScope>>,
    /// The execution that it is the context of, or that it was opened inside of.
    around: Option<Arc<AttemptScope>>,
}

/// The part of a context that belongs to one attempt.
pub(super) struct AttemptScope {
    pub(super) host: Arc<dyn Host>,
    job: JobId,
    attempt: u32,
    cause: Option<Cause>,
    stage: Stage,
    choices: Mutex<Vec<StrategyChoice>>,
    /// Made when somebody asks for it, or cancels.
    cancellation: OnceLock<CancellationToken>,
}

impl AttemptScope {
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
/// let seed = ContextSeed::new().with_identity(Identity::user("ada"));
/// assert_eq!(with_context(seed, async { greeting() }).await, "Good day, ada");
/// # });
/// ```
pub fn with_context<F: Future>(seed: ContextSeed, future: F) -> impl Future<Output = F::Output> + use<F> {
    ExecutionContext::of_scope(None, seed).scope(future)
}

impl ExecutionContext {
    /// The context of an attempt of a job.
    pub(crate) fn of_attempt(host: Arc<dyn Host>, overrides: Option<Arc<Capabilities>>, job: &Job) -> Self {
        let execution = Arc::new(AttemptScope {
            host: host.clone(),
            job: job.id,
            attempt: job.attempts,
            cause: job.cause,
            stage: Stage::open(),
            choices: Mutex::default(),
            cancellation: OnceLock::new(),
        });
        Self(Arc::new(Inner {
            correlation: Some(job.correlation.clone()),
            job_context: job.context.clone(),
            overrides,
            execution: Some(execution.clone()),
            around: Some(execution),
            host: Some(host),
        }))
    }

    /// The context of a scope: at the boundary of a runtime, or without one.
    pub(crate) fn of_scope(host: Option<Arc<dyn Host>>, seed: ContextSeed) -> Self {
        let (correlation, job_context, overrides) = seed.into_parts();
        let overrides = Some(overrides).filter(|overrides| !overrides.is_empty()).map(Arc::new);
        let around = Self::current().and_then(|context| context.0.around.clone());
        let job_context = Arc::new(job_context);
        Self(Arc::new(Inner { host, correlation, job_context, overrides, execution: None, around }))
    }

    /// The same context, of somebody else.
    pub(super) fn of_identity(&self, identity: Identity) -> Self {
        let job_context = Arc::new((*self.0.job_context).clone().with_identity(identity));
        Self(Arc::new(Inner { job_context, ..(*self.0).clone() }))
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
        self.0.job_context.identity()
    }

    /// The tenant that it is done for.
    pub fn tenant(&self) -> Option<&str> {
        self.0.job_context.tenant()
    }

    /// What the boundary has given under a name.
    pub fn metadata(&self, name: &str) -> Option<&str> {
        self.0.job_context.metadata(name)
    }

    /// The trace that it belongs to.
    pub fn trace(&self) -> Option<&TraceContext> {
        self.0.job_context.trace()
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
        own.or_else(|| self.0.host.as_ref()?.capabilities().get::<T>())
    }

    /// The current context, where there must be one.
    #[track_caller]
    pub(super) fn below_handler(what: &'static str) -> Self {
        match Self::current() {
            Some(context) => context,
            None => panic!("{}", Refusal::Outside(what)),
        }
    }

    /// The execution that this is the context of.
    #[track_caller]
    pub(super) fn execution(&self, what: &'static str) -> &AttemptScope {
        match &self.0.execution {
            Some(execution) => execution,
            None => panic!("{}", Refusal::InScope(what)),
        }
    }

    #[track_caller]
    pub(super) fn stage<T>(&self, what: &'static str, act: impl FnOnce(&mut Staging) -> T) -> T {
        let staged = self.execution(what).stage.with(what, act);
        staged.unwrap_or_else(|refusal| panic!("{refusal}"))
    }

    /// What crosses into jobs that are published here.
    pub(super) fn job_context(&self) -> &Arc<JobContext> {
        &self.0.job_context
    }

    /// What a job has from the context that it is published in.
    pub(crate) fn origin(&self) -> Origin {
        Origin {
            correlation: self.correlation_id().cloned(),
            cause: self.job_id().map(Cause::Job),
            context: self.0.job_context.clone(),
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
    pub(crate) fn note_choice(&self, choice: StrategyChoice) {
        if let Some(execution) = &self.0.execution {
            let mut choices = execution.choices.lock().unwrap_or_else(PoisonError::into_inner);
            if !choices.contains(&choice) {
                choices.push(choice);
            }
        }
    }

    /// The variants that were chosen so far, in order.
    pub(crate) fn choices(&self) -> Vec<StrategyChoice> {
        let choices = |execution: &Arc<AttemptScope>| {
            execution.choices.lock().unwrap_or_else(PoisonError::into_inner).clone()
        };
        self.0.execution.as_ref().map(choices).unwrap_or_default()
    }

    /// Notes something on the stage, if there is one and it is open.
    pub(super) fn observe(&self, note: impl FnOnce(&mut Staging)) {
        if let Some(execution) = &self.0.execution {
            // A closed stage needs no notes.
            let _ = execution.stage.with("observe", note);
        }
    }

    /// The runtime's, if the context was opened by one.
    pub(super) fn host(&self) -> Option<&Arc<dyn Host>> {
        self.0.host.as_ref()
    }
}

impl fmt::Debug for ExecutionContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecutionContext")
            .field("job", &self.job_id())
            .field("attempt", &self.attempt())
            .field("job_context", &self.0.job_context)
            .finish_non_exhaustive()
    }
}
