//! The steps of an execution.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The seven steps of an execution (r10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
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
