//! Storing entities that a test is given.

use serde_json::json;

use crate::context::entity_key;
use crate::domain::{Entity, readable_json};
use crate::engine::{Engine, check_always};
use crate::model::{Attempt, Failure, JobKind, Json, Step};
use crate::store::{Commit, CommitError, EntityWrite, NewJob, Next, Start};

/// Stores an entity through a job of its own, as an execution does.
pub(super) async fn store_entity<E: Entity>(engine: &Engine, entity: &E) -> Result<(), Failure> {
    let key = entity_key::<E>(entity.id())?;
    let body = readable_json(entity).map_err(|error| error.into_failure(&key, "entity_not_json"))?;
    engine.size_limits.check_entity(&key, &body)?;
    check_always(engine, &key, entity)?;
    let now = engine.clock.now();
    let version = engine.store.load(&key).await?.map_or(0, |stored| stored.version);
    let payload = Json::of(&json!({ "entity": E::NAME, "id": key.id.as_str() }))
        .map_err(|error| Failure::from_error(Box::new(error)))?;
    let mut job = NewJob::new(engine.ids.job(), JobKind::Command, "given", payload, now);
    job.start = Some(Start::Running(engine.worker.clone()));
    let attempt = Attempt {
        ended_at: Some(now),
        reached: Some(Step::Commit),
        version_read: (version > 0).then_some(version),
        version_written: Some(version + 1),
        ..Attempt::begun(1, engine.worker.clone(), now)
    };
    let write = Some(EntityWrite { key, expected: version, body });
    let commit = Commit { write, ..Commit::ending(job.id, attempt, Next::Succeeded(Json::null())) };
    engine.ensure_lease().await?;
    engine.store.submit(Vec::new(), vec![job]).await?;
    match engine.store.commit(commit).await {
        Ok(_) => Ok(()),
        Err(CommitError::Store(error)) => Err(error.into()),
        Err(refused) => Err(Failure::from_error(Box::new(refused))),
    }
}
