//! What is stored before something runs.

use std::panic::Location;

use super::executed_attempt::ExecutedAttempt;
use super::outcome::Outcome;
use super::stored::{self, StoredEntities, expect_store};
use crate::model::Failure;
use crate::runtime::Runtime;
use crate::store::{Cursor, StoredEvent};

/// What is stored before something runs, to be compared with what is stored afterwards.
pub(super) struct Snapshot {
    runtime: Runtime,
    what: String,
    /// The line of the test.
    pub(super) place: &'static Location<'static>,
    entities: StoredEntities,
    last_event: Cursor,
}

impl Snapshot {
    /// Reads what is stored. `last_event` is a known cursor to start from.
    pub(super) async fn take(
        runtime: &Runtime,
        what: String,
        place: &'static Location<'static>,
        last_event: Cursor,
    ) -> Self {
        let engine = runtime.engine();
        let entities = expect_store(stored::entities(engine).await, place);
        let events = expect_store(stored::events(engine, last_event.clone()).await, place);
        let last_event = events.last().map_or(last_event, |event| event.cursor.clone());
        Self { runtime: runtime.clone(), what, place, entities, last_event }
    }

    pub(super) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    pub(super) fn what(&self) -> &str {
        &self.what
    }

    pub(super) fn last_event(&self) -> Cursor {
        self.last_event.clone()
    }

    /// The outcome of a command or event that was refused at the boundary.
    pub(super) async fn into_refused(self, failure: Failure) -> Outcome {
        let mut outcome = self.into_outcome(Vec::new()).await;
        outcome.refused = Some(failure);
        outcome
    }

    /// The outcome of these attempts.
    pub(super) async fn into_outcome(self, attempts: Vec<ExecutedAttempt>) -> Outcome {
        let Self { runtime, what, place, entities: before, last_event } = self;
        let engine = runtime.engine();
        let after = expect_store(stored::entities(engine).await, place);
        let events = expect_store(stored::events(engine, last_event).await, place);
        let jobs: Vec<_> = attempts.iter().map(|executed| executed.job.clone()).collect();
        let published = expect_store(stored::published_by(engine, &jobs).await, place);
        let is_own = |event: &StoredEvent| jobs.iter().any(|job| event.cause == Some(job.id));
        let emitted = events.into_iter().filter(is_own).collect();
        Outcome { what, refused: None, attempts, emitted, published, before, after, now: engine.clock.now() }
    }
}
