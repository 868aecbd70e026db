//! What a runtime needs of a database: the [`Store`] trait and the records that pass through it.
//!
//! A store keeps and finds; it decides nothing. Creation, invariants, retry and naming are the runtime's business, and
//! reach a store as finished records. Every store passes the conformance suite in `tests/`.

mod claim;
mod commit;
mod contract;
mod entity;
mod error;
mod event;
mod job;
pub mod memory;
mod prune;
mod query;
mod tick;

pub use claim::{Claim, Claimed, Lease, RunningJob};
pub use commit::{Commit, CommitError, Committed, Next};
pub use contract::Store;
pub use entity::{EntityKey, EntityWrite, StoredEntity};
pub use error::StoreError;
pub use event::{Cursor, NewEvent, StoredEvent};
pub use job::{Changed, NewJob, Submitted};
pub use prune::{Prune, Pruned};
pub use query::{JobCount, JobPage, JobQuery, PageToken};
pub use tick::{NewTick, Ticked};
