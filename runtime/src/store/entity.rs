//! Stored entities.

use std::fmt;

use crate::model::{Json, Key};

/// Identifies an entity in a store.
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
    /// The number of its commits, from 1 ([r17](crate::rules#r17)).
    pub version: u64,
    /// The entity as JSON.
    pub body: Json,
}

/// An entity to write.
#[derive(Clone, Debug)]
pub struct EntityWrite {
    /// The entity.
    pub key: EntityKey,
    /// The stored version; 0 if it must not exist. The written version is one more.
    pub expected: u64,
    /// The entity as JSON.
    pub body: Json,
}
