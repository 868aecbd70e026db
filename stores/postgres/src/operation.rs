//! A write as one part of a transaction, and its place between its caller and the writer.

use enact::store::StoreError;
use tokio::sync::oneshot;

use crate::error::Error;
use crate::world::{Needs, Settled, World};

/// Whether an operation is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Done,
    /// It goes on once what it has changed is written and settled, in the same transaction.
    Again,
}

/// A write. It decides everything on what was loaded inside the transaction, so that it is correct whatever other processes do.
///
/// It may run several times, if the transaction is rolled back. An error is returned before anything is changed.
pub(crate) trait Operation: Send + 'static {
    type Output: Send + 'static;

    /// What it needs to be loaded.
    fn needs(&self, needs: &mut Needs);

    /// Whether it runs in a transaction of its own, because it changes jobs that it does not name.
    fn is_alone(&self) -> bool {
        false
    }

    /// About the number of bytes that it writes.
    fn bytes(&self) -> usize {
        0
    }

    fn run(&mut self, world: &mut World) -> Result<Progress, Error>;

    /// After it has run: whether what it did may become durable later than the caller is answered.
    fn may_be_durable_later(&self) -> bool {
        false
    }

    /// What has followed from its changes, just before the commit. `None`: this is not known, and the transaction is committed.
    fn settle(&mut self, _settled: Option<&Settled>) {}

    /// The transaction was not committed. It may run again.
    fn refused(&mut self) {}

    /// What the caller gets once the transaction is committed.
    fn output(self) -> Self::Output;
}

/// An operation whose output has any type.
pub(crate) trait QueuedWrite: Send {
    fn needs(&self, needs: &mut Needs);
    fn is_alone(&self) -> bool;
    fn bytes(&self) -> usize;
    fn run(&mut self, world: &mut World) -> Result<Progress, Error>;
    fn may_be_durable_later(&self) -> bool;
    fn settle(&mut self, settled: Option<&Settled>);
    fn refused(&mut self);
    /// Sends the operation's output, or the error.
    fn reply(self: Box<Self>, outcome: Result<(), StoreError>);
}

pub(crate) struct Queued<O: Operation> {
    operation: O,
    reply: oneshot::Sender<Result<O::Output, StoreError>>,
}

impl<O: Operation> Queued<O> {
    pub(crate) fn new(operation: O, reply: oneshot::Sender<Result<O::Output, StoreError>>) -> Self {
        Self { operation, reply }
    }
}

impl<O: Operation> QueuedWrite for Queued<O> {
    fn needs(&self, needs: &mut Needs) {
        self.operation.needs(needs);
    }

    fn is_alone(&self) -> bool {
        self.operation.is_alone()
    }

    fn bytes(&self) -> usize {
        self.operation.bytes()
    }

    fn run(&mut self, world: &mut World) -> Result<Progress, Error> {
        self.operation.run(world)
    }

    fn may_be_durable_later(&self) -> bool {
        self.operation.may_be_durable_later()
    }

    fn settle(&mut self, settled: Option<&Settled>) {
        self.operation.settle(settled);
    }

    fn refused(&mut self) {
        self.operation.refused();
    }

    fn reply(self: Box<Self>, outcome: Result<(), StoreError>) {
        let Self { mut operation, reply } = *self;
        let result = match outcome {
            Ok(()) => Ok(operation.output()),
            Err(error) => {
                operation.refused();
                Err(error)
            }
        };
        // The caller may have dropped its future.
        let _ = reply.send(result);
    }
}
