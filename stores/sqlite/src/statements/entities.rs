use enact::store::{EntityKey, EntityWrite};
use rusqlite::{OptionalExtension, params};

use super::prepare::statements;
use crate::encode::integer;
use crate::error::Error;

statements! { Entities {
    insert_entity: "
        INSERT INTO entities (entity, id, version, body) VALUES (?1, ?2, 1, ?3) ON CONFLICT DO NOTHING",
    update_entity: "
        UPDATE entities SET version = version + 1, body = ?3 WHERE entity = ?1 AND id = ?2 AND version = ?4",
    select_version: "SELECT version FROM entities WHERE entity = ?1 AND id = ?2",
} }

impl Entities<'_> {
    /// Writes an entity. Returns `false`, and changes nothing, if its version is not the expected one.
    pub(crate) fn write(&mut self, write: &EntityWrite) -> Result<bool, Error> {
        let EntityWrite { key, expected, body } = write;
        let changed = if *expected == 0 {
            self.insert_entity.execute(params![key.entity, key.id.as_str(), body.as_str()])?
        } else {
            let expected = integer(*expected);
            self.update_entity.execute(params![key.entity, key.id.as_str(), body.as_str(), expected])?
        };
        Ok(changed == 1)
    }

    /// The stored version; 0 if the entity does not exist.
    pub(crate) fn version(&mut self, key: &EntityKey) -> Result<u64, Error> {
        let version: Option<i64> = self
            .select_version
            .query_row(params![key.entity, key.id.as_str()], |row| row.get(0))
            .optional()?;
        Ok(version.and_then(|version| version.try_into().ok()).unwrap_or(0))
    }
}
