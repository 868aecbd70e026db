//! The entity of an execution: how it is loaded or created, and what is written.

use std::any::Any;

use super::engine::Engine;
use super::entity_locks::EntityLock;
use crate::context::{StagedWrite, unreadable};
use crate::domain::{EntityPart, Refused, parse};
use crate::model::{AnyValue, Failure, FailureKind, Key};
use crate::register::{AnyCreation, BoundBody};
use crate::store::{CommitLink, EntityKey, EntityWrite};

/// The entity that a handler binds, before it is loaded.
pub(super) struct Binding {
    body: BoundBody,
    key: EntityKey,
}

impl Binding {
    pub(super) fn new(body: BoundBody, id: Key) -> Self {
        Self { body, key: EntityKey { entity: body.entity.name, id } }
    }

    /// Loads the entity or creates it from the command, as the creation policy says. An execution that may follow takes it as the previous one has
    /// left it, whether or not that commit is confirmed.
    pub(super) async fn load_or_create(
        self,
        engine: &Engine,
        lock: Option<EntityLock>,
        command: &(dyn Any + Send + Sync),
        may_follow: bool,
    ) -> Result<BoundEntity, Failure> {
        let Self { body, key } = self;
        let mut lock = match lock {
            Some(lock) => lock,
            None => engine.locks.lock(&key).await,
        };
        if !may_follow {
            lock.confirmed().await;
        }
        let (stored, follows) = match lock.unconfirmed() {
            Some((entity, link)) => (Some(entity), Some(link)),
            None => (engine.store.load(&key).await?, None),
        };
        let (entity, version) = match (stored, body.creation) {
            (Some(_), AnyCreation::Always(_)) => return Err(already_exists(&key)),
            (Some(stored), AnyCreation::Never | AnyCreation::IfMissing(_)) => {
                let text = stored.body.as_str();
                let entity = parse(text, body.entity.parse).map_err(|error| {
                    let refuse = |shorter: &str| parse(shorter, body.entity.parse).err();
                    unreadable(&key, Refused::new(text, &error, &refuse))
                })?;
                (entity, stored.version)
            }
            (None, AnyCreation::Never) => return Err(not_found(&key)),
            (None, AnyCreation::Always(create) | AnyCreation::IfMissing(create)) => {
                let entity = create(command);
                check_identity(&body.entity, &*entity, &key, "created with")?;
                (entity, 0)
            }
        };
        Ok(BoundEntity { part: body.entity, key, entity, version, lock, follows })
    }
}

/// The bound entity. No other execution of this process binds it meanwhile.
pub(super) struct BoundEntity {
    part: EntityPart,
    key: EntityKey,
    entity: AnyValue,
    /// 0 if the entity was created.
    version: u64,
    lock: EntityLock,
    /// The commit that has left the entity so, if it is not confirmed.
    follows: Option<CommitLink>,
}

impl BoundEntity {
    pub(super) fn key(&self) -> &EntityKey {
        &self.key
    }

    pub(super) fn entity(&self) -> &dyn Any {
        &*self.entity
    }

    pub(super) fn entity_mut(&mut self) -> &mut dyn Any {
        &mut *self.entity
    }

    /// The stored version; `None` if the entity was created.
    pub(super) fn version_read(&self) -> Option<u64> {
        (self.version > 0).then_some(self.version)
    }

    /// The entity as the handler has left it.
    pub(super) fn into_written(self) -> Result<WrittenEntity, Failure> {
        let Self { part, key, entity, version, lock, follows } = self;
        check_identity(&part, &*entity, &key, "left with")?;
        Ok(WrittenEntity { part, key, entity, expected: version, lock: Some(lock), follows })
    }
}

/// The entity that an execution writes.
pub(super) struct WrittenEntity {
    pub(super) part: EntityPart,
    pub(super) key: EntityKey,
    pub(super) entity: AnyValue,
    expected: u64,
    lock: Option<EntityLock>,
    /// The commit that has left the entity as it was read, if that is not confirmed.
    follows: Option<CommitLink>,
}

impl WrittenEntity {
    /// The entity that a handler has saved in a repository.
    pub(super) fn of_repository(save: StagedWrite) -> Self {
        let StagedWrite { part, key, expected, value } = save;
        Self { part, key, entity: value, expected, lock: None, follows: None }
    }

    /// The write to commit, the lock to hold until then, and the commit to follow.
    pub(super) fn into_write(self) -> Result<(EntityWrite, Option<EntityLock>, Option<CommitLink>), Failure> {
        let Self { part, key, entity, expected, lock, follows } = self;
        let body = (part.to_json)(&*entity).map_err(|error| error.into_failure(&key, "entity_not_json"))?;
        Ok((EntityWrite { key, expected, body }, lock, follows))
    }
}

/// An entity's id is the target of its command, before and after the handler.
fn check_identity(part: &EntityPart, entity: &dyn Any, key: &EntityKey, how: &str) -> Result<(), Failure> {
    let id = (part.key)(entity);
    if id.as_ref() == Some(&key.id) {
        return Ok(());
    }
    let id = id.map_or_else(|| "null".to_owned(), |id| id.to_string());
    let message =
        format!("{key} was {how} the id {id}; an entity's id is its command's target and must not change");
    Err(Failure::new(FailureKind::Error, "wrong_identity", message).permanent())
}

fn not_found(key: &EntityKey) -> Failure {
    Failure::new(FailureKind::NotFound, "not_found", format!("{key} does not exist"))
}

fn already_exists(key: &EntityKey) -> Failure {
    Failure::new(FailureKind::AlreadyExists, "already_exists", format!("{key} already exists"))
}
