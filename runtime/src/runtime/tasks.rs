//! The background tasks of a runtime.

use tokio_util::task::TaskTracker;

/// The background tasks of a runtime.
#[derive(Default)]
pub(super) struct Tasks {
    pub(super) dispatcher: TaskTracker,
    /// These end after the dispatcher has ended and no attempt runs.
    pub(super) others: TaskTracker,
}
