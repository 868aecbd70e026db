//! A job as it is stored.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::failure::Failure;
use super::id::{Cause, CorrelationId, JobId};
use super::job_context::JobContext;
use super::job_kind::JobKind;
use super::job_state::JobState;
use super::json::Json;
use super::key::Key;

/// A job as it stands on record.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// The name of the command, or of the event handler.
    pub name: Arc<str>,
    /// Which of the two it is.
    pub kind: JobKind,
    /// The command or the event, as JSON.
    pub payload: Json,
    /// Where it stands.
    pub state: JobState,
    /// The entity that its command targets.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "key_text")]
    pub target: Option<Key>,
    /// Jobs of one order key run one at a time, in the order they were published (r26).
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "key_text")]
    pub order_key: Option<Key>,
    /// The key under which the same request is not taken twice (r25).
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "key_text")]
    pub idempotency_key: Option<Key>,
    /// The matter that it belongs to (r32).
    pub correlation: CorrelationId,
    /// What caused it; `None` if a caller at the boundary did (r32).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// What crosses from its publisher (r31).
    pub context: Arc<JobContext>,
    /// Of jobs that are ready, those of a higher priority begin first. It orders nothing (r26).
    #[serde(skip_serializing_if = "is_default")]
    pub priority: i32,
    /// The jobs that must have succeeded before it runs (r26).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<JobId>,
    /// When its attempts must have ended. A [retry by hand](crate::Jobs::retry) lifts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Timestamp>,
    /// When it was put on record.
    pub created_at: Timestamp,
    /// What it is `Waiting` for, if it waits for a time; `None` in every other state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// How many attempts have begun.
    pub attempts: u32,
    /// How many of them were made before it was last [retried by hand](crate::Jobs::retry): they count against no budget
    /// any more (r22). 0 if it never was, and may be 0 once it has ended.
    #[serde(skip_serializing_if = "is_default")]
    pub spent: u32,
    /// What its handler returned, if it succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Json>,
    /// Why its last attempt failed, if that one did; `None` while another attempt is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

impl Job {
    /// When its attempts must have ended, unless it was retried by hand, which lifts its deadline.
    pub(crate) fn effective_deadline(&self) -> Option<Timestamp> {
        self.deadline.filter(|_| self.spent == 0)
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[expect(clippy::ref_option, reason = "serde calls it with the field's own type")]
fn key_text<S: serde::Serializer>(key: &Option<Key>, serializer: S) -> Result<S::Ok, S::Error> {
    key.as_ref().map(Key::as_str).serialize(serializer)
}
