//! What a successful attempt commits.

use super::binding::WrittenEntity;
use super::chain;
use super::draft::handler_jobs;
use super::engine::Engine;
use super::entity_locks::EntityLock;
use crate::context::{StagedEvent, Staging};
use crate::model::{Attempt, Failure, FailureKind, Job, Json};
use crate::store::{Commit, CommitError, CommitLink, EntityKey, EntityWrite, NewEvent, Next};

/// The effects of an execution, checked and ready to be committed.
pub(super) struct Effects {
    staged: Staging,
    write: Option<EntityWrite>,
    lock: Option<EntityLock>,
    follows: Option<CommitLink>,
}

impl Effects {
    pub(super) fn new(
        engine: &Engine,
        job: &Job,
        staged: Staging,
        written: Option<WrittenEntity>,
    ) -> Result<Self, Failure> {
        for job in &staged.jobs {
            engine.check_job(job)?;
        }
        for event in &staged.events {
            engine.size_limits.check_origin("the event", &event.context, &job.correlation)?;
        }
        let Some(written) = written else {
            return Ok(Self { staged, write: None, lock: None, follows: None });
        };
        let (write, lock, follows) = written.into_write()?;
        engine.size_limits.check_entity(&write.key, &write.body)?;
        Ok(Self { staged, write: Some(write), lock, follows })
    }

    /// Refuses to cause a job that too many others led to.
    pub(super) async fn check_chain(&self, engine: &Engine, job: &Job) -> Result<(), Failure> {
        if job.depth < engine.size_limits.chain {
            return Ok(());
        }
        let published = self.staged.jobs.iter().map(|job| &job.name);
        let plans = self.staged.events.iter().filter_map(|event| engine.plans.event_by_type(event.type_id));
        let handlers = plans.flat_map(|plan| &plan.handlers).map(|handler| &handler.name);
        match published.chain(handlers).next() {
            Some(next) => Err(Box::pin(chain::too_long(engine, job, next)).await),
            None => Ok(()),
        }
    }

    /// The commit that ends the attempt, and the lock to hold until the store has it.
    pub(super) fn into_commit(
        self,
        engine: &Engine,
        job: &Job,
        attempt: Attempt,
        output: Json,
    ) -> (Commit, Option<EntityLock>) {
        let Self { staged, write, lock, follows } = self;
        let (now, depth) = (engine.clock.now(), job.depth.saturating_add(1));
        let mut jobs = staged.jobs;
        let mut events = Vec::with_capacity(staged.events.len());
        for StagedEvent { id, type_id, payload, context, .. } in staged.events {
            let Some(plan) = engine.plans.event_by_type(type_id) else { continue };
            let event = NewEvent {
                id,
                name: plan.name.clone(),
                payload,
                correlation: job.correlation.clone(),
                cause: Some(job.id),
                emitted_at: now,
            };
            jobs.extend(handler_jobs(&engine.ids, &event, &plan.handlers, depth, context, None));
            events.push(event);
        }
        engine.pauses.hold_new(&*engine.clock, &jobs);
        let attempt = Attempt {
            ended_at: Some(now),
            version_written: write.as_ref().map(|write| write.expected + 1),
            events: events.iter().map(|event| event.id).collect(),
            ..attempt
        };
        let end = Commit::ending(job.id, attempt, Next::Succeeded(output));
        let commit = Commit { write, events, jobs, follows, ..end };
        (commit, lock)
    }
}

/// The failure of an attempt whose commit was refused. `written` is the entity that it was to write.
pub(super) fn commit_failure(job: &Job, written: Option<&EntityKey>, error: CommitError) -> Failure {
    let message = error.to_string();
    match error {
        CommitError::Conflict { found } => {
            let entity = written.map_or_else(|| "the entity".to_owned(), ToString::to_string);
            let message = format!(
                "another execution has changed {entity} since it was loaded, to version {found}; set `retry` on the handler to \
                 run the job again"
            );
            Failure::new(FailureKind::Conflict, "conflict", message)
        }
        CommitError::Mismatch { .. } => {
            Failure::new(FailureKind::IdempotencyMismatch, "idempotency_mismatch", message)
        }
        CommitError::NoPredecessor { .. } => Failure::new(FailureKind::NotFound, "no_such_job", message),
        CommitError::Fenced => {
            let message = format!(
                "attempt {} of job {} no longer runs in the store: the job was cancelled, or another worker has rescued the \
                 attempt",
                job.attempts, job.id
            );
            Failure::new(FailureKind::Lost, "fenced", message)
        }
        // Such an attempt executes the job again.
        CommitError::Unfounded => Failure::new(FailureKind::Conflict, "unfounded", message),
        CommitError::Store(error) => error.into(),
    }
}
