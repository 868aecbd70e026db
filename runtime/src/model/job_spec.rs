//! What is fixed when a job is submitted.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::id::{Cause, CorrelationId, JobId};
use super::job_context::JobContext;
use super::job_kind::JobKind;
use super::json::Json;
use super::key::Key;

/// The part of a job that is fixed when it is submitted.
///
/// It is a record of the [store contract](crate::store#compatibility): a new field may be added in any version.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JobSpec {
    /// The job's id.
    pub id: JobId,
    /// The name of the command or event handler.
    pub name: Arc<str>,
    /// What the job runs.
    pub kind: JobKind,
    /// The command or event as JSON.
    pub payload: Json,
    /// The id of the entity that its command targets.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "key_text")]
    pub target: Option<Key>,
    /// The lane of the job: jobs with the same order key run one at a time, in the order of their submission
    /// ([r26](crate::rules#r26)).
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "key_text")]
    pub order_key: Option<Key>,
    /// Identifies the request: the same request is accepted once ([r25](crate::rules#r25)).
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "key_text")]
    pub idempotency_key: Option<Key>,
    /// Shared by all jobs and events with a common origin ([r32](crate::rules#r32)).
    pub correlation: CorrelationId,
    /// What caused it; `None` if a caller at the boundary did ([r32](crate::rules#r32)).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// How many jobs led to it, each of which caused the next ([r08](crate::rules#r08)): 0 if a caller at the boundary or a schedule
    /// published it.
    #[serde(skip_serializing_if = "is_default")]
    pub depth: u32,
    /// What crosses from the publisher into the job ([r31](crate::rules#r31)).
    pub context: Arc<JobContext>,
    /// Higher values are claimed first within a queue. Default: 0. It gives no order ([r26](crate::rules#r26)).
    #[serde(skip_serializing_if = "is_default")]
    pub priority: i32,
    /// Its predecessors: the jobs that must have succeeded before it runs ([r26](crate::rules#r26)).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<JobId>,
    /// When its attempts must have ended. A [retry by hand](crate::Jobs::retry) lifts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Timestamp>,
    /// When it was submitted.
    pub created_at: Timestamp,
}

impl JobSpec {
    /// A job with a correlation of its own and default values.
    pub fn new(
        id: JobId,
        kind: JobKind,
        name: impl Into<Arc<str>>,
        payload: Json,
        created_at: Timestamp,
    ) -> Self {
        Self {
            id,
            name: name.into(),
            kind,
            payload,
            target: None,
            order_key: None,
            idempotency_key: None,
            correlation: CorrelationId::of_job(id),
            cause: None,
            depth: 0,
            context: JobContext::empty(),
            priority: 0,
            after: Vec::new(),
            deadline: None,
            created_at,
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[expect(clippy::ref_option, reason = "serde calls it with the field's own type")]
fn key_text<S: Serializer>(key: &Option<Key>, serializer: S) -> Result<S::Ok, S::Error> {
    key.as_ref().map(Key::as_str).serialize(serializer)
}
