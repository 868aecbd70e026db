use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use super::host::Host;
use super::late_call::LateCall;
use super::origin::Origin;
use super::stage::{Refusal, Stage, Staging};
use crate::model::{
    Capabilities, Cause, ContextSeed, CorrelationId, Identity, Job, JobContext, JobId, Source,
    StrategyChoice, TraceContext,
};
use crate::store::EntityKey;

tokio::task_local! {
    static CURRENT: ExecutionContext;
}

/// The context of an attempt, or of a [`scope`](crate::Runtime::scope) at the boundary. Cheap to clone.
///
/// Code below a handler reaches it by [`context()`]. It is closed when its attempt ends: a clone can then still be read, but
/// stages nothing ([r30](crate::rules#r30)).
#[derive(Clone)]
pub struct ExecutionContext(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    /// The engine; `None` in a context that was opened [without a runtime](with_context).
    host: Option<Arc<dyn Host>>,
    correlation: Option<CorrelationId>,
    job_context: Arc<JobContext>,
    /// The capabilities of the seed.
    overrides: Option<Arc<Capabilities>>,
    /// The attempt that this is the context of; `None` in a scope.
    attempt: Option<Arc<AttemptScope>>,
    /// The attempt that this is the context of, or inside of which the scope was opened.
    enclosing: Option<Arc<AttemptScope>>,
}

/// The state of one attempt.
pub(super) struct AttemptScope {
    pub(super) host: Arc<dyn Host>,
    job: JobId,
    name: Arc<str>,
    number: u32,
    cause: Option<Cause>,
    depth: u32,
    stage: Stage,
    choices: Mutex<Vec<StrategyChoice>>,
    cancellation: CancellationToken,
}

impl AttemptScope {
    /// Reports an effect that was refused, if it is lost without a failure of the attempt.
    #[track_caller]
    fn report_late(&self, what: &'static str) {
        if self.stage.has_returned() {
            let (job, attempt, name, caller) = (self.job, self.number, self.name.clone(), Source::caller());
            self.host.report_late(LateCall { job, attempt, name, what, caller });
        }
    }
}

/// Returns the context of the current execution or scope.
///
/// # Panics
/// If there is none, as in a task that a handler has spawned without [`ExecutionContext::scope`].
/// [`ExecutionContext::current`] does not panic.
#[track_caller]
pub fn context() -> ExecutionContext {
    ExecutionContext::current().expect(
        "`context()` was called outside an execution: call it below a handler or inside `runtime.scope(…)`; \
         a spawned task needs `context().scope(future)`",
    )
}

