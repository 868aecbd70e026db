use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::entity_page::{EntityPage, entities, parse_entity};
use super::execution_context::ExecutionContext;
use super::from_context::{FromContext, Requirements};
use super::host::Host;
use super::stage::StagedWrite;
use crate::domain::{Entity, EntityPart};
use crate::model::{AnyValue, Failure, FailureKind, Key};
use crate::store::EntityKey;

/// Reads the entities of a type from a handler, and saves one if the handler binds none ([r14](crate::rules#r14)).
///
/// It reads committed state without waiting for other executions on the entity. If one of them changes the entity in between,
/// saving it fails the execution with `Conflict` ([r17](crate::rules#r17)).
pub struct Repository<E> {
    context: ExecutionContext,
    host: Arc<dyn Host>,
    entity: PhantomData<fn() -> E>,
}

impl<E: Entity> Repository<E> {
    pub(super) fn new(context: ExecutionContext, host: Arc<dyn Host>) -> Self {
        Self { context, host, entity: PhantomData }
    }

    /// Returns the entity with this id, if it exists.
    ///
    /// # Errors
    /// If the store cannot be reached, or the stored entity cannot be read as `E`.
    pub async fn get(&self, id: &E::Id) -> Result<Option<E>, Failure> {
        let key = entity_key::<E>(id)?;
        let stored = self.host.store().entity(&key).await?;
        let version = stored.as_ref().map_or(0, |stored| stored.version);
        self.context.observe(|staging| {
            // The save is checked against the version that was read first.
            staging.versions.entry(key.clone()).or_insert(version);
        });
        stored.map(|stored| parse_entity(&key, &stored)).transpose()
    }

    /// Returns a page of at most `limit` entities in the order of their ids, starting after [`EntityPage::next`] of the page
    /// before. Those that cannot be read as `E` are listed [apart](EntityPage::unreadable). To save one of the entities,
    /// [get](Self::get) it first.
    ///
    /// # Errors
    /// If the store cannot be reached.
    pub async fn list(&self, after: Option<&Key>, limit: usize) -> Result<EntityPage<E>, Failure> {
        entities(self.host.store(), after, limit).await
    }

    /// Stages the entity as the execution's only write. An entity that this execution has read is updated, and must not have
    /// changed since; any other is created. Its invariants are checked before the commit.
    ///
    /// # Errors
    /// `Refused` if the handler binds an entity, or has saved another one ([r14](crate::rules#r14)).
    ///
    /// # Panics
    /// Outside an execution, and after the attempt has ended.
    #[track_caller]
    pub fn save(&self, entity: E) -> Result<(), Failure> {
        let key = entity_key::<E>(entity.id())?;
        self.context.stage("save", |staging| {
            let saved = staging.write.as_ref().map(|write| &write.key).filter(|saved| **saved != key);
            if let Some(other) = staging.bound.as_ref().or(saved) {
                let message = format!(
                    "{key} cannot be saved: the execution already writes {other}, and one execution writes one \
                     entity; publish a command that writes {key}"
                );
                return Err(Failure::new(FailureKind::Refused, "second_write", message));
            }
            let expected = staging.versions.get(&key).copied().unwrap_or(0);
            let write = StagedWrite { part: EntityPart::of::<E>(), key, expected, value: AnyValue::new(entity) };
            staging.write = Some(write);
            Ok(())
        })
    }
}

pub(crate) fn entity_key<E: Entity>(id: &E::Id) -> Result<EntityKey, Failure> {
    let id = Key::of(id).ok_or_else(|| {
        let message = format!("the id of `{}` is null: an entity needs an id", E::NAME);
        Failure::new(FailureKind::Invalid, "null_id", message)
    })?;
    Ok(EntityKey { entity: E::NAME, id })
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
            let message =
                "a repository needs a runtime, and this context has none: open it by `runtime.scope(…)`";
            Failure::new(FailureKind::Refused, "no_runtime", message)
        })?;
        Ok(Self::new(context.clone(), host.clone()))
    }

    fn requires(requirements: &mut Requirements) {
        requirements.entity::<E>();
    }
}
