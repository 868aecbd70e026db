//! Jobs, their states and their attempts (r20, r21).

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{ContextSeed, Failure, Json, Key};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            pub(crate) const fn from_uuid(id: Uuid) -> Self {
                Self(id)
            }

            /// The id as a UUID, version 7.
            pub fn as_uuid(&self) -> &Uuid {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::try_parse(text).map(Self)
            }
        }
    };
}

id! {
    /// Names a job. Ids grow with time.
    JobId
}
id! {
    /// Names an event. Ids grow with time.
    EventId
}

/// The state of a job (r20). [`JobState::TRANSITIONS`] is the table of its legal ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waits for a time, for its turn in its lane, or for another job.
    Waiting,
    /// Runs as soon as a worker is free.
    Ready,
    /// An attempt is under way.
    Running,
    /// Its effects are committed.
    Succeeded,
    /// It has failed for good; the last attempt says why.
    Failed,
    /// It was called off.
    Cancelled,
}

/// A legal way from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transition {
    /// The state before.
    pub from: JobState,
    /// The state after.
    pub to: JobState,
    /// What brings it about.
    pub when: &'static str,
}

/// Writes the table once, as code and as documentation.
macro_rules! transitions {
    ($count:literal: $($from:ident => $to:ident: $when:literal,)*) => {
        impl JobState {
            /// The one table of legal transitions, which every store enforces under any race. Whatever is not in it is
            /// impossible, or refused with the code `illegal_transition`.
            ///
            /// | from | to | when |
            /// |---|---|---|
            $(#[doc = concat!("| `", stringify!($from), "` | `", stringify!($to), "` | ", $when, " |")])*
            pub const TRANSITIONS: [Transition; $count] =
                [$(Transition { from: Self::$from, to: Self::$to, when: $when }),*];
        }
    };
}

transitions! { 10:
    Waiting => Ready: "its time has come, it has its turn in its lane, and what it comes after has succeeded",
    Waiting => Cancelled: "it is called off, or what it comes after is",
    Ready => Running: "a worker begins an attempt",
    Ready => Cancelled: "it is called off",
    Running => Waiting: "the attempt has failed or was lost, and another is to follow",
    Running => Succeeded: "the attempt's effects are committed",
    Running => Failed: "the attempt has failed or was lost, and no other is to follow",
    Running => Cancelled: "it is called off; the attempt's commit will be refused",
    Failed => Ready: "it is retried by hand",
    Failed => Waiting: "it is retried by hand, and has not its turn in its lane",
}

impl JobState {
    /// Every state, in the order of a job's life.
    pub const ALL: [Self; 6] =
        [Self::Waiting, Self::Ready, Self::Running, Self::Succeeded, Self::Failed, Self::Cancelled];

    /// Whether a job in this state may pass to `next`, by [the table](Self::TRANSITIONS).
    pub fn may_become(self, next: Self) -> bool {
        Self::TRANSITIONS.iter().any(|way| way.from == self && way.to == next)
    }

    /// Whether nothing more will happen to a job in this state by itself.
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }

    /// The state's stable name, as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// There is no job state of that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no job state is called `{0}`: waiting, ready, running, succeeded, failed and cancelled are")]
pub struct UnknownState(String);

impl FromStr for JobState {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| UnknownState(text.to_owned()))
    }
}

/// What a job runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// The handler of the command of the job's name.
    Command,
    /// The event handler of the job's name.
    EventHandler,
}

impl JobKind {
    /// The kind's stable name, as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::EventHandler => "event_handler",
        }
    }
}

/// What caused a job: another job, or an event (r32).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The job whose handler published it.
    Job(JobId),
    /// The event that it handles.
    Event(EventId),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Job(id) => write!(f, "job/{id}"),
            Self::Event(id) => write!(f, "event/{id}"),
        }
    }
}

/// The text names neither a job nor an event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no cause: `job/…` and `event/…` with a UUID are")]
pub struct MalformedCause(String);

impl FromStr for Cause {
    type Err = MalformedCause;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let cause = match text.split_once('/') {
            Some(("job", id)) => id.parse().map(Self::Job).ok(),
            Some(("event", id)) => id.parse().map(Self::Event).ok(),
            _ => None,
        };
        cause.ok_or_else(|| MalformedCause(text.to_owned()))
    }
}

/// The text that all jobs and events of one matter share: given by the caller, or else the first job's id (r32).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CorrelationId(Arc<str>);

impl CorrelationId {
    /// Takes a correlation id that the caller knows the matter by.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Names the worker of one runtime: a process has as many as it has started runtimes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WorkerId(Arc<str>);

impl WorkerId {
    /// A worker of this process: `4711-` and something unique.
    pub(crate) fn of_process(unique: Uuid) -> Self {
        Self(format!("{}-{}", std::process::id(), unique.simple()).into())
    }

