//! Emitting events at the boundary.

use std::sync::Arc;

use super::boundary::check_boundary;
use super::request::stored_id;
use crate::context::ExecutionContext;
use crate::engine::{Engine, handler_jobs};
use crate::model::{CorrelationId, EventId, Failure, Json};
use crate::store::{NewEvent, NewJob};
use crate::wiring::EventPlan;

/// A validated event, and the jobs of its handlers.
pub(crate) struct DraftEvent {
    pub(crate) event: NewEvent,
    pub(crate) jobs: Vec<NewJob>,
}

impl DraftEvent {
    /// Drafts an event in the caller's scope. `validate` finds the event's plan and checks the payload.
    pub(super) fn new<'a>(
        engine: &'a Engine,
        what: &str,
        validate: impl FnOnce() -> Result<(&'a Arc<EventPlan>, Json), Failure>,
    ) -> Result<Self, Failure> {
        let context = ExecutionContext::current();
        engine.check_running()?;
        check_boundary(context.as_ref(), what)?;
        let origin = context.map(|context| context.origin()).unwrap_or_default();
        let (plan, payload) = validate()?;
        let id = engine.ids.event();
        let event = NewEvent {
            id,
            name: plan.name.clone(),
            payload,
            correlation: origin.correlation.unwrap_or_else(|| CorrelationId::new(id.to_string())),
            cause: None,
            emitted_at: engine.clock.now(),
        };
        engine.size_limits.check_origin(&event.name, &origin.context, &event.correlation)?;
        if let Some(handler) = plan.handlers.first() {
            engine.size_limits.check_depth(&handler.name, origin.depth)?;
        }
        let (depth, max_queued) = (origin.depth, Some(engine.max_queued));
        let jobs =
            handler_jobs(&engine.ids, &event, &plan.handlers, depth, origin.context, max_queued).collect();
        Ok(Self { event, jobs })
    }
}

/// Stores an event and the jobs of its handlers in one transaction.
pub(super) async fn emit(
    engine: Arc<Engine>,
    draft: Result<DraftEvent, Failure>,
) -> Result<EventId, Failure> {
    let DraftEvent { event, jobs } = draft?;
    engine.check_running()?;
    let id = event.id;
    let handlers: Vec<_> = jobs.iter().map(|job| (job.id, job.name.clone())).collect();
    let submitted = engine.submit(vec![event], jobs).await?;
    engine.work.notify_one();
    for ((job, name), submitted) in handlers.iter().zip(&submitted) {
        stored_id(*job, name, Some(submitted))?;
    }
    Ok(id)
}
