//! Reading and saving entities below a handler.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::execution_context::ExecutionContext;
use super::from_context::{FromContext, Requirements};
use super::host::Host;
use super::stage::StagedWrite;
use crate::domain::{Entity, EntityPart};
use crate::model::{Failure, FailureKind, Key};
use crate::store::{EntityKey, Store, StoredEntity};

/// Reads any entity of a type from below a handler, and saves one where the command binds none (r14).
///
/// It reads committed state. Reading does not queue up behind other executions as binding does: when the entity was
/// changed by another one in between, the save is a `Conflict` (r17).
pub struct Repository<E> {
    context: ExecutionContext,
    host: Arc<dyn Host>,
    entity: PhantomData<fn() -> E>,
}

impl<E: Entity> Repository<E> {
    pub(super) fn new(context: ExecutionContext, host: Arc<dyn Host>) -> Self {
        Self { context, host, entity: PhantomData }
    }

    /// The entity with this id, if there is one.
    ///
    /// # Errors
    /// If the store cannot be reached, or what it has is no `E`.
    pub async fn get(&self, id: &E::Id) -> Result<Option<E>, Failure> {
        let key = entity_key::<E>(id)?;
        let stored = self.host.store().entity(&key).await?;
        let version = stored.as_ref().map_or(0, |stored| stored.version);
        self.context.observe(|staging| {
            // What was read first may be what is saved.
            staging.versions.entry(key.clone()).or_insert(version);
        });
        stored.map(|stored| stored.body.parse::<E>().map_err(|error| unreadable(&key, &error))).transpose()
    }

    /// At most `limit` entities, in the order of their ids' text, behind the one with the id `after`. Only one that was
    /// [found by its id](Self::get) can be saved.
    ///
    /// # Errors
    /// If the store cannot be reached, or one of them is no `E`.
    pub async fn list(&self, after: Option<&E::Id>, limit: usize) -> Result<Vec<E>, Failure> {
        entities(self.host.store(), after, limit).await
    }

    /// Stages an entity as the execution's one write. It is created if this execution has not found it before; an
    /// entity that was found must not have changed since. The invariants of its type are checked at the end.
    ///
    /// # Errors
    /// `Refused` if the handler binds an entity, or has saved another one: one execution writes one entity (r14).
    ///
    /// # Panics
    /// Outside an execution, and when the attempt has ended.
    #[track_caller]
    pub fn save(&self, entity: E) -> Result<(), Failure> {
        let key = entity_key::<E>(entity.id())?;
        self.context.stage("save", |staging| {
            let saved = staging.write.as_ref().map(|write| &write.key).filter(|saved| **saved != key);
            if let Some(other) = staging.bound.as_ref().or(saved) {
                let message = format!(
                    "{key} cannot be saved: the execution writes {other} already, and one execution writes one \
                     entity; publish a command for the other one"
                );
                return Err(Failure::new(FailureKind::Refused, "second_write", message));
            }
            let expected = staging.versions.get(&key).copied().unwrap_or(0);
            let write = StagedWrite { part: EntityPart::of::<E>(), key, expected, value: Box::new(entity) };
            staging.write = Some(write);
            Ok(())
        })
    }
}

/// A page of the entities of a type.
pub(crate) async fn entities<E: Entity>(
    store: &dyn Store,
    after: Option<&E::Id>,
    limit: usize,
) -> Result<Vec<E>, Failure> {
    let after = after.map(entity_key::<E>).transpose()?.map(|key| key.id);
    let stored = store.entities(E::NAME, after.as_ref(), limit).await?;
    let parse = |(id, stored): (_, StoredEntity)| {
        stored.body.parse().map_err(|error| unreadable(&EntityKey { entity: E::NAME, id }, &error))
    };
    stored.into_iter().map(parse).collect()
}

pub(crate) fn entity_key<E: Entity>(id: &E::Id) -> Result<EntityKey, Failure> {
    let id = Key::of(id).ok_or_else(|| {
        let message = format!("the id of a `{}` must not be null", E::NAME);
        Failure::new(FailureKind::Invalid, "null_id", message)
    })?;
    Ok(EntityKey { entity: E::NAME, id })
}

/// What is stored under a key is not what the program takes it for.
pub(crate) fn unreadable(key: &EntityKey, error: &serde_json::Error) -> Failure {
    let message = format!(
        "{key} cannot be read: what is stored does not fit the type as it is now ({error}); give new fields a \
         `#[serde(default)]`, or mend the entity"
    );
    Failure::new(FailureKind::Error, "unreadable_entity", message)
}

impl<E: Entity> Clone for Repository<E> {
    fn clone(&self) -> Self {
        Self::new(self.context.clone(), self.host.clone())
    }
}

impl<E: Entity> fmt::Debug for Repository<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Repository<{}>", E::NAME)
    }
}

impl<E: Entity> FromContext for Repository<E> {
    fn from_context(context: &ExecutionContext) -> Result<Self, Failure> {
        let host = context.host().ok_or_else(|| {
            let message = "a repository reads what a runtime has committed, and this context was opened without one: \
                           open it by `runtime.scope(…)`";
            Failure::new(FailureKind::Refused, "no_runtime", message)
        })?;
        Ok(Self::new(context.clone(), host.clone()))
    }

    fn requires(needs: &mut Requirements) {
        needs.entity::<E>();
    }
}
