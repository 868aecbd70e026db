//! A server that is restarted, or replaced by its standby, loses nothing that was confirmed, and nothing takes effect twice.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use enact::prelude::*;
use enact::store::{EntityKey, Store};
use enact::{Cursor, JobId, Key};
use enact_postgres::{Durability, PostgresStore, PostgresStoreBuilder};
use postgres_cluster::{Cluster, Error, Replication, Stop, or_left_out};
use tokio::task::{JoinSet, spawn_blocking};

const ACCOUNTS: u32 = 5;
const DEPOSITS: u32 = 1500;
const PUBLISHERS: u32 = 8;

/// An account.
#[entity(id = name)]
struct Account {
    name: String,
    cents: u32,
}

/// Put a cent into an account.
#[command(target = account)]
struct Deposit {
    account: String,
}

impl From<&Deposit> for Account {
    fn from(deposit: &Deposit) -> Self {
        Self { name: deposit.account.clone(), cents: 0 }
    }
}

/// A cent was put into an account.
#[event]
struct Deposited {
    account: String,
}

#[command(create = if_missing, retry = Retry::fixed(1000, Duration::from_millis(5)))]
async fn deposit(_deposit: Deposit, account: &mut Account) {
    account.cents += 1;
    emit(Deposited { account: account.name.clone() });
}

/// What publishers were told.
struct Load {
    publishing: JoinSet<Vec<JobId>>,
    confirmed: Arc<AtomicU32>,
}

impl Load {
    /// Publishes all deposits, each until it is confirmed, and runs them.
    fn start(runtime: &Runtime) -> Self {
        let (mut publishing, confirmed) = (JoinSet::new(), Arc::<AtomicU32>::default());
        for publisher in 0..PUBLISHERS {
            let (runtime, confirmed) = (runtime.clone(), confirmed.clone());
            publishing.spawn(async move {
                let mut jobs = Vec::new();
                for number in (publisher..DEPOSITS).step_by(PUBLISHERS as usize) {
                    let deposit = || Deposit { account: format!("a-{}", number % ACCOUNTS) };
                    let job = loop {
                        let request = runtime.publish(deposit()).idempotency_key(&number);
                        match request.await {
                            Ok(job) => break job,
                            // The key makes it safe to ask again, whether or not it was stored.
                            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                        }
                    };
                    confirmed.fetch_add(1, Ordering::Relaxed);
                    jobs.push(job.id());
                }
                jobs
            });
        }
        Self { publishing, confirmed }
    }

    async fn until_confirmed(&self, share: u32) {
        while self.confirmed.load(Ordering::Relaxed) < DEPOSITS * share / 100 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Waits until all is done, and asserts that each deposit has taken effect once.
    async fn check(self, runtime: &Runtime, store: &PostgresStore) {
        let jobs = self.publishing.join_all().await.concat();
        assert_eq!(jobs.len(), DEPOSITS as usize);
        for job in jobs {
            while !runtime.jobs().get(job).await.is_ok_and(|job| job.unwrap().state == JobState::Succeeded) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        let mut cents = 0;
        for account in 0..ACCOUNTS {
            let key = EntityKey { entity: "Account", id: Key::from_text(format!("a-{account}")) };
            let account: serde_json::Value = store.entity(&key).await.unwrap().unwrap().body.value().unwrap();
            cents += account["cents"].as_u64().unwrap();
        }
        assert_eq!(cents, u64::from(DEPOSITS));
        let (mut events, mut cursor) = (0, Cursor::START);
        while let Some(last) = {
            let page = store.events(&cursor, 500).await.unwrap();
            events += page.len();
            page.last().map(|event| event.cursor.clone())
        } {
            cursor = last;
        }
        assert_eq!(events, DEPOSITS as usize);
    }
}

/// Runs what waits for a server on a thread of its own.
async fn blocking<T: Send + 'static>(call: impl FnOnce() -> Result<T, Error> + Send + 'static) -> T {
    spawn_blocking(call).await.unwrap().unwrap()
}

async fn start(builder: PostgresStoreBuilder) -> (Runtime, PostgresStore) {
    let runtime = Runtime::builder(builder.clone().connect().await.unwrap()).start().await.unwrap();
    (runtime, builder.connect().await.unwrap())
}

/// A server whose writes survive its death.
fn durable_server(test: &str) -> Option<Arc<Cluster>> {
    or_left_out(test, Cluster::builder().setting("fsync", "on").start()).map(Arc::new)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r91_a_server_that_crashes_and_restarts_loses_nothing() {
    let Some(server) = durable_server("r91_a_server_that_crashes_and_restarts_loses_nothing") else { return };
    let (runtime, store) = start(PostgresStore::builder(server.url())).await;
    let load = Load::start(&runtime);
    for share in [20, 45, 70] {
        load.until_confirmed(share).await;
        let server = server.clone();
        blocking(move || {
            server.stop(Stop::Immediate)?;
            server.restart()
        })
        .await;
    }
    load.check(&runtime, &store).await;
    runtime.shutdown(Duration::from_secs(10)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r91_a_promoted_synchronous_standby_has_all_that_was_confirmed() {
    let test = "r91_a_promoted_synchronous_standby_has_all_that_was_confirmed";
    let Some(primary) = durable_server(test) else { return };
    let standby = {
        let primary = primary.clone();
        Arc::new(blocking(move || primary.standby(Replication::Synchronous)).await)
    };
    let primary_address = format!("127.0.0.1:{}", primary.port());
    let both = format!("{primary_address},127.0.0.1:{}", standby.port());
    let url = primary.url().replace(&primary_address, &both);
    let (runtime, store) = start(PostgresStore::builder(url).durability(Durability::Remote)).await;
    let load = Load::start(&runtime);
    load.until_confirmed(40).await;
    let promoted = standby.clone();
    blocking(move || {
        primary.kill()?;
        promoted.promote()
    })
    .await;
    load.check(&runtime, &store).await;
    runtime.shutdown(Duration::from_secs(10)).await.unwrap();
}
