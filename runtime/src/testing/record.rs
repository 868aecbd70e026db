//! What is on record, before something runs and after.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::panic::Location;

use crate::engine::Engine;
use crate::model::{Cause, Job, Key};
use crate::store::{Cursor, JobQuery, StoreError, StoredEntity, StoredEvent};

/// How much is read at a time.
const PAGE: usize = 1000;

/// All entities, by the names of their types and their keys.
pub(super) type Entities = BTreeMap<(&'static str, Key), StoredEntity>;

/// Every entity on record.
pub(super) async fn entities(engine: &Engine) -> Result<Entities, StoreError> {
    let mut all = Entities::new();
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

/// The events behind a place.
pub(super) async fn events_after(engine: &Engine, mut after: Cursor) -> Result<Vec<StoredEvent>, StoreError> {
    let mut all = Vec::new();
    loop {
        let page = engine.store.events(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(all) };
        after = last.cursor;
        all.extend(page);
    }
}

/// The jobs of the commands that jobs have published, in the order of record.
pub(super) async fn published_by(engine: &Engine, jobs: &[Job]) -> Result<Vec<Job>, StoreError> {
    let parents: HashSet<_> = jobs.iter().map(|job| Cause::Job(job.id)).collect();
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for matter in jobs.iter().map(|job| &job.correlation) {
        if !seen.insert(matter) {
            continue;
        }
        let mut query = JobQuery::new().correlation(matter.clone()).limit(PAGE);
        loop {
            let page = engine.store.jobs(&query).await?;
            found.extend(
                page.jobs.into_iter().filter(|job| job.cause.is_some_and(|cause| parents.contains(&cause))),
            );
            query.page = page.next;
            if query.page.is_none() {
                break;
            }
        }
    }
    Ok(found)
}

/// What a store has answered.
pub(super) fn answered<T, E: fmt::Display>(answer: Result<T, E>, place: &Location<'_>) -> T {
    answer.unwrap_or_else(|error| panic!("{place}: the store cannot answer: {error}"))
}
