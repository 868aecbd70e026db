//! Jobs that this program cannot run ([r07](crate::rules#r07)).

use std::sync::Arc;

use super::engine::Engine;
use crate::store::{LiveCount, StoreError};

/// The jobs that have not ended and whose names this program does not declare.
pub(crate) async fn find(engine: &Engine) -> Result<Vec<LiveCount>, StoreError> {
    let mut live = engine.store.count_live().await?;
    live.retain(|live| engine.plans.job(&live.name).is_none() && engine.plans.command(&live.name).is_err());
    Ok(live)
}

/// Logs them, once.
pub(crate) async fn warn(engine: Arc<Engine>) {
    let found = tokio::select! {
        () = engine.stop.cancelled() => return,
        found = find(&engine) => found,
    };
    // A store that fails is noted by the dispatcher.
    for LiveCount { name, count } in found.unwrap_or_default() {
        tracing::warn!(
            command = &*name,
            jobs = count,
            "jobs wait that this program cannot run; start a program that handles them, declare the name as an alias, or cancel them"
        );
    }
}
