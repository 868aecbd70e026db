//! Entities as a store keeps them.

use std::fmt;

use crate::model::{Json, Key};

/// Names an entity in a store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EntityKey {
    /// The name of its type.
    pub entity: &'static str,
    /// Its id.
    pub id: Key,
}

impl fmt::Display for EntityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.entity, self.id)
    }
}

/// An entity as last committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntity {
    /// Counts its commits, from 1 (r17).
    pub version: u64,
    /// The entity as JSON.
    pub body: Json,
}

/// An entity to be written.
#[derive(Clone, Debug)]
pub struct EntityWrite {
    /// Which one.
    pub key: EntityKey,
    /// The version that it must have on record; 0 if it must not exist. The write's own version is one more.
    pub expected: u64,
    /// The entity as JSON.
    pub body: Json,
}