    /// Takes the text of a worker's id, as a store has read it back.
    pub fn from_text(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A job as it stands on record.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// The name of the command, or of the event handler.
    pub name: Arc<str>,
    /// Which of the two it is.
    pub kind: JobKind,
    /// The command or the event, as JSON.
    pub payload: Json,
    /// Where it stands.
    pub state: JobState,
    /// The entity that its command targets.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "key_text")]
    pub target: Option<Key>,
    /// Jobs of one order key run one at a time, in the order they were published (r26).
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "key_text")]
    pub order_key: Option<Key>,
    /// The key under which the same request is not taken twice (r25).
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "key_text")]
    pub idempotency_key: Option<Key>,
    /// The matter that it belongs to (r32).
    pub correlation: CorrelationId,
    /// What caused it; `None` if a caller at the boundary did (r32).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// What crosses from its publisher (r31).
    pub context: Arc<ContextSeed>,
    /// Of jobs that are ready, those of a higher priority begin first. It orders nothing (r26).
    #[serde(skip_serializing_if = "is_default")]
    pub priority: i32,
    /// The jobs that must have succeeded before it runs (r26).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<JobId>,
    /// When its attempts must have ended. A [retry by hand](crate::Jobs::retry) lifts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Timestamp>,
    /// When it was put on record.
    pub created_at: Timestamp,
    /// What it is `Waiting` for, if it waits for a time; `None` in every other state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// How many attempts have begun.
    pub attempts: u32,
    /// How many of them were made before it was last [retried by hand](crate::Jobs::retry): they count against no budget
    /// any more (r22). 0 if it never was, and may be 0 once it has ended.
    #[serde(skip_serializing_if = "is_default")]
    pub spent: u32,
    /// What its handler returned, if it succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Json>,
    /// Why its last attempt failed, if that one did; `None` while another attempt is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

impl Job {
    /// When its attempts must have ended, unless it was retried by hand, which lifts its deadline.
    pub(crate) fn effective_deadline(&self) -> Option<Timestamp> {
        self.deadline.filter(|_| self.spent == 0)
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[expect(clippy::ref_option, reason = "serde calls it with the field's own type")]
fn key_text<S: serde::Serializer>(key: &Option<Key>, serializer: S) -> Result<S::Ok, S::Error> {
    key.as_ref().map(Key::as_str).serialize(serializer)
}

/// One try to run a job (r21). A retry adds one and keeps those before it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Attempt {
    /// Counts from 1.
    pub number: u32,
    /// Who ran it.
    pub worker: WorkerId,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; `None` while it runs.
    pub ended_at: Option<Timestamp>,
    /// The step of the lifecycle that it reached; `None` while it runs, and if its worker died.
    pub reached: Option<Step>,
    /// The version of the entity that it read; `None` if it bound none or found none.
    pub version_read: Option<u64>,
    /// The version of the entity that it wrote.
    pub version_written: Option<u64>,
    /// The strategies that were drawn, and the variants that their policies chose, in order (r40).
    pub strategies: Vec<StrategyChoice>,
    /// The events that it emitted, in order. Those of a failed attempt are dropped and not listed.
    pub events: Vec<EventId>,
    /// Why it failed.
    pub failure: Option<Failure>,
}

impl Attempt {
    /// An attempt that has just begun.
    pub fn begun(number: u32, worker: WorkerId, started_at: Timestamp) -> Self {
        Self {
            number,
            worker,
            started_at,
            ended_at: None,
            reached: None,
            version_read: None,
            version_written: None,
            strategies: Vec::new(),
            events: Vec::new(),
            failure: None,
        }
    }
}

/// Which variant of a strategy a policy has chosen (r40).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StrategyChoice {
    /// The name of the strategy.
    pub strategy: Cow<'static, str>,
    /// The name of the variant.
    pub variant: Cow<'static, str>,
}

/// The seven steps of an execution (r10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The input is checked against its schema.
    Validate,
    /// The target and the creation policy are resolved.
    Resolve,
    /// The entity is loaded or created.
    Load,
    /// The invariants of the command are checked.
    CheckBefore,
    /// The handler runs, staged.
    Handle,
    /// The invariants of the emitted events, and those of the entity, are checked.
    CheckAfter,
    /// Entity, events, jobs and the job's own state are committed.
    Commit,
}

impl Step {
    /// Every step, in order.
    pub const ALL: [Self; 7] = [
        Self::Validate,
        Self::Resolve,
        Self::Load,
        Self::CheckBefore,
        Self::Handle,
        Self::CheckAfter,
        Self::Commit,
    ];

    /// The step's stable name, as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Validate => "validate",
            Self::Resolve => "resolve",
            Self::Load => "load",
            Self::CheckBefore => "check_before",
            Self::Handle => "handle",
            Self::CheckAfter => "check_after",
            Self::Commit => "commit",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// There is no step of that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no step of the lifecycle is called `{0}`")]
pub struct UnknownStep(String);

impl FromStr for Step {
    type Err = UnknownStep;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|step| step.as_str() == text).ok_or_else(|| UnknownStep(text.to_owned()))
    }
}
