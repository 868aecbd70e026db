//! What a runtime needs of a database: the [`Store`] trait and its records.
//!
//! A store keeps and finds. It decides nothing about creation, invariants, retry or names: the runtime does, and passes finished
//! records. What every store must decide alike is a function that all call: [`admit`].
//!
//! A store is tested by the conformance suite, the crate `enact-store-suite`.
//!
//! # Compatibility
//!
//! The trait and its records are exempt from semantic versioning: any version may add a method, a field or a variant. A store that
//! writes or builds a record field by field does not compile until it handles a new field. A crate with a store therefore
//! pins the version of this crate, `enact = "=0.1.0"`, and is released with it.
//!
//! Not exempt are the types that users of a runtime see, which are re-exported at the root of this crate: [`Job`](crate::Job),
//! [`Attempt`](crate::Attempt), [`JobQuery`], [`JobPage`], [`PageToken`], [`JobCount`], [`Cursor`], [`StoredEvent`]. A store builds a
//! `Job` or an `Attempt` by its constructor and then sets the other fields. Only the conformance suite detects that it ignores a
//! new one.

mod admission;
mod claim;
mod commit;
mod commit_link;
mod contract;
mod entity;
mod error;
mod event;
pub mod memory;
mod new_job;
mod position;
mod prune;
mod query;
mod tick;
mod unreadable;

pub use admission::{Admission, Insertion, KeyHolder, Limits, Lookups, admit};
pub use claim::{Batch, Begin, Claim, Claimable, Claimed, Lease, Release, RunningJob};
pub use commit::{Commit, CommitError, Committed, LateEffects, Next};
pub use commit_link::CommitLink;
pub use contract::{Store, StoreFuture};
pub use entity::{EntityKey, EntityWrite, StoredEntity};
pub use error::StoreError;
pub use event::{NewEvent, StoredEvent};
pub(crate) use new_job::is_equal_json;
pub use new_job::{Changed, NewDue, NewJob, PayloadComparison, Start, Submitted};
pub use position::{Cursor, MalformedPosition, PageToken};
pub use prune::{Prune, Pruned};
pub use query::{JobCount, JobPage, JobQuery, LiveCount};
pub use tick::{NewTick, SchedulePosition, Ticked};
pub use unreadable::unreadable_job;

pub use crate::model::JobSpec;
