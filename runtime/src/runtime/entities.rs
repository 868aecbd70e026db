//! Reading committed entities.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::context::{entities, entity_key, unreadable};
use crate::domain::Entity;
use crate::engine::Engine;
use crate::model::Failure;

/// Reads the committed entities of one type.
pub struct Entities<E> {
    engine: Arc<Engine>,
    entity: PhantomData<fn() -> E>,
}

impl<E: Entity> Entities<E> {
    pub(crate) fn new(engine: Arc<Engine>) -> Self {
        Self { engine, entity: PhantomData }
    }

    /// Reads the entity with this id, if it exists.
    ///
    /// # Errors
    /// `Unavailable` if the store cannot be reached; `Error` with the code `unreadable_entity` if the stored entity does not
    /// fit `E`; `Invalid` if the id is null.
    pub async fn get(&self, id: &E::Id) -> Result<Option<E>, Failure> {
        let key = entity_key::<E>(id)?;
        let stored = self.engine.store.entity(&key).await?;
        stored.map(|stored| stored.body.parse().map_err(|error| unreadable(&key, &error))).transpose()
    }

    /// Lists at most `limit` entities with ids after `after`, ordered by the text of their ids.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn list(&self, after: Option<&E::Id>, limit: usize) -> Result<Vec<E>, Failure> {
        entities(&*self.engine.store, after, limit).await
    }
}

impl<E> Clone for Entities<E> {
    fn clone(&self) -> Self {
        Self { engine: self.engine.clone(), entity: PhantomData }
    }
}

impl<E: Entity> fmt::Debug for Entities<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entities<{}>", E::NAME)
    }
}
