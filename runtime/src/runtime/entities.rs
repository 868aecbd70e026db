//! Reading committed entities.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::context::{EntityPage, entities, entity_key, parse_entity};
use crate::domain::Entity;
use crate::engine::Engine;
use crate::model::{Failure, Key};

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
        stored.map(|stored| parse_entity(&key, &stored)).transpose()
    }

    /// Lists at most `limit` entities in the order of the text of their ids, starting after [`EntityPage::next`] of the page
    /// before. Those that do not fit `E` are listed [apart](EntityPage::unreadable), and hide no other ([r19](crate::rules#r19)).
    ///
    /// ```no_run
    /// # use enact::prelude::*;
    /// # #[entity] struct Account { id: String }
    /// # async fn all(bank: Runtime) -> Result<(), Failure> {
    /// let mut after = None;
    /// loop {
    ///     let page = bank.entities::<Account>().list(after.as_ref(), 100).await?;
    ///     for account in &page.entities {
    ///         println!("{}", account.id);
    ///     }
    ///     for unreadable in &page.unreadable {
    ///         eprintln!("{unreadable}");
    ///     }
    ///     after = page.next;
    ///     if after.is_none() {
    ///         return Ok(());
    ///     }
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Unavailable` if the store cannot be reached.
    pub async fn list(&self, after: Option<&Key>, limit: usize) -> Result<EntityPage<E>, Failure> {
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
