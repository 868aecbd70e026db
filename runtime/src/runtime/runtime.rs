//! The runtime: what users call.

use std::any::TypeId;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::builder::RuntimeBuilder;
use super::emit::{DraftEvent, emit};
use super::entities::Entities;
use super::events::Events;
use super::execute::Execute;
use super::job_handle::JobHandle;
use super::jobs::Jobs;
use super::publish::{Publish, publish_all};
use super::request::Request;
use super::shutdown::{ABORT_GRACE, shut_down};
use super::tasks::Tasks;
use crate::context::ExecutionContext;
use crate::domain::{AnyCommand, Entity, Event, HasOneHandler, Written};
use crate::engine::{Draft, Engine};
use crate::model::{ContextSeed, EventId, Failure, Health};
use crate::store::Store;
use crate::wiring::Wiring;

/// A running domain: takes commands and events, runs jobs, and reads what is stored. Cheap to clone.
///
/// When the last clone is dropped, no new job starts, and running ones finish. Callers that wait for those receive their outcomes;
/// for all other jobs, waiting ends with `Unavailable` ([r02](crate::rules#r02)). A [`JobHandle`] keeps no runtime alive.
/// [`shutdown`](Self::shutdown) waits for the running jobs.
#[derive(Clone)]
pub struct Runtime(Arc<Handle>);

/// Stops the engine when the last clone of the runtime is dropped. The tasks hold the engine only.
struct Handle {
    engine: Arc<Engine>,
    tasks: Tasks,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.engine.stop.cancel();
    }
}

impl Runtime {
    /// How long a [shutdown](Self::shutdown) waits beyond its deadline until the attempts that it has aborted are released.
    pub const ABORT_GRACE: Duration = ABORT_GRACE;

    /// Starts to build a runtime on a store.
    #[track_caller]
    pub fn builder(store: impl Store) -> RuntimeBuilder {
        RuntimeBuilder::on(Arc::new(store))
    }

    /// Publishes a command: awaiting it stores the command's job, and returns when the job is durable, without waiting for
    /// it to run ([r02](crate::rules#r02)).
    ///
    /// # Errors
    /// When awaited:
    ///
    /// - `Invalid` if the command violates its schema, or has no target although its handler binds one. No job is stored
    ///   ([r11](crate::rules#r11)).
    /// - `IdempotencyMismatch` if another request has the idempotency key.
    /// - `QueueFull` if the command has as many queued jobs as it [may](RuntimeBuilder::max_queued).
    /// - `NotFound` if a job that it is to run [after](Publish::after) does not exist.
    /// - `Refused` inside an execution, where [`enact::publish`](crate::publish()) stages a command, and for a deadline that
    ///   cannot be met.
    /// - `Unavailable` if the store cannot be reached or the runtime has shut down.
    #[expect(clippy::needless_pass_by_value, reason = "the call takes ownership")]
    pub fn publish<C: HasOneHandler>(&self, command: C) -> Publish<C::Output> {
        let engine = self.engine();
        Publish::new(Request::new(engine, "publish", || Draft::of(engine, AnyCommand::of(&command))))
    }

    /// Publishes a command given as JSON by its name or an alias, with the same validation as [`publish`](Self::publish).
    ///
    /// # Errors
    /// As `publish`, and `UnknownName` if there is no such command.
    #[expect(clippy::needless_pass_by_value, reason = "the call takes ownership")]
    pub fn publish_json(&self, name: &str, command: Value) -> Publish<Value> {
        let engine = self.engine();
        Publish::new(Request::new(engine, "publish_json", || Draft::of_json(engine, name, &command)))
    }

    /// Publishes several commands in their order, in one transaction, and returns a result for each. A refused command does
    /// not affect the others.
    ///
    /// # Errors
    /// For each as [`publish`](Self::publish); `Refused` if the command was made by another runtime. If the store cannot be
    /// reached, none is published.
    pub async fn publish_all<T>(
        &self,
        commands: impl IntoIterator<Item = Publish<T>>,
    ) -> Vec<Result<JobHandle<T>, Failure>> {
        publish_all(self.engine(), commands).await
    }

    /// Executes a command: awaiting it runs the command here and now, and returns the handler's output when the job has
    /// ended, retries included ([r06](crate::rules#r06)). An execution is a job like any other. A
    /// [remote](macro@crate::command) command is run by the program that handles it; this waits for it.
    ///
    /// The execution begins in the caller's task, and moves to a task of its own when it first has to wait. So executions that are joined
    /// in one task run one after the other while their handlers only compute; spawn a task for each to use several threads.
    ///
    /// # Errors
    /// When awaited: the failure of the job, or as [`publish`](Self::publish), but never `QueueFull`. `Refused` inside an
    /// execution ([r14](crate::rules#r14)).
    ///
    /// # Panics
    /// When awaited outside of a tokio runtime. Nothing is stored then.
    #[expect(clippy::needless_pass_by_value, reason = "the call takes ownership")]
    pub fn execute<C: HasOneHandler>(&self, command: C) -> Execute<C::Output> {
        let engine = self.engine();
        Execute::new(Request::new(engine, "execute", || Draft::of(engine, AnyCommand::of(&command))))
    }

