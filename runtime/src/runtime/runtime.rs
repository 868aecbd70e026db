//! The runtime: what users call.

use std::any::TypeId;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio_util::task::TaskTracker;

use super::boundary::check_boundary;
use super::builder::RuntimeBuilder;
use super::entities::Entities;
use super::events::Events;
use super::execute::Execute;
use super::job_handle::JobHandle;
use super::jobs::Jobs;
use super::publish::{Publish, publish_all};
use super::request::{Request, job_of};
use crate::context::ExecutionContext;
use crate::domain::{AnyCommand, Entity, Event, HasOneHandler};
use crate::engine::{Draft, Engine, handler_jobs};
use crate::model::{ContextSeed, CorrelationId, EventId, Failure, FailureKind};
use crate::store::{NewEvent, NewJob, Store};
use crate::wiring::Wiring;

/// A domain that runs: takes commands and events, runs their jobs, and answers questions. Cheap to clone.
///
/// When the last clone is dropped, nothing new begins; what is under way ends. [`shutdown`](Self::shutdown) waits for that.
#[derive(Clone)]
pub struct Runtime(Arc<Handle>);

/// Stops the engine when nobody holds the runtime any more: the tasks hold the engine only.
struct Handle {
    engine: Arc<Engine>,
    tasks: Tasks,
}

/// What a runtime does by itself.
#[derive(Default)]
pub(super) struct Tasks {
    pub(super) dispatcher: TaskTracker,
    /// They end when the dispatcher has, and nothing is under way any more.
    pub(super) others: TaskTracker,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.engine.stop.cancel();
    }
}

impl Runtime {
    /// How long a [shutdown](Self::shutdown) waits beyond its deadline for what it has dropped to be given back.
    pub const ABORT_GRACE: Duration = Duration::from_secs(5);

    /// Begins to build a runtime on a store.
    pub fn builder(store: impl Store) -> RuntimeBuilder {
        RuntimeBuilder::on(Arc::new(store))
    }

    /// Hands a command off: awaited, it answers when the command's job is durable, and does not wait for it to run (r02).
    ///
    /// # Errors
    /// When awaited: `Invalid` if the command violates its schema, or has no target where its handler binds one, and no job
    /// exists then (r11); `IdempotencyMismatch`
    /// (r25); `Unavailable` if the store cannot be reached or the runtime has shut down; `Refused` inside an execution,
    /// where [`enact::publish`](crate::publish()) is meant.
    #[expect(clippy::needless_pass_by_value, reason = "a command is handed over")]
    pub fn publish<C: HasOneHandler>(&self, command: C) -> Publish<C::Output> {
        let engine = self.engine();
        Publish::new(Request::new(engine, "publish", || Draft::of(engine, AnyCommand::of(&command))))
    }

    /// [`publish`](Self::publish) for who holds the command as JSON: the same validation, by the command's name.
    ///
    /// # Errors
    /// As `publish`, and `UnknownName` if there is no such command.
    #[expect(clippy::needless_pass_by_value, reason = "a command is handed over")]
    pub fn publish_json(&self, name: &str, command: Value) -> Publish<Value> {
        let engine = self.engine();
        Publish::new(Request::new(engine, "publish_json", || Draft::of_json(engine, name, &command)))
    }

    /// Publishes several commands in their order, in one transaction, and answers for each. Those that are refused do
    /// not keep the others from being published.
    ///
    /// # Errors
    /// Each as [`publish`](Self::publish); `Refused` if it was made by another runtime, which is where it belongs. If the
    /// store cannot be reached, none is published.
    pub async fn publish_all<T>(
        &self,
        commands: impl IntoIterator<Item = Publish<T>>,
    ) -> Vec<Result<JobHandle<T>, Failure>> {
        publish_all(self.engine(), commands).await
    }

    /// Runs a command now, here: awaited, it answers with the handler's output when the command's job has ended, its
    /// retries included (r06). It is tracked as a job all the same (r01). A command that [another
    /// program](macro@crate::command) handles is run by that program, and this waits for it.
    ///
    /// # Errors
    /// When awaited: the failure of the job, or as [`publish`](Self::publish). Inside an execution it is `Refused` (r14).
    #[expect(clippy::needless_pass_by_value, reason = "a command is handed over")]
    pub fn execute<C: HasOneHandler>(&self, command: C) -> Execute<C::Output> {
        let engine = self.engine();
        Execute::new(Request::new(engine, "execute", || Draft::of(engine, AnyCommand::of(&command))))
    }

    /// [`execute`](Self::execute) for who holds the command as JSON.
    ///
    /// # Errors
    /// As `execute`, and `UnknownName` if there is no such command.
    #[expect(clippy::needless_pass_by_value, reason = "a command is handed over")]
    pub fn execute_json(&self, name: &str, command: Value) -> Execute<Value> {
        let engine = self.engine();
        Execute::new(Request::new(engine, "execute_json", || Draft::of_json(engine, name, &command)))
    }

