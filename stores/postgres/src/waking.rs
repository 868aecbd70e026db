//! Wakes other processes when there is something to claim, and is woken by them: by notifications, after the commit, and never in its
//! transaction, where they would make all commits wait for each other.

use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::task::spawn_local;
use tokio::time::{sleep, timeout};
use tokio_postgres::{AsyncMessage, Config};
use uuid::Uuid;

use crate::call::Call;
use crate::connection::{Connection, Target, Tls};
use crate::error::Error;
use crate::value::Text;

/// How long notifications are gathered, and how long there is none after one.
const GATHERED: Duration = Duration::from_millis(10);
const PAUSE: Duration = Duration::from_millis(40);
/// How long to wait before the listener connects again.
const RECONNECT: Duration = Duration::from_secs(1);
/// How long the listener's own first notification may take.
const TEST_LIMIT: Duration = Duration::from_secs(5);

/// A name has at most 63 bytes.
const NOTIFY: &str = "SELECT pg_notify('enact_' || md5('{schema}'), $1)";

/// Notifies other processes.
pub(crate) async fn notify(connection: Rc<Connection>, work: Arc<Notify>, process: Uuid) {
    let process = process.to_string();
    loop {
        work.notified().await;
        sleep(GATHERED).await;
        let notified = connection
            .call(async |session| Ok(session.run(Call::new(NOTIFY).with(Text::of(&process))).await?))
            .await;
        if let Err(error) = notified {
            // They look once a second anyway.
            let error = error.to_store_error(&connection.target.label);
            tracing::debug!(%error, "other processes are not notified");
        }
        sleep(PAUSE).await;
    }
}

/// How a listener is connected.
pub(crate) struct Listener {
    pub(crate) config: Config,
    pub(crate) tls: Tls,
    /// What this process notifies others of.
    pub(crate) process: Uuid,
    pub(crate) woken: Arc<Notify>,
}

impl Listener {
    /// Listens as long as the store lives. Notifications of this process do not wake it.
    pub(crate) async fn listen(self, target: Arc<Target>) {
        loop {
            match self.listen_once(&target).await {
                Ok(true) => {}
                Ok(false) => {
                    tracing::warn!(
                        database = target.label,
                        "notifications do not arrive, as through a pooler in transaction mode: set `listen_url` to a direct connection. \
                         Work of other processes is found once a second"
                    );
                    return;
                }
                Err(error) => {
                    let error = error.to_store_error(&target.label);
                    tracing::debug!(%error, "the listener connects again");
                }
            }
            sleep(RECONNECT).await;
        }
    }

    /// Listens until the connection is lost. Returns whether notifications arrive.
    async fn listen_once(&self, target: &Target) -> Result<bool, Error> {
        let (client, mut connection) = self.config.connect(Tls::clone(&self.tls)).await?;
        let (own, own_arrived) = oneshot::channel();
        let arrived = Arc::new(Notify::new());
        let waking = spawn_local(wake(arrived.clone(), self.woken.clone()));
        let (mut own, process) = (Some(own), self.process.to_string());
        let driver = spawn_local(async move {
            while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
                match message {
                    AsyncMessage::Notification(notification) if notification.payload() == process => {
                        // Nobody waits for a later one.
                        let _ = own.take().map(|own| own.send(()));
                    }
                    AsyncMessage::Notification(_) => arrived.notify_one(),
                    _ => {}
                }
            }
        });
        // Within quotes for a name or a text, there is no quote: the schema has none.
        let channel = format!("'enact_' || md5('{}')", target.schema);
        let row = client.query_typed_one(&format!("SELECT {channel}"), &[]).await?;
        let name: &str = row.try_get(0)?;
        client.batch_execute(&format!("LISTEN \"{name}\"")).await?;
        // A listener that is not refused need not be one: it proves itself.
        client.batch_execute(&format!("SELECT pg_notify({channel}, '{}')", self.process)).await?;
        let is_proven = timeout(TEST_LIMIT, own_arrived).await.is_ok();
        if is_proven {
            // What came before it listened.
            self.woken.notify_one();
            // Fails if it has panicked, and then connects again.
            let _ = driver.await;
        }
        waking.abort();
        Ok(is_proven)
    }
}

/// Wakes the dispatcher, with pauses in between, however many other processes notify.
async fn wake(arrived: Arc<Notify>, woken: Arc<Notify>) {
    loop {
        arrived.notified().await;
        woken.notify_one();
        sleep(PAUSE).await;
    }
}
