//! The ids of jobs, events and workers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use uuid::{Builder, Uuid};

use crate::model::{EventId, JobId, WorkerId};

/// Generates the ids of jobs, events and the worker.
#[derive(Clone, Debug, Default)]
pub(crate) enum IdSource {
    /// Globally unique, and increasing within this process.
    #[default]
    Unique,
    /// The same sequence for the same seed: for tests. Clones share the counter.
    Seeded { seed: u64, count: Arc<AtomicU64> },
}

impl IdSource {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self::Seeded { seed, count: Arc::default() }
    }

    pub(crate) fn job(&self) -> JobId {
        JobId::from_uuid(self.next())
    }

    pub(crate) fn event(&self) -> EventId {
        EventId::from_uuid(self.next())
    }

    pub(crate) fn worker(&self) -> WorkerId {
        match self {
            Self::Unique => WorkerId::of_process(self.next()),
            Self::Seeded { .. } => WorkerId::from_text(format!("worker-{}", self.next().simple())),
        }
    }

    fn next(&self) -> Uuid {
        match self {
            Self::Unique => Uuid::now_v7(),
            Self::Seeded { seed, count } => {
                let number = count.fetch_add(1, Ordering::Relaxed) + 1;
                // Version 7 with the seed for the time and the number for the random bits, so that ids increase.
                let mut bits = [0; 10];
                bits[2..].copy_from_slice(&number.to_be_bytes());
                Builder::from_unix_timestamp_millis(*seed & 0xffff_ffff_ffff, &bits).into_uuid()
            }
        }
    }
}
