//! A connection that is made again when it is lost.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::spawn_local;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_postgres::Config;
use uuid::Uuid;

use crate::call::{Call, Session};
use crate::error::Error;
use crate::options::Durability;

/// How long a connection may take to be made.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How long to wait after a failure to connect, doubled with each.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A database and how to use it.
pub(crate) struct Target {
    pub(crate) config: Config,
    /// The quoted name of the schema.
    pub(crate) schema: String,
    pub(crate) durability: Durability,
    pub(crate) prepares: bool,
    /// What errors call it.
    pub(crate) label: String,
    pub(crate) tls: Tls,
}

/// How connections are encrypted.
#[cfg(feature = "tls")]
pub(crate) type Tls = tokio_postgres_rustls::MakeRustlsConnect;
/// Connections are not encrypted.
#[cfg(not(feature = "tls"))]
pub(crate) type Tls = tokio_postgres::NoTls;

impl Target {
    /// Makes a connection.
    pub(crate) async fn connect(&self) -> Result<Session, Error> {
        let connecting = self.config.connect(Tls::clone(&self.tls));
        let (client, connection) = match timeout(CONNECT_LIMIT, connecting).await {
            Ok(connected) => connected?,
            Err(_) => return Err(Error::Silent),
        };
        let driver = spawn_local(async move {
            // A lost connection is noticed by the calls that use it.
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to PostgreSQL ended");
            }
        });
        Ok(Session::new(client, driver, self.schema.as_str().into(), self.prepares))
    }
}

/// A connection for one role.
pub(crate) struct Connection {
    pub(crate) target: Arc<Target>,
    /// How long the server may take to answer. Then the connection counts as lost.
    limit: Option<Duration>,
    session: RefCell<Option<Rc<Session>>>,
    /// Under which the number of its last transaction is stored.
    id: Uuid,
    transactions: Cell<i64>,
    /// One call connects at a time.
    failures: Mutex<Failures>,
}

#[derive(Default)]
struct Failures {
    count: u32,
    retry_at: Option<Instant>,
}

impl Connection {
    pub(crate) fn new(target: Arc<Target>, limit: Option<Duration>) -> Self {
        let (session, failures) = (RefCell::default(), Mutex::default());
        Self { target, limit, session, id: Uuid::now_v7(), transactions: Cell::new(0), failures }
    }

    /// The open session, or a new one. After a failure, the next attempt to connect waits.
    pub(crate) async fn session(&self) -> Result<Rc<Session>, Error> {
        if let Some(session) = self.open_session() {
            return Ok(session);
        }
        let mut failures = self.failures.lock().await;
        if let Some(session) = self.open_session() {
            return Ok(session);
        }
        if let Some(retry_at) = failures.retry_at {
            sleep_until(retry_at).await;
        }
        match self.target.connect().await {
            Ok(session) => {
                *failures = Failures::default();
                let session = Rc::new(session);
                self.session.replace(Some(session.clone()));
                Ok(session)
            }
            Err(error) => {
                failures.count = failures.count.saturating_add(1);
                let pause = SHORTEST_PAUSE.saturating_mul(1 << failures.count.min(10)).min(LONGEST_PAUSE);
                failures.retry_at = Some(Instant::now() + pause);
                Err(error)
            }
        }
    }

    /// The statement with which each transaction begins that may be in doubt.
    pub(crate) fn mark(&self) -> (Call<'static>, Doubt) {
        let number = self.transactions.get() + 1;
        self.transactions.set(number);
        (Call::new(MARK).with(self.id).with(number), Doubt { number })
    }

    /// Ends the session, if no call uses it any more.
    pub(crate) async fn close(&self) {
        const LIMIT: Duration = Duration::from_secs(1);
        let session = self.session.take().map(Rc::try_unwrap);
        if let Some(Ok(session)) = session {
            // A server that does not answer sees the end later.
            let _ = timeout(LIMIT, session.close()).await;
        }
    }

    /// Fails if the server does not answer in time.
    pub(crate) async fn within_limit<T>(
        &self,
        answer: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        match self.limit {
            None => answer.await,
            Some(limit) => timeout(limit, answer).await.unwrap_or(Err(Error::Silent)),
        }
    }

    fn open_session(&self) -> Option<Rc<Session>> {
        self.session.borrow().as_ref().filter(|session| !session.is_closed()).cloned()
    }

    /// The session cannot be used any more.
    pub(crate) fn drop_session(&self) {
        self.session.replace(None);
    }

    /// Makes a call that can be repeated. It is, on a new connection, if the connection is lost meanwhile.
    pub(crate) async fn call<T>(&self, call: impl AsyncFn(&Session) -> Result<T, Error>) -> Result<T, Error> {
        let mut again = true;
        loop {
            let session = self.session().await?;
            match self.within_limit(async { call(&session).await }).await {
                Err(error) if error.is_connection_lost() || session.is_closed() => {
                    self.drop_session();
                    if !again {
                        return Err(error);
                    }
                    again = false;
                }
                result => return result,
            }
        }
    }
}

/// Whether a transaction was committed whose connection was lost after COMMIT had been sent. Each transaction locks and sets the number of the
/// last one in its first round trip; what is stored there afterwards tells, also after a crash of the server and on a
/// promoted standby. (The server's own number of a transaction does not: after a crash it may be given to another one.)
pub(crate) struct Doubt {
    number: i64,
}

impl Doubt {
    /// Looks, on a new connection. Waits until the transaction has ended.
    ///
    /// # Errors
    /// If it cannot be found out, because no server answers.
    pub(crate) async fn was_committed(&self, connection: &Connection) -> Result<bool, Error> {
        const LIMIT: Duration = Duration::from_secs(60);
        let deadline = Instant::now() + LIMIT;
        let mut reason = String::new();
        while Instant::now() < deadline {
            let found = async {
                let session = connection.session().await?;
                let call = Call::new(LAST).with(connection.id);
                let rows = connection.within_limit(async { Ok(session.run(call).await?) }).await?;
                Ok::<i64, Error>(rows.first().map_or(Ok(0), |row| row.try_get(0))?)
            };
            match found.await {
                Ok(last) => return Ok(last == self.number),
                Err(error) => {
                    if error.is_connection_lost() {
                        connection.drop_session();
                    }
                    reason = Error::to_store_error(&error, &connection.target.label).to_string();
                    sleep_until(Instant::now() + SHORTEST_PAUSE).await;
                }
            }
        }
        Err(Error::InDoubt(reason))
    }
}

/// Locks the number of the last transaction, and sets it.
const MARK: &str = "
    INSERT INTO {schema}.last_transactions (connection, number, used_at) VALUES ($1, $2, now())
    ON CONFLICT (connection) DO UPDATE SET number = excluded.number, used_at = excluded.used_at";

/// As [`MARK`], without a change, so that it waits for a transaction that has not ended.
const LAST: &str = "
    INSERT INTO {schema}.last_transactions AS l (connection, number, used_at) VALUES ($1, 0, now())
    ON CONFLICT (connection) DO UPDATE SET used_at = excluded.used_at RETURNING number";
