//! Pages of entities.

use std::fmt;
use std::ops::Deref;

use crate::domain::{Entity, Refused, parse_text};
use crate::model::{Failure, FailureKind, Key};
use crate::store::{EntityKey, Store, StoredEntity};

/// A page of the entities of a type, in the order of their ids.
///
/// An entity that cannot be read as `E`, because an older program wrote it or it was edited, is listed apart and hides no
/// other. A page dereferences to the slice of those that can be read.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EntityPage<E> {
    /// The entities that can be read.
    pub entities: Vec<E>,
    /// Those that cannot.
    pub unreadable: Vec<UnreadableEntity>,
    /// The id after which the next page begins; `None` if this is the last page. Pass it on as `after`.
    pub next: Option<Key>,
}

/// A stored entity that does not fit its type.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UnreadableEntity {
    /// Its id.
    pub id: Key,
    /// Why it cannot be read: `Error` with the code `unreadable_entity`.
    pub failure: Failure,
}

impl<E> Deref for EntityPage<E> {
    type Target = [E];

    fn deref(&self) -> &[E] {
        &self.entities
    }
}

impl<E> IntoIterator for EntityPage<E> {
    type Item = E;
    type IntoIter = std::vec::IntoIter<E>;

    fn into_iter(self) -> Self::IntoIter {
        self.entities.into_iter()
    }
}

impl<'a, E> IntoIterator for &'a EntityPage<E> {
    type Item = &'a E;
    type IntoIter = std::slice::Iter<'a, E>;

    fn into_iter(self) -> Self::IntoIter {
        self.entities.iter()
    }
}

impl fmt::Display for UnreadableEntity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.failure.fmt(f)
    }
}

/// Reads at most `limit` entities with ids after `after`.
pub(crate) async fn entities<E: Entity>(
    store: &dyn Store,
    after: Option<&Key>,
    limit: usize,
) -> Result<EntityPage<E>, Failure> {
    let stored = store.entities(E::NAME, after, limit).await?;
    let next = stored.last().filter(|_| stored.len() == limit).map(|(id, _)| id.clone());
    let mut page = EntityPage { entities: Vec::with_capacity(stored.len()), unreadable: Vec::new(), next };
    for (id, stored) in stored {
        let key = EntityKey { entity: E::NAME, id };
        match parse_entity(&key, &stored) {
            Ok(entity) => page.entities.push(entity),
            Err(failure) => page.unreadable.push(UnreadableEntity { id: key.id, failure }),
        }
    }
    Ok(page)
}

/// Reads a stored entity as its type.
pub(crate) fn parse_entity<E: Entity>(key: &EntityKey, stored: &StoredEntity) -> Result<E, Failure> {
    parse_text(stored.body.as_str()).map_err(|refused| unreadable(key, refused))
}

/// The failure of reading a stored entity that does not fit its type.
pub(crate) fn unreadable(key: &EntityKey, refused: Refused) -> Failure {
    let message = format!(
        "{key} cannot be read, since its stored JSON does not fit the type: give new fields `#[serde(default)]`, or repair the \
         entity"
    );
    Failure::new(FailureKind::Error, "unreadable_entity", message).with_violations([refused.into_violation()])
}
