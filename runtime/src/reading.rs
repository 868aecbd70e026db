use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde_json::Value;

use crate::context::{entity_key, unreadable};
use crate::engine::Engine;
use crate::store::{Cursor, EntityKey, JobCount, JobPage, JobQuery, StoredEvent};
use crate::{Attempt, Entity, Failure, Job, JobHandle, JobId};

/// Reads jobs (r28).
#[derive(Clone)]
pub struct Jobs(pub(crate) Arc<Engine>);

impl Jobs {
    /// The job with this id, if there is one.
    ///
    /// # Errors
    /// If the store cannot be reached; as for every call here.
    pub async fn get(&self, id: JobId) -> Result<Option<Job>, Failure> {
        Ok(self.0.store.job(id).await?)
    }

    /// Jobs by state, name, correlation and time, in pages.
    ///
    /// # Errors
    /// If the store cannot be reached.
    pub async fn list(&self, query: &JobQuery) -> Result<JobPage, Failure> {
        Ok(self.0.store.jobs(query).await?)
    }

    /// The attempts of a job, first to last. Empty if there is no such job.
    ///
    /// # Errors
    /// If the store cannot be reached.
    pub async fn attempts(&self, id: JobId) -> Result<Vec<Attempt>, Failure> {
        Ok(self.0.store.attempts(id).await?)
    }

    /// How many jobs there are, by name and state. Counts all that are on record: not for every second.
    ///
    /// # Errors
    /// If the store cannot be reached.
    pub async fn count(&self) -> Result<Vec<JobCount>, Failure> {
        Ok(self.0.store.count_jobs().await?)
    }

    /// A handle on a job that somebody else has published, to wait for its outcome.
    pub fn handle(&self, id: JobId) -> JobHandle<Value> {
        JobHandle::new(self.0.clone(), id)
    }
}

/// Reads the committed entities of one type (r28).
pub struct Entities<E> {
    engine: Arc<Engine>,
    entity: PhantomData<fn() -> E>,
}

impl<E: Entity> Entities<E> {
    pub(crate) fn new(engine: Arc<Engine>) -> Self {
        Self { engine, entity: PhantomData }
    }

    /// The entity with this id, if there is one.
    ///
    /// # Errors
    /// If the store cannot be reached, or what it has is no `E`.
    pub async fn get(&self, id: &E::Id) -> Result<Option<E>, Failure> {
        let key = entity_key::<E>(id)?;
        let stored = self.engine.store.entity(&key).await?;
        stored.map(|stored| stored.body.parse().map_err(|error| unreadable(&key, &error))).transpose()
    }

    /// At most `limit` entities, in the order of their ids' text, behind the one with the id `after`.
    ///
    /// # Errors
    /// If the store cannot be reached, or one of them is no `E`.
    pub async fn list(&self, after: Option<&E::Id>, limit: usize) -> Result<Vec<E>, Failure> {
        let after = after.map(entity_key::<E>).transpose()?.map(|key| key.id);
        let stored = self.engine.store.entities(E::NAME, after.as_ref(), limit).await?;
        let parse = |(id, stored): (_, crate::store::StoredEntity)| {
            stored.body.parse().map_err(|error| unreadable(&EntityKey { entity: E::NAME, id }, &error))
        };
        stored.into_iter().map(parse).collect()
    }
}

/// Reads committed events in commit order (r18): what a relay publishes elsewhere.
#[derive(Clone)]
pub struct Events(pub(crate) Arc<Engine>);

impl Events {
    /// At most `limit` events behind `cursor`. A relay keeps the cursor of the last one that it has passed on; after a
    /// crash it passes some on again, and who receives them deduplicates by their id.
    ///
    /// # Errors
    /// If the store cannot be reached.
    pub async fn after(&self, cursor: Cursor, limit: usize) -> Result<Vec<StoredEvent>, Failure> {
        Ok(self.0.store.events(cursor, limit).await?)
    }
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Jobs")
    }
}

impl<E: Entity> fmt::Debug for Entities<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entities<{}>", E::NAME)
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Events")
    }
}
