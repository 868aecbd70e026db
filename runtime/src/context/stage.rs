//! What an execution stages until its commit.

use std::any::TypeId;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::{AnyValue, EntityPart};
use crate::model::{EventId, Failure, JobContext, Json};
use crate::store::{EntityKey, NewJob};

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
    pub(crate) context: Arc<JobContext>,
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
        context: Arc<JobContext>,
    ) {
        match admitted {
            Ok(payload) => {
                let type_id = (*value).type_id();
                self.events.push(StagedEvent { id, type_id, payload, value, context });
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
