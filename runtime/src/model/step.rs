use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The seven steps of an execution ([r10](crate::rules#r10)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Step {
    /// Validates the input against its schema.
    Validate,
    /// Resolves the target and the creation policy.
    Resolve,
    /// Loads or creates the entity.
    Load,
    /// Checks the invariants scoped by the command.
    CheckBefore,
    /// Runs the handler; its effects are staged.
    Handle,
    /// Checks the invariants scoped by the emitted events, then the unscoped ones.
    CheckAfter,
    /// Commits the entity, the events, the published jobs and the state of the job.
    Commit,
}

impl Step {
    /// Every step, in order.
    pub const ALL: &'static [Self] = &[
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

/// The error of parsing a [`Step`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown step `{0}`")]
pub struct UnknownStep(String);

impl FromStr for Step {
    type Err = UnknownStep;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|step| step.as_str() == text)
            .ok_or_else(|| UnknownStep(text.to_owned()))
    }
}
