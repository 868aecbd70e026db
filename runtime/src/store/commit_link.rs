//! Whether a commit is stored, for the executions that follow it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// Whether a commit is stored. An execution may read the entity that a commit writes before that commit is confirmed; it then
/// [follows](super::Commit::follows) it, and is not stored without it.
///
/// A store sets it when it decides on a commit, and may set it again if it rolls back and decides anew. Later commits see what was
/// set last.
#[derive(Clone, Debug, Default)]
pub struct CommitLink(Arc<AtomicU8>);

const PENDING: u8 = 0;
const STORED: u8 = 1;
const REFUSED: u8 = 2;

impl CommitLink {
    /// Of a commit that no store has decided on.
    pub fn new() -> Self {
        Self::default()
    }

    /// Records whether the commit is stored, in the same transaction as those that follow it or earlier.
    pub fn set_stored(&self, is_stored: bool) {
        self.0.store(if is_stored { STORED } else { REFUSED }, Ordering::Release);
    }

    /// Whether the commit is stored.
    pub fn is_stored(&self) -> bool {
        self.0.load(Ordering::Acquire) == STORED
    }

    /// Whether no store has decided on the commit yet.
    pub fn is_pending(&self) -> bool {
        self.0.load(Ordering::Acquire) == PENDING
    }
}
