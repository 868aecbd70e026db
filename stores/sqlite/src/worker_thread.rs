//! A thread with a queue: how async callers reach a connection, which is blocking and belongs to one thread.

use std::mem;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};

use enact::store::StoreError;
use tokio::sync::oneshot;

use crate::open_file::OpenFile;

/// Dropping it waits until all queued calls have been served.
pub(crate) struct WorkerThread<C> {
    name: &'static str,
    queue: Option<Sender<C>>,
    thread: Option<JoinHandle<()>>,
    /// The thread's connection is to this file.
    file: Arc<OpenFile>,
}

impl<C: Send + 'static> WorkerThread<C> {
    pub(crate) fn spawn(
        name: &'static str,
        file: Arc<OpenFile>,
        serve: impl FnOnce(&Receiver<C>) + Send + 'static,
    ) -> Result<Self, StoreError> {
        let (queue, calls) = mpsc::channel();
        let thread =
            thread::Builder::new().name(name.to_owned()).spawn(move || serve(&calls)).map_err(|error| {
                StoreError::new(format!("the thread `{name}` cannot be started")).caused_by(error)
            })?;
        Ok(Self { name, queue: Some(queue), thread: Some(thread), file })
    }

    /// Queues the call that `make` builds around a reply channel. The future waits for the reply.
    pub(crate) fn call<T: Send>(
        &self,
        make: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> C,
    ) -> impl Future<Output = Result<T, StoreError>> + Send {
        let queued = self.check_process().map(|()| {
            let (reply, result) = oneshot::channel();
            // If the thread is gone, the call is dropped with its `reply`, which closes `result`.
            if let Some(queue) = &self.queue {
                let _ = queue.send(make(reply));
            }
            result
        });
        async move { queued?.await.unwrap_or_else(|_| Err(self.panicked())) }
    }

    /// As [`OpenFile::check_process`].
    pub(crate) fn check_process(&self) -> Result<(), StoreError> {
        self.file.check_process()
    }

    pub(crate) fn file(&self) -> &Arc<OpenFile> {
        &self.file
    }

    fn panicked(&self) -> StoreError {
        StoreError::new(format!("the thread `{}` panicked (see the log); reopen the store", self.name))
    }
}

impl<C> Drop for WorkerThread<C> {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            if self.file.is_forked() {
                // There is no such thread to wait for.
                mem::forget(thread);
                return;
            }
            // A panic has already been reported on the thread.
            let _ = thread.join();
        }
    }
}
