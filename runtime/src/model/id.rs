//! Ids of jobs, events and workers; correlation ids and causes.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
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

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "format": "uuid" })
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
    /// The id of a job. Ids increase with time.
    JobId
}
id! {
    /// The id of an event. Ids increase with time.
    EventId
}

/// The error of parsing a [`JobId`] or an [`EventId`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed id `{0}`: expected a UUID")]
pub struct MalformedId(String);

/// What caused a job: another job, or an event ([r32](crate::rules#r32)).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cause {
    /// The job whose handler published it.
    Job(JobId),
    /// The event that it handles.
    Event(EventId),
    /// A cause of a form that this version does not know, as it is stored ([r07](crate::rules#r07)).
    #[serde(untagged)]
    Unknown(Arc<str>),
}

impl Cause {
    /// Reads a stored cause.
    pub fn from_stored(text: &str) -> Self {
        let known = match text.split_once('/') {
            Some(("job", id)) => id.parse().map(Self::Job).ok(),
            Some(("event", id)) => id.parse().map(Self::Event).ok(),
            _ => None,
        };
        known.unwrap_or_else(|| Self::Unknown(text.into()))
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Job(id) => write!(f, "job/{id}"),
            Self::Event(id) => write!(f, "event/{id}"),
            Self::Unknown(text) => f.write_str(text),
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
        match Self::from_stored(text) {
            Self::Unknown(_) => Err(MalformedCause(text.to_owned())),
            known => Ok(known),
        }
    }
}

/// An id that a job shares with all jobs and events it causes ([r32](crate::rules#r32)). The caller sets it; otherwise it
/// is the id of the first job.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct CorrelationId(Arc<str>);

impl CorrelationId {
    /// Creates a correlation id from any text.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// That of a job without a correlation of its publisher: the text of its id.
    pub(crate) fn of_job(id: JobId) -> Self {
        Self::new(&*id.0.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
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

/// The id of a worker. Each runtime has one worker.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct WorkerId(Arc<str>);

impl WorkerId {
    /// A worker of this process: its process id, then something unique.
    pub(crate) fn of_process(unique: Uuid) -> Self {
        Self(format!("{}-{}", std::process::id(), unique.simple()).into())
    }

    /// Restores an id from its stored text.
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

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "019b0d6e-7c11-7c4e-9a51-0123456789ab";

    #[test]
    fn an_id_is_parsed_from_its_text() {
        assert_eq!(ID.parse::<JobId>().map(|id| id.to_string()), Ok(ID.to_owned()));
        let error = "job-1".parse::<EventId>().map_err(|error| error.to_string());
        assert_eq!(error, Err("malformed id `job-1`: expected a UUID".to_owned()));
    }

    #[test]
    fn r07_a_cause_of_an_unknown_form_is_kept_as_it_is() {
        let cause = Cause::from_stored("schedule/nightly");
        assert_eq!(
            (cause.to_string().as_str(), &cause),
            ("schedule/nightly", &Cause::Unknown("schedule/nightly".into()))
        );
        let json = serde_json::json!([cause, Cause::from_stored(&format!("job/{ID}"))]);
        assert_eq!(json, serde_json::json!(["schedule/nightly", { "job": ID }]));
        assert_eq!(
            serde_json::from_value::<[Cause; 2]>(json).map(|causes| causes[0].clone()).ok(),
            Some(cause)
        );
        assert!("schedule/nightly".parse::<Cause>().is_err());
    }

    #[cfg(feature = "uuid")]
    #[test]
    fn an_id_converts_from_and_to_a_uuid() {
        let id = Uuid::try_parse(ID).unwrap_or_default();
        assert_eq!(Uuid::from(JobId::from(id)), id);
        assert_eq!(JobId::from(id).as_bytes(), id.as_bytes());
    }
}
