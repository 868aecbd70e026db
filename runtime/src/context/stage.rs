use std::any::TypeId;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::{ContextSeed, ExecutionContext};
use crate::draft::Due;
use crate::erased::AnyValue;
use crate::registration::EntityPart;
use crate::store::{EntityKey, NewJob};
use crate::{EventId, Failure, JobId, Json, Key};

/// What an attempt has staged, until it ends (r15): open while the attempt runs, then closed for good (r30).
pub(crate) struct Stage(Mutex<Option<Staging>>);

/// What is staged: nothing of it exists until the commit.
#[derive(Default)]
pub(crate) struct Staging {
    pub(crate) events: Vec<StagedEvent>,
    pub(crate) jobs: Vec<NewJob>,
    /// The entity that the handler binds: the execution's one write.
    pub(crate) bound: Option<EntityKey>,
    /// The entity that a repository has saved, where the handler binds none.
    pub(crate) write: Option<StagedWrite>,
    /// The versions that repositories have read, by entity; 0 for one that was not there.
    pub(crate) versions: HashMap<EntityKey, u64>,
    /// The first thing that was staged and cannot be: it fails the attempt.
    pub(crate) refused: Option<Failure>,
}

/// An event, and its value for the invariants that are scoped by it.
pub(crate) struct StagedEvent {
    pub(crate) id: EventId,
    pub(crate) type_id: TypeId,
    pub(crate) payload: Json,
    pub(crate) value: AnyValue,
    /// What crosses into the jobs of its handlers.
    pub(crate) seed: Arc<ContextSeed>,
}

/// An entity that a repository has saved.
pub(crate) struct StagedWrite {
    pub(crate) part: EntityPart,
    pub(crate) key: EntityKey,
    pub(crate) expected: u64,
    pub(crate) value: AnyValue,
}

/// Why something cannot be staged.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Refusal {
    Outside(&'static str),
    InScope(&'static str),
    Ended(&'static str),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outside(what) => write!(
                f,
                "`{what}` was called outside an execution: it stages what a handler's commit makes real, so call it \
                 below a handler; a spawned task needs `context().scope(future)`; at the boundary, use \
                 `runtime.{what}(…)`"
            ),
            Self::InScope(what) => write!(
                f,
                "`{what}` was called in a scope, and a scope is not an execution: it has no commit that could make \
                 real what is staged; at the boundary, use `runtime.{what}(…)`; below a handler, call it outside of \
                 `runtime.scope(…)`"
            ),
            Self::Ended(what) => write!(
                f,
                "`{what}` was called after its attempt had ended: what it stages could no longer be committed; await \
                 the task that calls it before the handler returns"
            ),
        }
    }
}

impl Stage {
    pub(super) fn open() -> Self {
        Self(Mutex::new(Some(Staging::default())))
    }

    pub(super) fn is_open(&self) -> bool {
        self.lock().is_some()
    }

    /// Stages something, if the attempt has not ended.
    pub(super) fn with<T>(
        &self,
        what: &'static str,
        act: impl FnOnce(&mut Staging) -> T,
    ) -> Result<T, Refusal> {
        self.lock().as_mut().map(act).ok_or(Refusal::Ended(what))
    }

    /// Closes the stage, and takes what is on it. It was closed before if there is nothing to take.
    pub(crate) fn close(&self) -> Staging {
        self.lock().take().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Staging>> {
        // A panic inside leaves a vector without its last entry at worst, and the attempt fails by it anyway.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Staging {
    pub(super) fn event(
        &mut self,
        id: EventId,
        value: AnyValue,
        admitted: Result<Json, Failure>,
        seed: Arc<ContextSeed>,
    ) {
        match admitted {
            Ok(payload) => {
                let type_id = (*value).type_id();
                self.events.push(StagedEvent { id, type_id, payload, value, seed });
            }
            Err(failure) => self.refuse(failure),
        }
    }

    pub(super) fn command(&mut self, job: Result<NewJob, Failure>) {
        match job {
            Ok(job) => self.jobs.push(job),
            Err(failure) => self.refuse(failure),
        }
    }

    fn refuse(&mut self, failure: Failure) {
        self.refused.get_or_insert(failure);
    }
}

impl From<&StagedJob> for JobId {
    fn from(staged: &StagedJob) -> Self {
        staged.id
    }
}

/// A command that a handler has [published](crate::publish()): its job exists once the execution has committed.
#[derive(Clone, Debug)]
pub struct StagedJob {
    context: ExecutionContext,
    id: JobId,
}

impl StagedJob {
    pub(super) fn new(context: ExecutionContext, id: JobId) -> Self {
        Self { context, id }
    }

    /// The id that its job will have; another one if the idempotency key turns out to be taken by the same request.
    pub fn id(&self) -> JobId {
        self.id
    }

    /// Takes the same request only once (r25), whatever key the command itself names.
    ///
    /// # Panics
    /// When the attempt has ended.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the job is staged already")]
    pub fn idempotency_key<K: Serialize + ?Sized>(self, key: &K) -> Self {
        self.change("idempotency_key", |job| job.idempotency_key = Key::of(key))
    }

    /// Runs it behind what was published under the same key before (r26), whatever key the command itself names.
    ///
    /// # Panics
    /// When the attempt has ended.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the job is staged already")]
    pub fn ordered_by<K: Serialize + ?Sized>(self, key: &K) -> Self {
        self.change("ordered_by", |job| job.order_key = Key::of(key))
    }

    /// Runs it once this job has succeeded (r26): one that is staged before it, or on record. Called again, it waits for all of
    /// them. If that one fails, this one waits on; if it is cancelled, so is this one. If there is none, the execution fails with
    /// `NotFound`.
    ///
    /// # Panics
    /// When the attempt has ended.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the job is staged already")]
    pub fn after(self, predecessor: impl Into<JobId>) -> Self {
        let predecessor = predecessor.into();
        self.change("after", |job| job.after.push(predecessor))
    }

    /// Runs it no sooner than after this pause, from now on. It orders nothing.
    ///
    /// # Panics
    /// When the attempt has ended.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the job is staged already")]
    pub fn delay(self, pause: Duration) -> Self {
        self.change("delay", |job| job.due_at = Due::In(pause).from(job.created_at))
    }

    /// Runs it no sooner than at this time.
    ///
    /// # Panics
    /// When the attempt has ended.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the job is staged already")]
    pub fn at(self, time: Timestamp) -> Self {
        self.change("at", |job| job.due_at = Due::At(time).from(job.created_at))
    }

    /// Has it begin before jobs of its queue that are ready, too, and of a lower priority; 0 is that of whoever has not said.
    ///
    /// # Panics
    /// When the attempt has ended.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the job is staged already")]
    pub fn priority(self, priority: i32) -> Self {
        self.change("priority", |job| job.priority = priority)
    }

    /// Its attempts must have ended by this time, or the job ends as `TimedOut`.
    ///
    /// # Panics
    /// When the attempt has ended.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the job is staged already")]
    pub fn deadline(self, time: Timestamp) -> Self {
        self.change("deadline", |job| job.deadline = Some(time))
    }

    #[track_caller]
    fn change(self, what: &'static str, act: impl FnOnce(&mut NewJob)) -> Self {
        self.context.stage(what, |staging| {
            // A refused command has no job to change; it fails the attempt.
            if let Some(job) = staging.jobs.iter_mut().rfind(|job| job.id == self.id) {
                act(job);
            }
        });
        self
    }
}
