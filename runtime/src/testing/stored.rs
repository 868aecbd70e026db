//! Reading what is stored.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::panic::Location;

use crate::engine::Engine;
use crate::model::{Cause, Job, Key};
use crate::runtime::Runtime;
use crate::store::{Cursor, JobQuery, StoreError, StoredEntity, StoredEvent};

/// How much is read at once.
const PAGE: usize = 1000;

/// Entities by the names of their types and their ids.
pub(super) type StoredEntities = BTreeMap<(&'static str, Key), StoredEntity>;

/// Reads every entity.
pub(super) async fn entities(engine: &Engine) -> Result<StoredEntities, StoreError> {
    let mut all = StoredEntities::new();
    for entity in &engine.wiring.entities {
        let mut last = None;
        loop {
            let page = engine.store.entities(entity.name, last.as_ref(), PAGE).await?;
            last = page.last().map(|(key, _)| key.clone());
            let is_last = page.len() < PAGE;
            all.extend(page.into_iter().map(|(key, stored)| ((entity.name, key), stored)));
            if is_last {
                break;
            }
        }
    }
    Ok(all)
}

/// Reads the events after a cursor.
pub(super) async fn events(engine: &Engine, mut cursor: Cursor) -> Result<Vec<StoredEvent>, StoreError> {
    let mut all = Vec::new();
    loop {
        let page = engine.store.events(&cursor, PAGE).await?;
        let Some(last) = page.last() else { return Ok(all) };
        cursor = last.cursor.clone();
        all.extend(page);
    }
}

/// Reads the jobs of the commands that these jobs have published, in the order they were stored.
pub(super) async fn published_by(engine: &Engine, jobs: &[Job]) -> Result<Vec<Job>, StoreError> {
    let parents: HashSet<_> = jobs.iter().map(|job| Cause::Job(job.id)).collect();
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for correlation in jobs.iter().map(|job| &job.correlation) {
        if !seen.insert(correlation) {
            continue;
        }
        let mut query = JobQuery::new().correlation(correlation.clone()).limit(PAGE);
        loop {
            let page = engine.store.jobs(&query).await?;
            found.extend(
                page.jobs
                    .into_iter()
                    .filter(|job| job.cause.as_ref().is_some_and(|cause| parents.contains(cause))),
            );
            query.page = page.next;
            if query.page.is_none() {
                break;
            }
        }
    }
    Ok(found)
}

/// The value, or a panic at the line of the test.
pub(super) fn expect_store<T, E: fmt::Display>(result: Result<T, E>, place: &Location<'_>) -> T {
    result.unwrap_or_else(|error| panic!("{place}: the store failed: {error}"))
}

/// Panics at the line of the test if a task has staged something after its handler had returned.
pub(super) fn expect_nothing_late(runtime: &Runtime, place: &Location<'_>) {
    if let Some(report) = runtime.engine().late_calls.take_report() {
        panic!("{place}: {report}");
    }
}
