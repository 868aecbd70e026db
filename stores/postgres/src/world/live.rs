//! Jobs that have not ended, as rows of `live`.

use std::sync::Arc;

use enact::{JobId, JobState};
use jiff::Timestamp;
use tokio_postgres::Row;

use crate::cells::Cells;

/// Where a job is that has not ended, or a cancelled one whose attempt has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Waiting,
    Ready,
    /// Ready, and in line for an entity.
    InLine,
    /// Ready, and only its worker may begin it.
    Held,
    Running,
    /// Cancelled, and its worker has not released it.
    Unreleased,
}

impl Stage {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Ready => "ready",
            Self::InLine => "in_line",
            Self::Held => "held",
            Self::Running => "running",
            Self::Unreleased => "unreleased",
        }
    }

    fn of(stored: &str) -> Self {
        match stored {
            "waiting" => Self::Waiting,
            "in_line" => Self::InLine,
            "held" => Self::Held,
            "running" => Self::Running,
            "unreleased" => Self::Unreleased,
            // The table has no other.
            _ => Self::Ready,
        }
    }

    pub(crate) fn state(self) -> JobState {
        match self {
            Self::Waiting => JobState::Waiting,
            Self::Ready | Self::InLine | Self::Held => JobState::Ready,
            Self::Running => JobState::Running,
            Self::Unreleased => JobState::Cancelled,
        }
    }

    /// Whether a worker runs or holds it, or is to release it.
    pub(crate) fn has_worker(self) -> bool {
        matches!(self, Self::Held | Self::Running | Self::Unreleased)
    }
}

/// A row of `live`.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    pub(crate) seq: i64,
    pub(crate) stage: Stage,
    pub(crate) name: Arc<str>,
    pub(crate) priority: i32,
    pub(crate) order_key: Option<String>,
    pub(crate) attempts: u32,
    pub(crate) spent: u32,
    /// Another job is at the head of its lane.
    pub(crate) is_blocked: bool,
    /// The number of predecessors that have not succeeded.
    pub(crate) pending: i32,
    pub(crate) due_at: Option<Timestamp>,
    /// The entity whose turn it has, or whose line it is in or has left.
    pub(crate) entity: Option<String>,
    pub(crate) worker: Option<String>,
    pub(crate) started_at: Option<Timestamp>,
    /// Whether its attempts may be repeated.
    pub(crate) repeatable: bool,
}

/// The columns of `live AS l` that [`Live::read`] reads.
macro_rules! live_columns {
    () => {
        "l.id, l.seq, l.stage, l.name, l.priority, l.order_key, l.attempts, l.spent, l.is_blocked, l.pending, l.due_at, l.entity, \
         l.worker, l.started_at, l.repeatable"
    };
}
pub(crate) use live_columns;

impl Live {
    pub(crate) fn read(row: &Row) -> (JobId, Self) {
        let mut cells = Cells::of(row);
        let id = cells.id("id").into();
        let live = Self {
            seq: cells.number("seq"),
            stage: Stage::of(&cells.text("stage")),
            name: cells.text("name").into(),
            priority: cells.short("priority"),
            order_key: cells.optional_text("order_key").map(Into::into),
            attempts: cells.number("attempts"),
            spent: cells.number("spent"),
            is_blocked: cells.boolean("is_blocked"),
            pending: cells.short("pending"),
            due_at: cells.optional_clamped_time("due_at"),
            entity: cells.optional_text("entity").map(Into::into),
            worker: cells.optional_text("worker").map(Into::into),
            started_at: cells.optional_clamped_time("started_at"),
            repeatable: cells.boolean("repeatable"),
        };
        (id, live)
    }

    /// The number of the attempt that its worker runs, has to release, or would begin.
    pub(crate) fn attempt_number(&self) -> u32 {
        self.attempts.saturating_add(u32::from(self.stage == Stage::Held))
    }

    /// Whether this worker runs, holds or has to release this attempt.
    pub(crate) fn is_attempt(&self, worker: &str, number: u32) -> bool {
        self.stage.has_worker() && self.worker.as_deref() == Some(worker) && self.attempt_number() == number
    }

    /// Takes the job from its worker and from its entity.
    pub(crate) fn leave_worker(&mut self, stage: Stage) {
        (self.stage, self.worker, self.started_at, self.entity) = (stage, None, None, None);
    }
}
