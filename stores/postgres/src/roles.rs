//! The thread of a store, and its connections by role. It has a tokio runtime of its own, so that no handler can block it.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use enact::store::{Claim, Claimed, EntityKey, StoreError, StoredEntity};
use tokio::runtime::Builder;
use tokio::sync::{Notify, mpsc as queue, oneshot, watch};
use tokio::task::{LocalSet, spawn_local};
use tokio_postgres::Config;
use uuid::Uuid;

use crate::call::Session;
use crate::claims;
use crate::connection::{Connection, Target, Tls};
use crate::error::Error;
use crate::loader::{self, QueuedLoad};
use crate::operation::{Operation, Queued, QueuedWrite};
use crate::waking::{self, Listener};
use crate::writer;

/// How long the server may take to answer. It waits for locks meanwhile, for a part of this time.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// A call that was queued for a connection.
trait QueuedCall: Send {
    fn run(self: Box<Self>, connection: Rc<Connection>) -> Pin<Box<dyn Future<Output = ()>>>;
}

struct QueuedOn<F, T> {
    call: F,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<F, T> QueuedCall for QueuedOn<F, T>
where
    F: AsyncFn(&Connection) -> Result<T, Error> + Send + 'static,
    T: Send + 'static,
{
    fn run(self: Box<Self>, connection: Rc<Connection>) -> Pin<Box<dyn Future<Output = ()>>> {
        Box::pin(async move {
            let result = (self.call)(&connection).await;
            // The caller may have dropped its future.
            let _ = self.reply.send(result.map_err(|error| error.to_store_error(&connection.target.label)));
        })
    }
}

/// A connection that calls are queued for.
pub(crate) struct Role {
    queue: queue::UnboundedSender<Box<dyn QueuedCall>>,
    target: Arc<Target>,
}

impl Role {
    /// Makes a call on the connection.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        call: impl AsyncFn(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, replied) = oneshot::channel();
        // If the thread has ended, `replied` says so.
        let _ = self.queue.send(Box::new(QueuedOn { call, reply }));
        replied_by(replied, self.target.clone()).await
    }

    /// Makes a call that can be repeated, on a session.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        call: impl AsyncFn(&Session) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.call(async move |connection: &Connection| connection.call(&call).await).await
    }
}

async fn replied_by<T>(
    replied: oneshot::Receiver<Result<T, StoreError>>,
    target: Arc<Target>,
) -> Result<T, StoreError> {
    match replied.await {
        Ok(result) => result,
        Err(_) => Err(Error::Unusable("the thread of the store has ended; open the store again".to_owned())
            .to_store_error(&target.label)),
    }
}

/// The connections of a store, by what they are for.
pub(crate) struct Roles {
    writer: Mutex<WriteQueue>,
    decided: watch::Receiver<u64>,
    loader: queue::UnboundedSender<QueuedLoad>,
    claims: Role,
    /// Short reads.
    pub(crate) reads: Role,
    /// Reads that may be long.
    pub(crate) lists: Role,
    pub(crate) leases: Role,
    pub(crate) target: Arc<Target>,
    /// Another process has stored work.
    pub(crate) woken: Arc<Notify>,
    _thread: JoinOnDrop,
}

impl Roles {
    /// Starts the thread.
    pub(crate) fn start(target: Target, listen: Config) -> Result<Self, StoreError> {
        let target = Arc::new(target);
        let woken = Arc::new(Notify::new());
        let listener = Listener {
            config: listen,
            tls: Tls::clone(&target.tls),
            process: Uuid::now_v7(),
            woken: woken.clone(),
        };
        let (writer, queued_writes) = queue::unbounded_channel();
        let (deciding, decided) = watch::channel(0);
        let (loader, queued_loads) = queue::unbounded_channel();
        let role = || {
            let (sender, receiver) = queue::unbounded_channel();
            (Role { queue: sender, target: target.clone() }, receiver)
        };
        let (claims, reads, lists, leases) = (role(), role(), role(), role());
        let queues = Queues {
            writes: queued_writes,
            decided: deciding,
            loads: queued_loads,
            serial: vec![claims.1, leases.1],
            reads: reads.1,
            lists: lists.1,
            listener,
            target: target.clone(),
        };
        let (ended, has_ended) = mpsc::channel();
        let spawned = thread::Builder::new().name("enact-postgres".to_owned()).spawn(move || {
            let result = Builder::new_current_thread().enable_all().build();
            match result {
                Ok(runtime) => LocalSet::new().block_on(&runtime, queues.run()),
                // The callers see that their queues are closed.
                Err(error) => tracing::error!(%error, "the runtime of a store cannot be made"),
            }
            let _ = ended.send(());
        });
        match spawned {
            Ok(_) => Ok(Self {
                writer: Mutex::new(WriteQueue { queue: writer, sent: 0 }),
                decided,
                loader,
                claims: claims.0,
                reads: reads.0,
                lists: lists.0,
                leases: leases.0,
                target,
                woken,
                _thread: JoinOnDrop(Mutex::new(has_ended)),
            }),
            Err(error) => Err(StoreError::new("the thread of the store cannot be started").caused_by(error)),
        }
    }

