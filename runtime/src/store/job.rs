//! Jobs to be stored, and what happens to them.

use std::sync::Arc;

use jiff::Timestamp;

use crate::model::{Cause, CorrelationId, Job, JobContext, JobId, JobKind, JobState, Json, Key, WorkerId};

/// A job to be put on record.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// Its id.
    pub id: JobId,
    /// The name of the command, or of the event handler.
    pub name: Arc<str>,
    /// What the same command was called before: a request of one of these names is one of this name (r25, r52).
    pub aliases: &'static [&'static str],
    /// Which of the two it is.
    pub kind: JobKind,
    /// The command or the event.
    pub payload: Json,
    /// The entity that its command targets.
    pub target: Option<Key>,
    /// The lane that it runs in.
    pub order_key: Option<Key>,
    /// The key under which it is taken only once.
    pub idempotency_key: Option<Key>,
    /// The matter that it belongs to.
    pub correlation: CorrelationId,
    /// What caused it.
    pub cause: Option<Cause>,
    /// What crosses from its publisher.
    pub context: Arc<JobContext>,
    /// Of the jobs of one queue that are ready, those of a higher priority are handed out first. 0 if nobody has said.
    pub priority: i32,
    /// The jobs that must have succeeded before it is `Ready` (r26): on record, or before it in the same call.
    pub after: Vec<JobId>,
    /// The time that it waits for.
    pub due_at: Option<Timestamp>,
    /// When its attempts must have ended.
    pub deadline: Option<Timestamp>,
    /// How many jobs of its name may be on record that have not ended, without this one; `None`: any number.
    pub max_queued: Option<u64>,
    /// Now.
    pub created_at: Timestamp,
    /// Whether its attempts may be repeated (r22), so that one may be forgotten that was about to begin when the machine
    /// died. `false` is always safe.
    pub repeatable: bool,
    /// The worker that begins the first attempt at once: the job is `Running` from the start, is never claimed, and has
    /// no order key.
    pub start: Option<WorkerId>,
}

impl NewJob {
    /// A job that belongs to a matter of its own, and of which nothing else is said.
    pub fn new(id: JobId, kind: JobKind, name: impl Into<Arc<str>>, payload: Json, now: Timestamp) -> Self {
        Self {
            id,
            name: name.into(),
            aliases: &[],
            kind,
            payload,
            target: None,
            order_key: None,
            idempotency_key: None,
            correlation: CorrelationId::new(id.to_string()),
            cause: None,
            context: Arc::default(),
            priority: 0,
            after: Vec::new(),
            due_at: None,
            deadline: None,
            max_queued: None,
            created_at: now,
            repeatable: false,
            start: None,
        }
    }

    /// Whether a job on record of this name, with this payload, is the same request (r25): the same command, whatever it
    /// was called then, and the same payload, whatever the order of its keys.
    pub fn is_same_request(&self, name: &str, payload: &Json) -> bool {
        let same_payload = || match (self.payload.value(), payload.value()) {
            (Ok(own), Ok(other)) => own == other,
            _ => false,
        };
        let same_name = &*self.name == name || self.aliases.contains(&name);
        same_name && (self.payload == *payload || same_payload())
    }

    /// The job as it stands right after it was put on record in `state`.
    pub fn into_job(self, state: JobState) -> Job {
        Job {
            id: self.id,
            name: self.name,
            kind: self.kind,
            payload: self.payload,
            state,
            target: self.target,
            order_key: self.order_key,
            idempotency_key: self.idempotency_key,
            correlation: self.correlation,
            cause: self.cause,
            context: self.context,
            priority: self.priority,
            after: self.after,
            deadline: self.deadline,
            created_at: self.created_at,
            due_at: if state == JobState::Waiting { self.due_at } else { None },
            ended_at: state.has_ended().then_some(self.created_at),
            attempts: u32::from(self.start.is_some()),
            spent: 0,
            output: None,
            failure: None,
        }
    }
}

/// What became of a job that was submitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// It is on record.
    New,
    /// Its idempotency key belongs to this job, which is the same request.
    Existing(JobId),
    /// Its idempotency key belongs to this job, which is another request.
    Mismatch(JobId),
    /// So many jobs of its name wait or run already.
    Full(u64),
    /// There is no job on record that it could come after by this id.
    NoPredecessor(JobId),
}

/// What became of a job that somebody has changed by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It was changed, and so were those that came after it: their ids, its own first.
    Done(Vec<JobId>),
    /// It was not: a job in this state does not take that way (r20).
    Illegal(JobState),
    /// There is no such job.
    Missing,
}
