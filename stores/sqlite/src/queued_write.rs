//! A write between its caller and the writer thread.

use enact::store::StoreError;
use tokio::sync::oneshot;

use crate::error::Error;
use crate::operation::Operation;
use crate::statements::Statements;
use crate::write_cache::WriteCache;

pub(crate) trait QueuedWrite: Send {
    /// Runs the operation and keeps its result, which holds once the transaction is committed.
    fn run(&mut self, statements: &mut Statements<'_>) -> Result<(), Error>;

    /// After the commit: caches the entity that was written.
    fn update_cache(&self, cache: &WriteCache);

    /// The transaction that must be durable before the caller gets its reply.
    fn depends_on(&self) -> u64;

    /// Sends the operation's result, or the error.
    fn reply(self: Box<Self>, outcome: Result<(), StoreError>);
}

pub(crate) struct Queued<O: Operation> {
    operation: O,
    output: Option<O::Output>,
    depends_on: u64,
    reply: oneshot::Sender<Result<O::Output, StoreError>>,
}

impl<O: Operation> Queued<O> {
    pub(crate) fn new(operation: O, reply: oneshot::Sender<Result<O::Output, StoreError>>) -> Self {
        Self { operation, output: None, depends_on: 0, reply }
    }
}

impl<O: Operation> QueuedWrite for Queued<O> {
    fn run(&mut self, statements: &mut Statements<'_>) -> Result<(), Error> {
        let output = self.operation.run(statements)?;
        self.depends_on = self.operation.depends_on(&output, statements.cache);
        self.output = Some(output);
        Ok(())
    }

    fn update_cache(&self, cache: &WriteCache) {
        let written = self.output.as_ref().and_then(|output| self.operation.written_entity(output));
        if let Some((key, entity)) = written {
            cache.insert_entity(key.clone(), entity);
        }
    }

    fn depends_on(&self) -> u64 {
        self.depends_on
    }

    fn reply(self: Box<Self>, outcome: Result<(), StoreError>) {
        let Self { operation, output, reply, .. } = *self;
        if outcome.is_err() {
            operation.refused();
        }
        let result = match (outcome, output) {
            (Ok(()), Some(output)) => Ok(output),
            (Err(error), _) => Err(error),
            // Dropping `reply` tells the caller that the writer has failed.
            (Ok(()), None) => return,
        };
        // The caller may have dropped its future.
        let _ = reply.send(result);
    }
}
