//! A thread with a queue: how asynchronous callers reach a connection, which is synchronous and belongs to one thread.

use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};

use enact::store::StoreError;
use tokio::sync::oneshot;

/// A thread that serves a queue. Dropping it waits until all that was queued has been served.
pub(crate) struct WorkerThread<R> {
    name: &'static str,
    queue: Option<Sender<R>>,
    thread: Option<JoinHandle<()>>,
}

impl<R: Send + 'static> WorkerThread<R> {
    pub(crate) fn spawn(
        name: &'static str,
        serve: impl FnOnce(&Receiver<R>) + Send + 'static,
    ) -> Result<Self, StoreError> {
        let (queue, requests) = mpsc::channel();
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || serve(&requests)).map_err(
            |error| StoreError::new(format!("the thread `{name}` cannot be started")).caused_by(error),
        )?;
        Ok(Self { name, queue: Some(queue), thread: Some(thread) })
    }

    /// Queues the request that `make` puts the sender of its answer into, and waits for the answer.
    pub(crate) async fn ask<T>(
        &self,
        make: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> R,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        // When the thread is gone, the request is dropped with its `reply`, and `answer` says so.
        if let Some(queue) = &self.queue {
            let _ = queue.send(make(reply));
        }
        answer.await.unwrap_or_else(|_| Err(self.gone()))
    }

    fn gone(&self) -> StoreError {
        StoreError::new(format!(
            "the thread `{}` has died of a panic, see its message; open the store anew",
            self.name
        ))
    }
}

impl<R> Drop for WorkerThread<R> {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A panic has been reported where it happened.
            let _ = thread.join();
        }
    }
}
