//! A database for tests: a schema of its own for each, which is dropped at its end.
#![allow(dead_code, reason = "not every test uses all of it")]

pub(crate) mod proxy;

use std::env;
use std::sync::{Arc, LazyLock};
use std::thread;

use enact::store::StoreError;
use enact_postgres::{PostgresStore, PostgresStoreBuilder};
use postgres_cluster::Cluster;
use tokio::runtime::Builder;
use tokio_postgres::NoTls;
use uuid::Uuid;

/// Names a database for tests. Otherwise they start a server.
pub(crate) const URL: &str = "ENACT_POSTGRES_URL";

/// The URL of a database; `None` if the machine has no `PostgreSQL`, which is reported once.
pub(crate) fn url() -> Option<&'static str> {
    static FOUND: LazyLock<Option<String>> = LazyLock::new(|| {
        let started = || postgres_cluster::shared_or_left_out(env!("CARGO_CRATE_NAME")).map(Cluster::url);
        env::var(URL).ok().or_else(started)
    });
    FOUND.as_deref()
}

/// A schema that does not exist, and is dropped when this is.
pub(crate) struct TestSchema {
    pub(crate) name: String,
    pub(crate) url: &'static str,
}

impl TestSchema {
    /// `None` if there is no database, and the test is left out.
    pub(crate) fn new() -> Option<Arc<Self>> {
        Some(Arc::new(Self { name: format!("t_{}", Uuid::now_v7().simple()), url: url()? }))
    }

    /// Without prepared statements if `ENACT_POSTGRES_UNPREPARED` is set, for a pooler that does not support them.
    pub(crate) fn builder(&self) -> PostgresStoreBuilder {
        let prepares = env::var("ENACT_POSTGRES_UNPREPARED").is_err();
        PostgresStore::builder(self.url).schema(&self.name).prepared_statements(prepares)
    }

    /// Opens a store from any thread.
    pub(crate) fn open(&self) -> PostgresStore {
        connect(self.builder()).expect("the database opens")
    }
}

impl Drop for TestSchema {
    fn drop(&mut self) {
        let sql = format!("DROP SCHEMA IF EXISTS \"{}\" CASCADE", self.name);
        block_on(async move { execute(&sql).await });
    }
}

/// Connects from any thread, also within a runtime.
pub(crate) fn connect(builder: PostgresStoreBuilder) -> Result<PostgresStore, StoreError> {
    block_on(async move { builder.connect().await })
}

/// Runs statements of a test.
pub(crate) async fn execute(sql: &str) {
    let Some(url) = url() else { return };
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a connection");
    let connection = tokio::spawn(connection);
    client.batch_execute(sql).await.expect("the statements run");
    drop(client);
    let _ = connection.await;
}

/// Runs a future on a thread of its own, so that it works within a runtime.
pub(crate) fn block_on<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
    let run = move || {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(future)
    };
    thread::spawn(run).join().expect("the thread ends")
}