/// Runs a future in a context without a runtime, for background work and for tests of code that reads the context
/// ([r36](crate::rules#r36)).
///
/// What the future publishes or executes, by any [`Runtime`](crate::Runtime), carries `seed`. The only capabilities are those
/// of the seed; [`Runtime::scope`](crate::Runtime::scope) adds the runtime's.
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
    /// The context of an attempt of a job. `cancellation` signals that the attempt is cancelled.
    pub(crate) fn of_attempt(
        host: Arc<dyn Host>,
        overrides: Option<Arc<Capabilities>>,
        job: &Job,
        cancellation: CancellationToken,
    ) -> Self {
        let attempt = Arc::new(AttemptScope {
            host: host.clone(),
            job: job.id,
            name: job.name.clone(),
            number: job.attempts,
            cause: job.cause.clone(),
            depth: job.depth,
            stage: Stage::open(host.max_staged()),
            choices: Mutex::default(),
            cancellation,
        });
        Self(Arc::new(Inner {
            correlation: Some(job.correlation.clone()),
            job_context: job.context.clone(),
            overrides,
            attempt: Some(attempt.clone()),
            enclosing: Some(attempt),
            host: Some(host),
        }))
    }

    /// The context of a scope, with or without a runtime.
    pub(crate) fn of_scope(host: Option<Arc<dyn Host>>, seed: ContextSeed) -> Self {
        let (correlation, job_context, overrides) = seed.into_parts();
        let overrides = Some(overrides).filter(|overrides| !overrides.is_empty()).map(Arc::new);
        let enclosing = Self::current().and_then(|context| context.0.enclosing.clone());
        let job_context = Arc::new(job_context);
        Self(Arc::new(Inner { host, correlation, job_context, overrides, attempt: None, enclosing }))
    }

    /// The same context with another identity.
    pub(super) fn with_identity(&self, identity: Identity) -> Self {
        let job_context = Arc::new((*self.0.job_context).clone().with_identity(identity));
        Self(Arc::new(Inner { job_context, ..(*self.0).clone() }))
    }

    /// Whether this is inside a running execution, where calls at the boundary are refused. A task that outlives the
    /// execution is not inside it.
    pub(crate) fn is_inside(&self) -> bool {
        self.0.enclosing.as_ref().is_some_and(|attempt| attempt.stage.is_open())
    }

    /// Returns the context of the current execution or scope, if there is one.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// Runs a future in this context. A spawned task has no context without it:
    /// `tokio::spawn(context().scope(async { … }))`.
    pub fn scope<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        CURRENT.scope(self.clone(), future)
    }

    /// The id of the job; `None` in a scope at the boundary.
    pub fn job_id(&self) -> Option<JobId> {
        self.0.attempt.as_ref().map(|attempt| attempt.job)
    }

    /// The number of the attempt, from 1; `None` in a scope at the boundary.
    pub fn attempt(&self) -> Option<u32> {
        self.0.attempt.as_ref().map(|attempt| attempt.number)
    }

    /// The correlation id ([r32](crate::rules#r32)). `None` in a scope without one: each job that is published there then
    /// uses its own id.
    pub fn correlation_id(&self) -> Option<&CorrelationId> {
        self.0.correlation.as_ref()
    }

    /// The job or event that caused this job ([r32](crate::rules#r32)); `None` if it was started at the boundary.
    pub fn cause(&self) -> Option<Cause> {
        self.0.attempt.as_ref().and_then(|attempt| attempt.cause.clone())
    }

    /// The caller's identity; `None` if the caller is anonymous.
    pub fn identity(&self) -> Option<&Identity> {
        self.0.job_context.identity()
    }

    /// The tenant.
    pub fn tenant(&self) -> Option<&str> {
        self.0.job_context.tenant()
    }

    /// The metadata entry of a name.
    pub fn metadata(&self, name: &str) -> Option<&str> {
        self.0.job_context.metadata(name)
    }

    /// The trace that the request belongs to.
    pub fn trace(&self) -> Option<&TraceContext> {
        self.0.job_context.trace()
    }

    /// Completes when the attempt can no longer commit: its job was [cancelled](crate::Jobs::cancel)
    /// ([r24](crate::rules#r24)), or its lease expired ([r23](crate::rules#r23)). A long-running handler should watch it, and
    /// return; what it returns is ignored.
    ///
    /// A cancellation by another process is noticed within about two seconds. In a scope at the boundary, this never
    /// completes.
    pub fn cancelled(&self) -> impl Future<Output = ()> + Send + use<> {
        let cancellation = self.0.attempt.as_ref().map(|attempt| attempt.cancellation.clone());
        async move {
            match cancellation {
                Some(cancellation) => cancellation.cancelled_owned().await,
                None => std::future::pending().await,
            }
        }
    }

    /// Whether the attempt can no longer commit; see [`cancelled`](Self::cancelled).
    pub fn is_cancelled(&self) -> bool {
        self.0.attempt.as_ref().is_some_and(|attempt| attempt.cancellation.is_cancelled())
    }

    /// Returns the capability that the [seed](ContextSeed::provide) or else the
    /// [runtime](crate::RuntimeBuilder::provide) provides.
    pub fn capability<T: ?Sized + Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let own = self.0.overrides.as_ref().and_then(|overrides| overrides.get::<T>());
        own.or_else(|| self.0.host.as_ref()?.capabilities().get::<T>())
    }

    /// Returns the current context, and panics if there is none.
    #[track_caller]
    pub(super) fn below_handler(what: &'static str) -> Self {
        match Self::current() {
            Some(context) => context,
            None => panic!("{}", Refusal::Outside(what)),
        }
    }

    /// Returns the attempt, and panics in a scope.
    #[track_caller]
    pub(super) fn attempt_scope(&self, what: &'static str) -> &AttemptScope {
        match &self.0.attempt {
            Some(attempt) => attempt,
            None => panic!("{}", Refusal::InScope(what)),
        }
    }

    #[track_caller]
    pub(super) fn stage<T>(&self, what: &'static str, change: impl FnOnce(&mut Staging) -> T) -> T {
        let attempt = self.attempt_scope(what);
        match attempt.stage.with(what, change) {
            Ok(staged) => staged,
            Err(refusal) => {
                attempt.report_late(what);
                panic!("{refusal}")
            }
        }
    }

    /// What is stored with jobs that are published here.
    pub(super) fn job_context(&self) -> &Arc<JobContext> {
        &self.0.job_context
    }

    /// What a job that is published here inherits.
    pub(crate) fn origin(&self) -> Origin {
        Origin {
            correlation: self.correlation_id().cloned(),
            cause: self.job_id().map(Cause::Job),
            depth: self.0.attempt.as_ref().map_or(0, |attempt| attempt.depth.saturating_add(1)),
            context: self.0.job_context.clone(),
            overrides: self.0.overrides.clone(),
        }
    }

    /// Records the entity that the handler binds.
    pub(crate) fn bind(&self, entity: EntityKey) {
        self.observe(|staging| staging.bound = Some(entity));
    }

    /// Takes what is staged, when the handler has returned.
    pub(crate) fn take_staged(&self) -> Staging {
        self.0.attempt.as_ref().map(|attempt| attempt.stage.take()).unwrap_or_default()
    }

    /// Drops what is staged, unless it was taken. Nothing more can be staged.
    pub(crate) fn close(&self) {
        if let Some(attempt) = &self.0.attempt {
            attempt.stage.close();
        }
    }

    /// Records the chosen variant of a strategy, once if the same is chosen again.
    #[track_caller]
    pub(crate) fn record_choice(&self, choice: StrategyChoice) {
        let Some(attempt) = &self.0.attempt else { return };
        let recorded = attempt.stage.with("extract", |_| {
            let mut choices = attempt.choices.lock().unwrap_or_else(PoisonError::into_inner);
            if !choices.contains(&choice) {
                choices.push(choice);
            }
        });
        if recorded.is_err() {
            attempt.report_late("extract");
        }
    }

    /// The variants chosen so far, in order.
    pub(crate) fn choices(&self) -> Vec<StrategyChoice> {
        let choices = |attempt: &Arc<AttemptScope>| {
            attempt.choices.lock().unwrap_or_else(PoisonError::into_inner).clone()
        };
        self.0.attempt.as_ref().map(choices).unwrap_or_default()
    }

    /// Records an observation on the stage, if it is open.
    pub(super) fn observe(&self, record: impl FnOnce(&mut Staging)) {
        if let Some(attempt) = &self.0.attempt {
            // A closed stage will not be committed, so it needs no observations.
            let _ = attempt.stage.with("observe", record);
        }
    }

    /// The engine, if the context belongs to a runtime.
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
