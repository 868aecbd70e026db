//! The seven steps of an execution ([r10](crate::rules#r10)). A step that fails ends the attempt with its failure, and drops all that was staged.

use std::any::Any;
use std::pin::pin;
use std::sync::Weak;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;

use super::batches::SharedPermit;
use super::binding::{Binding, BoundEntity, WrittenEntity};
use super::effects::{Effects, commit_failure};
use super::engine::Engine;
use super::entity_locks::EntityLock;
use super::faults::Point;
use super::invariants;
use super::time_limit::TimeLimit;
use crate::context::ExecutionContext;
use crate::model::{AnyValue, Attempt, Failure, Job, Json, Step};
use crate::register::Body;
use crate::store::{CommitError, StoredEntity};
use crate::wiring::{Action, JobPlan};

/// One attempt to execute a job.
pub(crate) struct Execution<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) plan: &'a JobPlan,
    pub(crate) job: &'a Job,
    /// The command as the boundary has read it from the job's payload, if it has.
    pub(crate) command: Option<AnyValue>,
    pub(crate) context: &'a ExecutionContext,
    /// The record of the attempt so far.
    pub(crate) attempt: &'a mut Attempt,
    /// The job's entity, if it binds one.
    pub(crate) lock: Option<EntityLock>,
    /// Whether it may take the entity as an execution has left it whose commit is not confirmed. It must be repeatable.
    pub(crate) may_follow: bool,
    /// The batch whose next job gets the permit.
    pub(crate) batch: &'a Weak<SharedPermit>,
    /// Since when it has its entity under a permit, in elapsed time.
    pub(crate) entity_since: &'a mut Option<Duration>,
    /// Released, or passed on in its batch, when the commit begins. If there is none, the caller holds it until the failure is stored.
    pub(crate) permit: &'a mut Option<OwnedSemaphorePermit>,
}

/// Why an execution stored nothing.
pub(crate) enum Discarded {
    /// It failed.
    Failed(Failure),
    /// It may be repeated, and has read an entity as another one left it whose commit was refused: it is to run again.
    Unfounded,
}

impl From<Failure> for Discarded {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl<'a> Execution<'a> {
    /// Executes the job, and returns the handler's output.
    pub(crate) async fn execute(mut self) -> Result<Json, Discarded> {
        let limit = self.time_limit()?;
        let message = self.validate()?;
        let binding = self.resolve()?;
        let mut bound = {
            let loading = pin!(self.load_or_create(binding, &message));
            limit.apply(loading).await?
        };
        self.check_before(bound.as_ref(), &message)?;
        let output = {
            let handling = pin!(self.handle(message, bound.as_mut()));
            limit.apply(handling).await?
        };
        self.engine.size_limits.check_output(&self.job.name, &output)?;
        let effects = self.check_after(bound)?;
        effects.check_chain(self.engine, self.job).await?;
        self.commit(effects, output).await
    }

    /// The handler's timeout or the job's deadline, whichever comes first.
    fn time_limit(&self) -> Result<TimeLimit<'a>, Failure> {
        self.pass(Point::Claimed)?;
        TimeLimit::new(&*self.engine.clock, self.plan.settings.timeout, self.job.effective_deadline())
    }

    /// Step 1: validate the command or event by its schema ([r11](crate::rules#r11)).
    fn validate(&mut self) -> Result<AnyValue, Failure> {
        self.reach(Step::Validate)?;
        match self.command.take() {
            // The boundary has just validated it, by the same schema.
            Some(command) => Ok(command),
            None => self.plan.input.read(&self.job.payload),
        }
    }

    /// Step 2: resolve the target and the creation policy ([r12](crate::rules#r12)).
    fn resolve(&mut self) -> Result<Option<Binding>, Failure> {
        self.reach(Step::Resolve)?;
        let Action::Command(Body::Bound(body)) = self.plan.action else { return Ok(None) };
        let id = self.job.target.clone().ok_or_else(|| self.plan.input.no_target())?;
        Ok(Some(Binding::new(body, id)))
    }

    /// Step 3: load or create the entity ([r12](crate::rules#r12)).
    async fn load_or_create(
        &mut self,
        binding: Option<Binding>,
        message: &AnyValue,
    ) -> Result<Option<BoundEntity>, Failure> {
        self.reach(Step::Load)?;
        let Some(binding) = binding else { return Ok(None) };
        let bound =
            binding.load_or_create(self.engine, self.lock.take(), &**message, self.may_follow).await?;
        self.attempt.version_read = bound.version_read();
        self.context.bind(bound.key().clone());
        Ok(Some(bound))
    }