    /// Executes a command given as JSON by its name or an alias, with the same validation as [`execute`](Self::execute).
    ///
    /// # Errors
    /// As `execute`, and `UnknownName` if there is no such command.
    #[expect(clippy::needless_pass_by_value, reason = "the call takes ownership")]
    pub fn execute_json(&self, name: &str, command: Value) -> Execute<Value> {
        let engine = self.engine();
        Execute::new(Request::new(engine, "execute_json", || Draft::of_json(engine, name, &command)))
    }

    /// Emits an event that has occurred outside of any execution: awaiting it returns when the event and the jobs of its
    /// handlers are durable ([r03](crate::rules#r03)). The event gets its context from the scope in which this is called.
    ///
    /// # Errors
    /// - `Invalid` if the event violates its schema.
    /// - `QueueFull` if one of its handlers has as many queued jobs as it [may](RuntimeBuilder::max_queued).
    /// - `Refused` inside an execution, where [`enact::emit`](crate::emit()) stages an event.
    /// - `Unavailable` if the store cannot be reached or the runtime has shut down.
    #[expect(clippy::needless_pass_by_value, reason = "the call takes ownership")]
    pub fn emit<E: Event>(&self, event: E) -> impl Future<Output = Result<EventId, Failure>> + Send + use<E> {
        emit(self.engine().clone(), self.draft_event(&event))
    }

    /// Emits an event given as JSON by its name, with the same validation as [`emit`](Self::emit).
    ///
    /// # Errors
    /// As `emit`, and `UnknownName` if there is no such event.
    #[expect(clippy::needless_pass_by_value, reason = "the call takes ownership")]
    pub fn emit_json(
        &self,
        name: &str,
        event: Value,
    ) -> impl Future<Output = Result<EventId, Failure>> + Send + use<> {
        let engine = self.engine();
        let draft = DraftEvent::new(engine, "emit_json", || {
            let plan = engine.plans.event(name)?;
            let payload = plan.input.check(&event)?;
            // The schema does not know all that the type does, such as the range of an `i64`.
            plan.input.parse(&payload)?;
            Ok((plan, payload))
        });
        emit(engine.clone(), draft)
    }

    pub(crate) fn draft_event<E: Event>(&self, event: &E) -> Result<DraftEvent, Failure> {
        let engine = self.engine();
        DraftEvent::new(engine, "emit", || {
            let plan = engine.plans.event_of(TypeId::of::<E>(), E::NAME)?;
            let (payload, _) = plan.input.admit(Written::of(event))?;
            Ok((plan, payload))
        })
    }

    /// Runs a use case in a context: what it publishes and emits carries `seed` ([r31](crate::rules#r31)).
    ///
    /// A command belongs to the scope in which `publish` or `execute` is called, wherever it is awaited. Call them inside
    /// the use case: `runtime.scope(seed, async { runtime.publish(command).await })`.
    pub fn scope<F: Future>(
        &self,
        seed: ContextSeed,
        use_case: F,
    ) -> impl Future<Output = F::Output> + use<F> {
        ExecutionContext::of_scope(Some(self.engine().clone()), seed).scope(use_case)
    }

    /// Reads, cancels, retries and deletes jobs.
    pub fn jobs(&self) -> Jobs {
        Jobs::new(self.engine().clone())
    }

    /// Reads committed entities.
    pub fn entities<E: Entity>(&self) -> Entities<E> {
        Entities::new(self.engine().clone())
    }

    /// Reads committed events, and deletes old ones.
    pub fn events(&self) -> Events {
        Events::new(self.engine().clone())
    }

    /// Stops the runtime: it accepts and claims nothing more, and running attempts may finish within `deadline`. Attempts
    /// that still run then are aborted and released at once: they end as `Lost`, and if their `retry` allows another
    /// attempt, any worker may start it ([r23](crate::rules#r23)). Published jobs stay in the store.
    ///
    /// An attempt is aborted where it awaits. One that computes or blocks its thread cannot be aborted: after
    /// [`ABORT_GRACE`](Self::ABORT_GRACE) this returns without it, and the attempt ends as `Lost` when its lease expires.
    ///
    /// # Errors
    /// `TimedOut` if an attempt still ran at the deadline.
    pub async fn shutdown(&self, deadline: Duration) -> Result<(), Failure> {
        shut_down(self.engine(), &self.0.tasks, deadline).await
    }

    /// Whether this runtime can do its work, and what fails ([r37](crate::rules#r37)): for a host's health check. The state is that of this
    /// process, as it has tried last. It reads no store and returns at once.
    ///
    /// Jobs that fail are no problem of the runtime. After a shutdown, the last health remains.
    pub fn health(&self) -> Health {
        self.engine().health.current()
    }

    /// Waits until the health differs from what the caller has seen, and returns it ([r37](crate::rules#r37)). No change is missed
    /// that lasts. Cancel safe.
    ///
    /// ```no_run
    /// # async fn watch(shop: enact::Runtime) {
    /// let mut health = shop.health();
    /// loop {
    ///     health = shop.health_changed(&health).await;
    ///     println!("{:?}: {health}", health.state());
    /// }
    /// # }
    /// ```
    pub async fn health_changed(&self, seen: &Health) -> Health {
        self.engine().health.changed(seen).await
    }

    /// The domain as data: everything that is linked into this program ([r51](crate::rules#r51)).
    pub fn wiring(&self) -> &Wiring {
        &self.engine().wiring
    }

    pub(super) fn new(engine: Arc<Engine>, tasks: Tasks) -> Self {
        Self(Arc::new(Handle { engine, tasks }))
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.0.engine
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Runtime({})", self.engine().worker)
    }
}
