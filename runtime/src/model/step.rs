use std::str::FromStr;

use super::stored_name::{StoredName, vocabulary};

/// The seven steps of an execution ([r10](crate::rules#r10)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// A step that this version does not know, in a stored attempt.
    Unknown(StoredName),
}

vocabulary! { Step, "step",
    Validate = "validate",
    Resolve = "resolve",
    Load = "load",
    CheckBefore = "check_before",
    Handle = "handle",
    CheckAfter = "check_after",
    Commit = "commit",
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
