//! The states of a job and the one table of their transitions.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The state of a job (r20). [`JobState::TRANSITIONS`] is the table of its legal ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
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
