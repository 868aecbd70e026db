//! The effects that an execution stages until its commit.

use std::any::TypeId;
use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::EntityPart;
use crate::model::{AnyValue, EventId, Failure, FailureKind, FastMap, JobContext, Json};
use crate::store::{EntityKey, NewJob};

/// The staged effects of an attempt.
pub(crate) struct Stage(Mutex<State>);

#[expect(clippy::large_enum_variant, reason = "each attempt has one, which is open from its start")]
enum State {
    /// The handler may run.
    Open(Staging),
    /// The handler has returned. What its tasks still stage is lost.
    Returned,
    /// The attempt has failed or was dropped, and its effects with it.
    Dropped,
}

/// The staged effects. They take effect at the commit.
#[derive(Default)]
pub(crate) struct Staging {
    /// The largest number of events and jobs together.
    max: usize,
    pub(crate) events: Vec<StagedEvent>,
    pub(crate) jobs: Vec<NewJob>,
    /// The entity that the handler binds, which is then the execution's only write.
    pub(crate) bound: Option<EntityKey>,
    /// The entity that a repository has saved, if the handler binds none.
    pub(crate) write: Option<StagedWrite>,
    /// The versions of the entities read by repositories; 0 for one that did not exist.
    pub(crate) versions: FastMap<EntityKey, u64>,
    /// The failure of the first invalid effect. It fails the attempt.
    pub(crate) refused: Option<Failure>,
}

/// A staged event. Invariants scoped by it are checked against `value`.
pub(crate) struct StagedEvent {
    pub(crate) id: EventId,
    pub(crate) type_id: TypeId,
    pub(crate) payload: Json,
    pub(crate) value: AnyValue,
    /// The context of its handlers' jobs.
    pub(crate) context: Arc<JobContext>,
}

/// An entity that a repository has saved.
pub(crate) struct StagedWrite {
    pub(crate) part: EntityPart,
    pub(crate) key: EntityKey,
    pub(crate) expected: u64,
    pub(crate) value: AnyValue,
}

/// Why an effect cannot be staged. Each has the name of the called function.
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
                "`{what}` was called outside an execution: it stages an effect of a handler, so call it below one; a \
                 spawned task needs `context().scope(future)`; at the boundary, use `runtime.{what}(…)`"
            ),
            Self::InScope(what) => write!(
                f,
                "`{what}` was called in a scope, and a scope is not an execution, so it has no commit: at the \
                 boundary, use `runtime.{what}(…)`; below a handler, call it outside of `runtime.scope(…)`"
            ),
            Self::Ended(what) => write!(
                f,
                "`{what}` was called after its attempt had ended, so its effect cannot be committed: await the task \
                 that calls it before the handler returns"
            ),
        }
    }
}

impl Stage {
    /// An empty stage, for at most `max` events and commands.
    pub(super) fn open(max: usize) -> Self {
        Self(Mutex::new(State::Open(Staging { max, ..Staging::default() })))
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(*self.lock(), State::Open(_))
    }

    /// Whether the handler has returned, so that it does not know that its tasks stage more.
    pub(super) fn has_returned(&self) -> bool {
        matches!(*self.lock(), State::Returned)
    }

    /// Changes what is staged, unless the attempt has ended.
    pub(super) fn with<T>(
        &self,
        what: &'static str,
        change: impl FnOnce(&mut Staging) -> T,
    ) -> Result<T, Refusal> {
        match &mut *self.lock() {
            State::Open(staging) => Ok(change(staging)),
            State::Returned | State::Dropped => Err(Refusal::Ended(what)),
        }
    }

    /// Takes what the handler has staged, when it has returned.
    pub(super) fn take(&self) -> Staging {
        match mem::replace(&mut *self.lock(), State::Returned) {
            State::Open(staging) => staging,
            State::Returned | State::Dropped => Staging::default(),
        }
    }

    /// Drops what is staged, unless it was taken.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        if let State::Open(_) = *state {
            *state = State::Dropped;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic fails the attempt, so an incomplete stage is never committed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Staging {
    pub(super) fn event(
        &mut self,
        id: EventId,
        value: AnyValue,
        payload: Result<Json, Failure>,
        context: Arc<JobContext>,
    ) {
        match payload {
            Ok(_) if self.is_full() => self.refuse(too_many_staged(self.max)),
            Ok(payload) => {
                let type_id = (*value).type_id();
                self.events.push(StagedEvent { id, type_id, payload, value, context });
            }
            Err(failure) => self.refuse(failure),
        }
    }

    pub(super) fn command(&mut self, job: Result<NewJob, Failure>) {
        match job {
            Ok(_) if self.is_full() => self.refuse(too_many_staged(self.max)),
            Ok(job) => self.jobs.push(job),
            Err(failure) => self.refuse(failure),
        }
    }

    fn is_full(&self) -> bool {
        self.events.len() + self.jobs.len() >= self.max
    }

    fn refuse(&mut self, failure: Failure) {
        self.refused.get_or_insert(failure);
    }
}

fn too_many_staged(max: usize) -> Failure {
    let message = format!(
        "the execution stages more than {max} events and commands, which is the limit: publish a command that goes on, or raise \
         `max_staged` on the builder"
    );
    Failure::new(FailureKind::Error, "too_many_staged", message).permanent()
}
