//! Jobs to submit, and the outcomes of calls that change jobs.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::{Job, JobId, JobKind, JobSpec, JobState, Json, Unreadable, WorkerId, canonical};

/// A job to submit: its [`JobSpec`], whose fields can be read and written directly, and how to submit it.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// What is stored. Its `created_at` is the current time. Its predecessors (`after`) are stored or come earlier in the same
    /// call.
    pub spec: JobSpec,
    /// Former names of the command: a request under one of them is the same as one under the current name
    /// ([r52](crate::rules#r52)).
    pub aliases: &'static [&'static str],
    /// How its payload is compared with that of the job that has its idempotency key; `None`: as JSON.
    pub comparison: Option<Arc<dyn PayloadComparison>>,
    /// The time that it waits for.
    pub due_at: Option<Timestamp>,
    /// Whether that time is the end of a pause, and moves when the clock is set ([`Store::change_due`](super::Store::change_due)). A
    /// store ignores this.
    pub is_pause: bool,
    /// The largest number of other jobs of its name that have not ended; `None`: no limit.
    pub max_queued: Option<u64>,
    /// Whether its attempts may be repeated ([r22](crate::rules#r22)), so that the start of one need not be durable. `false` is
    /// always safe.
    pub repeatable: bool,
    /// The worker that runs the first attempt: the job is not claimed for it. It has no order key.
    pub start: Option<Start>,
}

/// How a job is inserted that is not claimed for its first attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// It is `Running` from the start: this worker begins its first attempt at once.
    Running(WorkerId),
    /// It is `Ready`, and only this worker may [begin](super::Store::begin) it, until it is [released](super::Store::release).
    Held(WorkerId),
}

impl NewJob {
    /// A job with a correlation of its own and default values.
    pub fn new(id: JobId, kind: JobKind, name: impl Into<Arc<str>>, payload: Json, now: Timestamp) -> Self {
        JobSpec::new(id, kind, name, payload, now).into()
    }

    /// Whether a stored job with this name and payload is the same request ([r25](crate::rules#r25)): its name is the current or a former
    /// one, and the payloads are equal by the [`comparison`](Self::comparison).
    pub fn is_same_request(&self, name: &str, payload: &Json) -> bool {
        let is_equal = || match &self.comparison {
            Some(comparison) => comparison.is_equal(payload, &self.payload),
            None => is_equal_json(payload, &self.payload),
        };
        let same_name = &*self.name == name || self.aliases.contains(&name);
        same_name && (self.payload == *payload || is_equal())
    }

    /// The job as it is right after it was inserted in `state`.
    pub fn into_job(self, state: JobState) -> Job {
        let mut job = Job::new(self.spec, state);
        job.due_at = if state == JobState::Waiting { self.due_at } else { None };
        job.ended_at = state.has_ended().then_some(job.created_at);
        job.attempts = u32::from(matches!(self.start, Some(Start::Running(_))));
        job
    }
}

/// Compares payloads of a command as values of its type.
///
/// A store calls it within a transaction, and only if the texts differ. It does not panic.
pub trait PayloadComparison: fmt::Debug + Send + Sync {
    /// Whether a stored payload and a new one are equal.
    fn is_equal(&self, stored: &Json, new: &Json) -> bool;
}

/// Whether two texts are the same JSON document.
pub(crate) fn is_equal_json(one: &Json, other: &Json) -> bool {
    match (canonical(one.as_str()), canonical(other.as_str())) {
        (Some(one), Some(other)) => one == other,
        _ => false,
    }
}

impl From<JobSpec> for NewJob {
    fn from(spec: JobSpec) -> Self {
        Self {
            spec,
            aliases: &[],
            comparison: None,
            due_at: None,
            is_pause: false,
            max_queued: None,
            repeatable: false,
            start: None,
        }
    }
}

impl Deref for NewJob {
    type Target = JobSpec;

    fn deref(&self) -> &JobSpec {
        &self.spec
    }
}

impl DerefMut for NewJob {
    fn deref_mut(&mut self) -> &mut JobSpec {
        &mut self.spec
    }
}

/// The outcome of submitting a job.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Submitted {
    /// It was inserted.
    New,
    /// Its idempotency key belongs to this job, which is the same request.
    Existing(JobId),
    /// Its idempotency key belongs to this job, which is another request.
    Mismatch(JobId),
    /// This number of jobs of its name have not ended, which is the limit or more.
    Full(u64),
    /// This predecessor does not exist.
    NoPredecessor(JobId),
}

/// A new time for a job to wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDue {
    /// The job.
    pub job: JobId,
    /// The time that it waits for now, as the caller knows it.
    pub from: Timestamp,
    /// The time to wait for instead, earlier or later.
    pub to: Timestamp,
}

/// The outcome of changing a job by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Changed {
    /// It was changed, and so were its successors if they had to be: their ids, its own first.
    Done(Vec<JobId>),
    /// It was not changed: the transition from this state is not legal ([r20](crate::rules#r20)).
    Illegal(JobState),
    /// It was not changed, because these parts of it cannot be read.
    Unreadable(Vec<Unreadable>),
    /// There is no such job.
    Missing,
}
