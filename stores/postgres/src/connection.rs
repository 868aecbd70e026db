//! A connection that is made again when it is lost.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::spawn_local;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_postgres::Config;

use crate::call::{Call, Session};
use crate::error::{Error, is_connection_lost};
use crate::options::Durability;
use crate::value::Text;

/// Which server this is: its timeline changes when a standby is promoted, which may know another transaction under the same number.
macro_rules! server_id {
    () => {
        "left(pg_walfile_name(pg_current_wal_lsn()), 8) || (SELECT system_identifier FROM pg_control_system())::text"
    };
}
pub(crate) use server_id;

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
        Self { target, limit, session: RefCell::default(), failures: Mutex::default() }
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

/// Whether a transaction was committed whose connection was lost after COMMIT had been sent.
pub(crate) struct Doubt {
    pub(crate) transaction: String,
    pub(crate) server: String,
}

impl Doubt {
    /// Looks, on a new connection.
    ///
    /// # Errors
    /// If it cannot be found out: no server answers, or it is another one.
    pub(crate) async fn was_committed(&self, connection: &Connection) -> Result<bool, Error> {
        const LIMIT: Duration = Duration::from_secs(60);
        const PAUSE: Duration = Duration::from_millis(20);
        let deadline = Instant::now() + LIMIT;
        let mut reason = String::new();
        while Instant::now() < deadline {
            let session = match connection.session().await {
                Ok(session) => session,
                Err(error) => {
                    reason = error.to_store_error(&connection.target.label).to_string();
                    continue;
                }
            };
            match self.status(&session).await {
                Ok(Status::Committed) => return Ok(true),
                Ok(Status::Aborted) => return Ok(false),
                Ok(Status::InProgress) => sleep_until(Instant::now() + PAUSE).await,
                Ok(Status::Unknown) => {
                    let reason = "the server is another one than before, or has forgotten the transaction";
                    return Err(Error::InDoubt(reason.to_owned()));
                }
                Err(error) if is_connection_lost(&error) => connection.drop_session(),
                Err(error) => {
                    let error = Error::Postgres(error).to_store_error(&connection.target.label);
                    return Err(Error::InDoubt(error.to_string()));
                }
            }
        }
        Err(Error::InDoubt(reason))
    }

    async fn status(&self, session: &Session) -> Result<Status, tokio_postgres::Error> {
        let call = Call::new(STATUS).with(Text::of(&self.transaction));
        let rows = session.run(call).await?;
        let Some(row) = rows.first() else { return Ok(Status::Unknown) };
        let (status, server): (Option<&str>, &str) = (row.try_get(0)?, row.try_get(1)?);
        Ok(match status {
            _ if server != self.server => Status::Unknown,
            Some("committed") => Status::Committed,
            Some("aborted") => Status::Aborted,
            Some("in progress") => Status::InProgress,
            _ => Status::Unknown,
        })
    }
}

enum Status {
    Committed,
    Aborted,
    InProgress,
    Unknown,
}

const STATUS: &str = concat!("SELECT pg_xact_status($1::text::xid8), ", server_id!());