    /// Emits an event that has occurred outside of any execution: awaited, it answers when the event, and the jobs of its
    /// handlers, are durable (r03). It belongs to the scope in which this is called.
    ///
    /// # Errors
    /// `Invalid` if the event violates its schema; `QueueFull` if one of its handlers has as many jobs queued as it may;
    /// `Unavailable` if the store cannot be reached or the runtime has shut
    /// down; `Refused` inside an execution, where [`enact::emit`](crate::emit()) is meant.
    #[expect(clippy::needless_pass_by_value, reason = "an event is handed over")]
    pub fn emit<E: Event>(&self, event: E) -> impl Future<Output = Result<EventId, Failure>> + Send + use<E> {
        let engine = self.engine().clone();
        let drafted = self.draft_event(&event);
        async move {
            let (event, jobs) = drafted?;
            engine.check_running()?;
            let id = event.id;
            let handlings: Vec<_> = jobs.iter().map(|job| (job.id, job.name.clone())).collect();
            let submitted = engine.store.submit(vec![event], jobs).await?;
            engine.work.notify_one();
            for ((job, name), answer) in handlings.iter().zip(&submitted) {
                job_of(*job, name, Some(answer))?;
            }
            Ok(id)
        }
    }

    /// The event, and the jobs of its handlers; or what is wrong with it.
    pub(crate) fn draft_event<E: Event>(&self, event: &E) -> Result<(NewEvent, Vec<NewJob>), Failure> {
        let engine = self.engine();
        let context = ExecutionContext::current();
        engine.check_running()?;
        check_boundary(context.as_ref(), "emit")?;
        let origin = context.map(|context| context.origin()).unwrap_or_default();
        let plan = engine.plans.event_of(TypeId::of::<E>(), E::NAME)?;
        let payload = plan.input.admit(serde_json::to_value(event))?;
        let id = engine.ids.event();
        let event = NewEvent {
            id,
            name: plan.name.clone(),
            payload,
            correlation: origin.correlation.unwrap_or_else(|| CorrelationId::new(id.to_string())),
            cause: None,
            emitted_at: engine.clock.now(),
        };
        let jobs = handler_jobs(&engine.ids, &event, &plan.handlers, origin.context, Some(engine.max_queued))
            .collect();
        Ok((event, jobs))
    }

    /// Runs a use case in a context: what it publishes and emits carries what `seed` says (r31).
    ///
    /// A command belongs to the scope in which `publish` or `execute` is called, wherever it is awaited: call them inside
    /// the use case, as in `runtime.scope(seed, async { runtime.publish(command).await })`.
    pub fn scope<F: Future>(
        &self,
        seed: ContextSeed,
        use_case: F,
    ) -> impl Future<Output = F::Output> + use<F> {
        ExecutionContext::of_scope(Some(self.engine().clone()), seed).scope(use_case)
    }

    /// Reads jobs, calls them off, lets failed ones run again, and deletes those that have ended.
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

    /// Stops: nothing more is taken, claimed or begun, and what is under way may end until `deadline` has passed. What is
    /// still under way then is dropped and given back at once: its attempt ends as `Lost`, and if its `retry` allows another, that may begin
    /// wherever there is a worker (r23). What is published stays in the store for the next start.
    ///
    /// A handler is dropped where it waits. One that computes, or blocks its thread, cannot be: after
    /// [some seconds](Self::ABORT_GRACE) more this returns without it, and its job ends as `Lost` once its lease has.
    ///
    /// # Errors
    /// `TimedOut` if something was still under way at the deadline.
    pub async fn shutdown(&self, deadline: Duration) -> Result<(), Failure> {
        let engine = self.engine();
        engine.stop.cancel();
        let last = engine.clock.elapsed().saturating_add(deadline);
        let left = tokio::select! {
            biased;
            () = engine.all_ended(&self.0.tasks.dispatcher) => 0,
            () = engine.clock.sleep_until(last) => engine.attempts.len(),
        };
        engine.abort.cancel();
        let last = engine.clock.elapsed().saturating_add(Self::ABORT_GRACE);
        let late = tokio::select! {
            biased;
            () = self.0.tasks.others.wait() => match left {
                0 => return Ok(()),
                left => format!("{left} executions were still under way at the deadline"),
            },
            () = engine.clock.sleep_until(last) => format!(
                "{} executions could not be dropped: they keep their threads busy, or the store does not answer",
                engine.attempts.len()
            ),
        };
        Err(Failure::new(FailureKind::TimedOut, "shutdown_deadline", late))
    }

    /// The whole domain as data: what is linked into this program, and how it fits together (r51).
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
