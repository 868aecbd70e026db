use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a job runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum JobKind {
    /// The handler of the command that the job is named after.
    Command,
    /// The event handler that the job is named after.
    EventHandler,
}

impl JobKind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[Self::Command, Self::EventHandler];

    /// The kind's stable name, as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::EventHandler => "event_handler",
        }
    }
}

impl fmt::Display for JobKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
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
