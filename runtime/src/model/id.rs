//! Ids and what links jobs and events: correlation and cause.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

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

            /// The 16 bytes of the id, which is a UUID of version 7.
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        #[cfg(feature = "uuid")]
        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        #[cfg(feature = "uuid")]
        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
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
            type Err = MalformedId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::try_parse(text).map(Self).map_err(|_| MalformedId(text.to_owned()))
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

/// The error of parsing a [`JobId`] or an [`EventId`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed id `{0}`: expected a UUID")]
pub struct MalformedId(String);

/// What caused a job: another job, or an event (r32).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
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

/// The error of parsing a [`Cause`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed cause `{0}`: expected `job/<UUID>` or `event/<UUID>`")]
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
