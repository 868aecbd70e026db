use std::str::FromStr;

use super::stored_name::{StoredName, vocabulary};

/// What a job runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JobKind {
    /// The handler of the command that the job is named after.
    Command,
    /// The event handler that the job is named after.
    EventHandler,
    /// A kind that this version does not know. It runs no such job, and ends none ([r07](crate::rules#r07)).
    Unknown(StoredName),
}

vocabulary! { JobKind, "job kind",
    Command = "command",
    EventHandler = "event_handler",
}

/// The error of parsing a [`JobKind`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown job kind `{0}`: expected `command` or `event_handler`")]
pub struct UnknownKind(String);

impl FromStr for JobKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownKind(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_parsed_from_its_name() {
        for &kind in JobKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        let error = "handler".parse::<JobKind>().map_err(|error| error.to_string());
        assert_eq!(
            error,
            Err("unknown job kind `handler`: expected `command` or `event_handler`".to_owned())
        );
    }
}
