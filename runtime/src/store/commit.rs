//! The end of an attempt and everything that it staged.

use jiff::Timestamp;

use super::commit_link::CommitLink;
use super::entity::EntityWrite;
use super::error::StoreError;
use super::event::NewEvent;
use super::new_job::NewJob;
use crate::model::{Attempt, JobId, Json};

/// The end of an attempt and everything that it staged.
#[derive(Clone, Debug)]
pub struct Commit {
    /// The job.
    pub job: JobId,
    /// The attempt, which has ended. [`Attempt::worker`] and [`Attempt::number`] are the fence: the job must be `Running`
    /// this attempt of this worker.
    pub attempt: Attempt,
    /// For a rescue, which ends the attempt of another worker: the worker's number of renewals
    /// ([`Lease::renewals`](super::Lease::renewals)) when it was last observed. It must not have changed.
    pub lapsed: Option<u64>,
    /// What happens to the job.
    pub next: Next,
    /// The entity to write.
    pub write: Option<EntityWrite>,
    /// The events to append.
    pub events: Vec<NewEvent>,
    /// The jobs to submit, as by [`Store::submit`](super::Store::submit) but without limits.
    pub jobs: Vec<NewJob>,
    /// The commit whose entity this execution has read before that commit was confirmed: it must have been stored.
    pub follows: Option<CommitLink>,
    /// Records whether this commit is stored, for those that follow it.
    pub link: CommitLink,
}

impl Commit {
    /// The end of an attempt that has staged nothing.
    pub fn ending(job: JobId, attempt: Attempt, next: Next) -> Self {
        Self {
            job,
            attempt,
            lapsed: None,
            next,
            write: None,
            events: Vec::new(),
            jobs: Vec::new(),
            follows: None,
            link: CommitLink::new(),
        }
    }
}

/// What tasks of a handler staged after it had returned ([r31](crate::rules#r31)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LateEffects {
    /// The job.
    pub job: JobId,
    /// The number of the attempt.
    pub attempt: u32,
    /// How many effects, in addition to those that are stored.
    pub count: u32,
}

/// What a commit returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Whether there is a job to claim, or a time to wait for, that was not there before.
    pub has_work: bool,
}

/// What happens to a job when an attempt has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// It has succeeded; what its handler returned.
    Succeeded(Json),
    /// It has failed for good. The attempt has the failure.
    Failed,
    /// It is retried, not before this time.
    Retry(Timestamp),
    /// It is put back, because this attempt has not begun: nothing of it is stored, and its number is used again. The job is not
    /// claimed before this time.
    PutBack(Timestamp),
}

/// Why a commit was refused.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The entity has another version than expected ([r17](crate::rules#r17)).
    #[error("version conflict: the stored version of the entity is {found}")]
    Conflict {
        /// The stored version; 0 if the entity does not exist.
        found: u64,
    },
    /// The attempt is not running any more: it was rescued, or the job was cancelled ([r23](crate::rules#r23),
    /// [r24](crate::rules#r24)).
    #[error("the attempt is not running any more")]
    Fenced,
    /// The idempotency key of a staged job belongs to another request ([r25](crate::rules#r25)).
    #[error("the idempotency key of staged job {staged} belongs to job {existing}, which is another request")]
    Mismatch {
        /// The staged job.
        staged: JobId,
        /// The job that has the key.
        existing: JobId,
    },
    /// A predecessor of a staged job does not exist ([r26](crate::rules#r26)).
    #[error("staged job {staged} names the predecessor {after}, which does not exist")]
    NoPredecessor {
        /// The staged job.
        staged: JobId,
        /// The predecessor.
        after: JobId,
    },
    /// The commit that this one [follows](Commit::follows) was not stored.
    #[error("the execution read an entity that another one had written, and that write was not stored")]
    Unfounded,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
