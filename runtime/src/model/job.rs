//! A job as it is stored.

use std::fmt;
use std::ops::Deref;

use jiff::Timestamp;
use serde::Serialize;

use super::failure::Failure;
use super::job_spec::JobSpec;
use super::job_state::JobState;
use super::json::Json;
use super::redacted::Summary;
use super::unreadable::Unreadable;

/// A stored job: its [`JobSpec`], whose fields can be read directly (`job.name`), and its state. `Debug` shows no payload, no
/// output, no key, and of a failure the kind and the code.
#[derive(Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Job {
    /// What is fixed since the job was submitted.
    #[serde(flatten)]
    pub spec: JobSpec,
    /// Its state.
    pub state: JobState,
    /// The time that it waits for; `None` if it waits for none or is not `Waiting`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// The number of attempts that have begun.
    pub attempts: u32,
    /// The number of attempts before the last [retry by hand](crate::Jobs::retry). They do not count against the retry policy
    /// ([r22](crate::rules#r22)). May be 0 once the job has ended.
    #[serde(skip_serializing_if = "is_zero")]
    pub spent: u32,
    /// What its handler returned, if it succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Json>,
    /// Why its last attempt failed; `None` while another attempt runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// The parts of the stored job that cannot be read; empty unless the store is damaged. Their fields hold placeholders.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<Unreadable>,
}

impl Job {
    /// A job in this state that has no attempt, for stores that read one.
    pub fn new(spec: JobSpec, state: JobState) -> Self {
        Self {
            spec,
            state,
            due_at: None,
            ended_at: None,
            attempts: 0,
            spent: 0,
            output: None,
            failure: None,
            unreadable: Vec::new(),
        }
    }

    /// The deadline, unless a retry by hand has lifted it.
    pub(crate) fn effective_deadline(&self) -> Option<Timestamp> {
        self.deadline.filter(|_| self.spent == 0)
    }
}

impl Deref for Job {
    type Target = JobSpec;

    fn deref(&self) -> &JobSpec {
        &self.spec
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(value: &u32) -> bool {
    *value == 0
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { spec, state, due_at, ended_at, attempts, spent, output, failure, unreadable } = self;
        f.debug_struct("Job")
            .field("spec", spec)
            .field("state", state)
            .field("due_at", due_at)
            .field("ended_at", ended_at)
            .field("attempts", attempts)
            .field("spent", spent)
            .field("output", output)
            .field("failure", &failure.as_ref().map(Summary))
            .field("unreadable", unreadable)
            .finish()
    }
}