    /// Step 4: check the invariants that are scoped by the command.
    fn check_before(&mut self, bound: Option<&BoundEntity>, message: &AnyValue) -> Result<(), Failure> {
        self.reach(Step::CheckBefore)?;
        let Some(bound) = bound else { return Ok(()) };
        let scoped = self.plan.before.iter().map(|invariant| (invariant, &**message as &dyn Any));
        invariants::check(bound.key(), bound.entity(), scoped)
    }

    /// Step 5: run the handler. What it emits, publishes and changes is staged.
    async fn handle(&mut self, message: AnyValue, bound: Option<&mut BoundEntity>) -> Result<Json, Failure> {
        self.reach(Step::Handle)?;
        match (self.plan.action, bound) {
            (Action::Command(Body::Bound(body)), Some(bound)) => {
                (body.handle)(message, bound.entity_mut(), self.context).await
            }
            (Action::Command(Body::Unbound(handle)) | Action::Event(handle), _) => {
                handle(message, self.context).await
            }
            (Action::Command(Body::Bound(_)), None) => unreachable!("step 3 has bound the entity or failed"),
        }
    }

    /// Step 6: check the invariants that are scoped by the emitted events, and those without a scope ([r16](crate::rules#r16)).
    fn check_after(&mut self, bound: Option<BoundEntity>) -> Result<Effects, Failure> {
        self.reach(Step::CheckAfter)?;
        let mut staged = self.context.take_staged();
        if let Some(refused) = staged.refused.take() {
            return Err(refused);
        }
        let written = match bound {
            Some(bound) => Some(bound.into_written()?),
            None => staged.write.take().map(WrittenEntity::of_repository),
        };
        if let Some(written) = &written {
            invariants::check_written(&self.engine.plans, written, &staged.events)?;
        }
        Effects::new(self.engine, self.job, staged, written)
    }

    /// Step 7: commit the entity, events, jobs and the job's own state in one transaction ([r15](crate::rules#r15), [r18](crate::rules#r18)).
    async fn commit(&mut self, effects: Effects, output: Json) -> Result<Json, Discarded> {
        self.reach(Step::Commit)?;
        let attempt = Attempt { strategies: self.context.choices(), ..self.attempt.clone() };
        let (commit, lock) = effects.into_commit(self.engine, self.job, attempt, output.clone());
        let (written, link) = (commit.write.clone(), commit.link.clone());
        let committing = self.engine.store.commit(commit);
        // The store has the commit. The next execution on the entity can begin, and another job can be claimed: each commits in the
        // transaction in which this one ends, or in a later one.
        let permit = self.permit.take();
        let was_claimed = permit.is_some();
        let batch = self.batch.upgrade();
        let is_last = batch.is_none();
        // The next job of a batch has the permit before it has the entity.
        let permit = match (batch, permit) {
            (Some(batch), Some(permit)) => {
                batch.pass_on(permit);
                None
            }
            (_, permit) => permit,
        };
        let passed_on = lock.zip(written.as_ref()).map(|(lock, write)| {
            let entity = StoredEntity { version: write.expected + 1, body: write.body.clone() };
            lock.pass_on(entity, link)
        });
        drop(permit);
        if was_claimed && is_last && passed_on.is_some() {
            // The next job in line for the entity can be claimed: the claim sees the end of the turn.
            self.engine.work.notify_one();
        }
        if let Some(since) = self.entity_since.take() {
            self.engine.batch_size.note(self.engine.clock.elapsed().saturating_sub(since));
        }
        let committed = committing.await;
        drop(passed_on);
        let committed = match committed {
            Ok(committed) => committed,
            Err(CommitError::Unfounded) => return Err(Discarded::Unfounded),
            Err(error) => {
                return Err(commit_failure(self.job, written.as_ref().map(|write| &write.key), error).into());
            }
        };
        if committed.has_work {
            self.engine.work.notify_one();
        }
        self.pass(Point::Committed)?;
        Ok(output)
    }

    fn reach(&mut self, step: Step) -> Result<(), Failure> {
        self.attempt.reached = Some(step);
        self.pass(Point::Before(step))
    }

    /// Injects the fault that a test has planned at this point, if any.
    fn pass(&self, point: Point) -> Result<(), Failure> {
        self.engine.pass(point, self.job)
    }
}
