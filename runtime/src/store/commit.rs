//! The end of an attempt and everything that it staged.

use jiff::Timestamp;

use super::entity::EntityWrite;
use super::error::StoreError;
use super::event::NewEvent;
use super::job::NewJob;
use crate::model::{Attempt, JobId, Json};

/// The end of an attempt, and everything that it staged.
#[derive(Clone, Debug)]
pub struct Commit {
    /// The job.
    pub job: JobId,
    /// The attempt. With [`Attempt::worker`] and [`Attempt::number`] it is the fence: the job must be `Running` that very
    /// attempt of that very worker.
    pub attempt: Attempt,
    /// If the attempt is given up in its worker's stead: how often the worker had renewed its lease when it was last seen
    /// ([`Lease::renewals`]). It must not have done so since.
    pub lapsed: Option<u64>,
    /// What becomes of the job.
    pub next: Next,
    /// The entity to write.
    pub write: Option<EntityWrite>,
    /// The events to append.
    pub events: Vec<NewEvent>,
    /// The jobs to submit, as by [`Store::submit`], however many are queued.
    pub jobs: Vec<NewJob>,
}

/// What a commit answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Whether there is something to claim now, or to wait for, that there was not before.
    pub has_work: bool,
}

/// What becomes of a job when an attempt has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// It has succeeded, with what its handler returned.
    Succeeded(Json),
    /// It has failed for good; why is in the attempt.
    Failed,
    /// It runs again, not before this time.
    Retry(Timestamp),
}

/// Why a commit was refused.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The entity has another version than was expected (r17); 0 if it does not exist.
    #[error("the entity has version {found} on record")]
    Conflict {
        /// The version on record.
        found: u64,
    },
    /// The attempt is no longer this worker's: it was given up, or the job was cancelled (r23, r24).
    #[error("the attempt is no longer under way on record")]
    Fenced,
    /// The idempotency key of a staged job belongs to another request (r25).
    #[error("the idempotency key of staged job {staged} belongs to job {existing}, which is another request")]
    Mismatch {
        /// The staged job.
        staged: JobId,
        /// The job that has the key.
        existing: JobId,
    },
    /// A staged job is to come after one that there is not (r26).
    #[error("staged job {staged} is to run after job {after}, and there is no such job")]
    NoPredecessor {
        /// The staged job.
        staged: JobId,
        /// What it is to come after.
        after: JobId,
    },
    /// The store could not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}
