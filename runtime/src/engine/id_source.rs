use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use uuid::{Builder, Uuid};

use crate::model::{EventId, JobId, WorkerId};

/// Where a runtime takes its ids from.
#[derive(Clone, Debug, Default)]
pub(crate) enum IdSource {
    /// Each is unique in the world, and greater than every one that this process has made before.
    #[default]
    Unique,
    /// The same ones in the same order each time: for tests. Clones go on counting together.
    Seeded { seed: u64, made: Arc<AtomicU64> },
}

impl IdSource {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self::Seeded { seed, made: Arc::default() }
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
            Self::Seeded { seed, made } => {
                let number = made.fetch_add(1, Ordering::Relaxed) + 1;
                // The seed stands where the time does, the number where version 7 has random bits, in front of which they grow.
                let mut bits = [0; 10];
                bits[2..].copy_from_slice(&number.to_be_bytes());
                Builder::from_unix_timestamp_millis(*seed & 0xffff_ffff_ffff, &bits).into_uuid()
            }
        }
    }
}
