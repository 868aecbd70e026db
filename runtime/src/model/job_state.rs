//! The states of a job and the one table of their transitions.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The state of a job ([r20](crate::rules#r20)). [`JobState::TRANSITIONS`] lists the legal transitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum JobState {
    /// Waits for a time, for the jobs before it in its lane, or for a predecessor.
    Waiting,
    /// Runs as soon as a worker is free.
    Ready,
    /// An attempt is running.
    Running,
    /// Its effects are committed.
    Succeeded,
    /// It has failed and will not be retried; the last attempt has the failure.
    Failed,
    /// It was cancelled.
    Cancelled,
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
    Ready => Running: "a worker claims it",
    Ready => Cancelled: "it is cancelled",
    Running => Waiting: "the attempt failed or was lost, and the job is retried",
    Running => Succeeded: "the attempt is committed",
    Running => Failed: "the attempt failed or was lost, and the job is not retried",
    Running => Cancelled: "it is cancelled; the attempt's commit will be refused",
    Failed => Ready: "it is retried by hand",
    Failed => Waiting: "it is retried by hand, and is not at the head of its lane",
}

impl JobState {
    /// Every state, in the order of a job's life cycle.
    pub const ALL: &'static [Self] =
        &[Self::Waiting, Self::Ready, Self::Running, Self::Succeeded, Self::Failed, Self::Cancelled];

    /// Whether the transition to `next` is [legal](Self::TRANSITIONS).
    pub fn may_become(self, next: Self) -> bool {
        Self::TRANSITIONS.iter().any(|transition| transition.from == self && transition.to == next)
    }

    /// Whether a job in this state has ended. Only a retry by hand reopens it.
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
