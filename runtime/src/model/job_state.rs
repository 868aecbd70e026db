//! The states of a job and the one table of their transitions.

use std::str::FromStr;

use super::stored_name::{StoredName, vocabulary};

/// The state of a job ([r20](crate::rules#r20)). [`JobState::TRANSITIONS`] lists the legal transitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum JobState {
    /// Waits for a time, for the jobs before it in its lane, or for a predecessor.
    Waiting,
    /// Runs as soon as a worker is free, and its entity.
    Ready,
    /// An attempt is running.
    Running,
    /// Its effects are committed.
    Succeeded,
    /// It has failed and will not be retried; the last attempt has the failure.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// A state that this version does not know. No transition from it is legal here ([r07](crate::rules#r07)).
    Unknown(StoredName),
}

vocabulary! { JobState, "job state",
    Waiting = "waiting",
    Ready = "ready",
    Running = "running",
    Succeeded = "succeeded",
    Failed = "failed",
    Cancelled = "cancelled",
}

/// A legal transition from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transition {
    /// The state before.
    pub from: JobState,
    /// The state after.
    pub to: JobState,
    /// The cause.
    pub when: &'static str,
}

/// Generates the table, as code and as documentation.
macro_rules! transitions {
    ($($from:ident => $to:ident: $when:literal,)*) => {
        impl JobState {
            /// The legal transitions, which every store enforces under concurrency. A request for any other is refused
            /// with the code `illegal_transition`.
            ///
            /// | from | to | when |
            /// |---|---|---|
            $(#[doc = concat!("| `", stringify!($from), "` | `", stringify!($to), "` | ", $when, " |")])*
            pub const TRANSITIONS: &'static [Transition] =
                &[$(Transition { from: Self::$from, to: Self::$to, when: $when }),*];
        }
    };
}

transitions! {
    Waiting => Ready: "it is due, at the head of its lane, and its predecessors have succeeded",
    Waiting => Cancelled: "it, or a predecessor, is cancelled",
    Ready => Running: "a worker claims it, or begins it",
    Ready => Cancelled: "it is cancelled",
    Running => Ready: "it is released before its handler has begun",
    Running => Waiting: "the attempt failed or was lost, and the job is retried; or it has not begun, and the job is put back",
    Running => Succeeded: "the attempt is committed",
    Running => Failed: "the attempt failed or was lost, and the job is not retried",
    Running => Cancelled: "it is cancelled; the attempt's commit will be refused",
    Failed => Ready: "it is retried by hand",
    Failed => Waiting: "it is retried by hand, and is not at the head of its lane",
}

impl JobState {
    /// Whether the transition to `next` is [legal](Self::TRANSITIONS).
    pub fn may_become(self, next: Self) -> bool {
        Self::TRANSITIONS.iter().any(|transition| transition.from == self && transition.to == next)
    }

    /// Whether a job in this state has ended. Only a retry by hand reopens it.
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// The error of parsing a [`JobState`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown job state `{0}`: expected `waiting`, `ready`, `running`, `succeeded`, `failed` or `cancelled`"
)]
pub struct UnknownState(String);

impl FromStr for JobState {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| UnknownState(text.to_owned()))
    }
}
