//! A database for tests: a schema of its own for each, which is dropped at its end.
#![allow(dead_code, reason = "not every test uses all of it")]

pub(crate) mod proxy;

use std::env;
use std::sync::Arc;
use std::thread;

use enact::store::StoreError;
use enact_postgres::{PostgresStore, PostgresStoreBuilder};
use tokio::runtime::Builder;
use tokio_postgres::NoTls;
use uuid::Uuid;

/// The URL of a server for tests.
///
/// # Panics
/// If the environment does not name one.
pub(crate) fn url() -> String {
    env::var("ENACT_POSTGRES_URL").expect("ENACT_POSTGRES_URL is the URL of a PostgreSQL database for tests")
}

/// A schema that does not exist, and is dropped when this is.
pub(crate) struct TestSchema {
    pub(crate) name: String,
}

impl TestSchema {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { name: format!("t_{}", Uuid::now_v7().simple()) })
    }

    pub(crate) fn builder(&self) -> PostgresStoreBuilder {
        PostgresStore::builder(url()).schema(&self.name)
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
    let (client, connection) = tokio_postgres::connect(&url(), NoTls).await.expect("a connection");
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
