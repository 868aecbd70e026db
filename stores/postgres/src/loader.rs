//! Loads entities, as many at once as are waited for.

use std::rc::Rc;

use enact::store::{EntityKey, StoreError, StoredEntity};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;

use crate::connection::Connection;
use crate::queries;

/// The largest number of entities that one statement loads.
const MAX_LOADED: usize = 500;

/// An entity that a caller waits for.
pub(crate) struct QueuedLoad {
    pub(crate) key: EntityKey,
    pub(crate) reply: oneshot::Sender<Result<Option<StoredEntity>, StoreError>>,
}

/// Runs until the queue is closed.
pub(crate) async fn load(connection: Rc<Connection>, mut queue: UnboundedReceiver<QueuedLoad>) {
    let mut loads = Vec::new();
    while queue.recv_many(&mut loads, MAX_LOADED).await > 0 {
        let (keys, replies): (Vec<_>, Vec<_>) = loads.drain(..).map(|load| (load.key, load.reply)).unzip();
        let found = connection.call(async |session| queries::load(session, &keys).await).await;
        // Callers may have dropped their futures.
        match found {
            Ok(found) => {
                for (reply, entity) in replies.into_iter().zip(found) {
                    let _ = reply.send(Ok(entity));
                }
            }
            Err(error) => {
                let error = error.to_store_error(&connection.target.label);
                for reply in replies {
                    let _ = reply.send(Err(error.clone()));
                }
            }
        }
    }
}