    /// Loads an entity.
    pub(crate) async fn load(&self, key: EntityKey) -> Result<Option<StoredEntity>, StoreError> {
        let (reply, replied) = oneshot::channel();
        // If the thread has ended, `replied` says so.
        let _ = self.loader.send(QueuedLoad { key, reply });
        replied_by(replied, self.target.clone()).await
    }

    /// Queues a write. It takes its place now, and effect even if the future is dropped.
    pub(crate) fn write<O: Operation>(
        &self,
        operation: O,
    ) -> impl Future<Output = Result<O::Output, StoreError>> + Send + use<O> {
        let (reply, replied) = oneshot::channel();
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.sent += 1;
        // If the thread has ended, `replied` says so.
        let _ = writer.queue.send(Box::new(Queued::new(operation, reply)));
        drop(writer);
        replied_by(replied, self.target.clone())
    }

    /// Claims jobs, once the writes that were queued before are decided: they may free permits, turns and lanes.
    pub(crate) async fn claim(&self, claim: Claim) -> Result<Claimed, StoreError> {
        let sent = self.writer.lock().unwrap_or_else(PoisonError::into_inner).sent;
        let mut decided = self.decided.clone();
        // If the thread has ended, the call says so.
        let _ = decided.wait_for(|decided| *decided >= sent).await;
        self.claims.call(async move |connection: &Connection| claims::claim(connection, &claim).await).await
    }
}

/// The queue of writes, and how many were ever queued.
struct WriteQueue {
    queue: queue::UnboundedSender<Box<dyn QueuedWrite>>,
    sent: u64,
}

/// The other ends of the queues.
struct Queues {
    writes: queue::UnboundedReceiver<Box<dyn QueuedWrite>>,
    decided: watch::Sender<u64>,
    loads: queue::UnboundedReceiver<QueuedLoad>,
    /// Calls that are made one after the other, since each is a transaction.
    serial: Vec<queue::UnboundedReceiver<Box<dyn QueuedCall>>>,
    /// Calls that are sent at once.
    reads: queue::UnboundedReceiver<Box<dyn QueuedCall>>,
    /// Calls that are sent at once, and may take long.
    lists: queue::UnboundedReceiver<Box<dyn QueuedCall>>,
    listener: Listener,
    target: Arc<Target>,
}

impl Queues {
    /// Runs until all queues are closed and empty.
    async fn run(self) {
        let mut connections = Vec::new();
        let mut connection = |limit| {
            let connection = open_early(Connection::new(self.target.clone(), limit));
            connections.push(connection.clone());
            connection
        };
        let limit = Some(ANSWER_LIMIT);
        let (work, reads) = (Arc::new(Notify::new()), connection(limit));
        let waking = [
            spawn_local(waking::notify(reads.clone(), work.clone(), self.listener.process)),
            spawn_local(self.listener.listen(self.target.clone())),
        ];
        let mut roles = vec![
            spawn_local(writer::write(connection(limit), self.writes, self.decided, work.clone())),
            spawn_local(loader::load(connection(limit), self.loads)),
            spawn_local(make_at_once(reads.clone(), self.reads)),
            spawn_local(make_at_once(connection(None), self.lists)),
        ];
        for queue in self.serial {
            roles.push(spawn_local(make_in_turn(connection(limit), queue)));
        }
        for role in roles {
            // A role that panics has closed its queue.
            let _ = role.await;
        }
        for task in waking {
            task.abort();
        }
        for connection in connections {
            connection.close().await;
        }
    }
}

/// Makes calls one after the other.
async fn make_in_turn(connection: Rc<Connection>, mut queue: queue::UnboundedReceiver<Box<dyn QueuedCall>>) {
    while let Some(call) = queue.recv().await {
        call.run(connection.clone()).await;
    }
}

/// Connects before the first call. If that fails, the call tries again.
fn open_early(connection: Connection) -> Rc<Connection> {
    let connection = Rc::new(connection);
    let opened = connection.clone();
    spawn_local(async move {
        if let Err(error) = opened.session().await {
            tracing::debug!(error = %error.to_store_error(&opened.target.label), "a connection is not open yet");
        }
    });
    connection
}

/// Sends calls as they come. The server answers them one after the other.
async fn make_at_once(connection: Rc<Connection>, mut queue: queue::UnboundedReceiver<Box<dyn QueuedCall>>) {
    while let Some(call) = queue.recv().await {
        spawn_local(call.run(connection.clone()));
    }
}

/// Waits until the thread has finished queued writes, unless that takes long: the server may be out of reach.
struct JoinOnDrop(Mutex<mpsc::Receiver<()>>);

impl Drop for JoinOnDrop {
    fn drop(&mut self) {
        const LIMIT: Duration = Duration::from_secs(5);
        if let Ok(has_ended) = self.0.get_mut() {
            let _ = has_ended.recv_timeout(LIMIT);
        }
    }
}
