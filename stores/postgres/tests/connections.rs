//! What happens when connections are lost (r91).
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::proxy::{Cut, Proxy};
use common::{TestSchema, execute};
use enact::store::{
    Claim, Claimable, Commit, EntityKey, EntityWrite, NewEvent, NewJob, Next, Store, Submitted,
};
use enact::{Attempt, CorrelationId, Job, JobKind, JobQuery, JobState, Json, Key, WorkerId};
use enact_postgres::PostgresStore;
use jiff::Timestamp;
use tokio::task::JoinSet;
use uuid::Uuid;

fn job(name: &str) -> NewJob {
    NewJob::new(Uuid::now_v7().into(), JobKind::Command, name, Json::from_text("1"), Timestamp::now())
}

fn claim(worker: &str) -> Claim {
    let names = HashMap::from([("ship".into(), Claimable { queue: 0, entity: None })]);
    Claim {
        worker: WorkerId::from_text(worker),
        names: Arc::new(names),
        room: vec![10],
        batch: 0,
        now: Timestamp::now(),
    }
}

/// The end of an attempt that writes an entity, emits an event and publishes a job.
fn commit(job: &Job, worker: &str) -> Commit {
    let mut attempt = Attempt::begun(job.attempts, WorkerId::from_text(worker), Timestamp::now());
    attempt.ended_at = Some(Timestamp::now());
    let key = EntityKey { entity: "account", id: Key::from_text("a") };
    let event = NewEvent {
        id: Uuid::now_v7().into(),
        name: "shipped".into(),
        payload: Json::from_text("1"),
        correlation: CorrelationId::new("c"),
        cause: Some(job.id),
        emitted_at: Timestamp::now(),
    };
    Commit {
        write: Some(EntityWrite { key, expected: 0, body: Json::from_text("1") }),
        events: vec![event],
        jobs: vec![self::job("bill")],
        ..Commit::ending(job.id, attempt, Next::Succeeded(Json::from_text("null")))
    }
}

/// A store behind a proxy.
async fn behind_proxy(schema: &TestSchema) -> (Proxy, PostgresStore) {
    let config: tokio_postgres::Config = schema.url.parse().unwrap();
    let host = match &config.get_hosts()[0] {
        tokio_postgres::config::Host::Tcp(host) => host.clone(),
        other @ tokio_postgres::config::Host::Unix(_) => panic!("a host of TCP, not {other:?}"),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let proxy = Proxy::start(format!("{host}:{port}")).await;
    let behind = schema.url.replace(&format!("{host}:{port}"), &proxy.address.to_string());
    let store = PostgresStore::builder(behind).schema(&schema.name).connect().await.unwrap();
    (proxy, store)
}

#[tokio::test(flavor = "multi_thread")]
async fn r91_a_commit_in_doubt_is_resolved_before_anyone_is_answered() {
    for cut in [Cut::Before, Cut::After] {
        let Some(schema) = TestSchema::new() else { return };
        let (proxy, store) = behind_proxy(&schema).await;

        proxy.cut(cut);
        let new = job("ship");
        let id = new.id;
        assert_eq!(store.submit(Vec::new(), vec![new]).await.unwrap(), [Submitted::New], "{cut:?}");

        proxy.cut(cut);
        let claimed = store.claim(claim("w")).await.unwrap().jobs;
        assert_eq!(claimed.iter().map(|job| job.id).collect::<Vec<_>>(), [id], "{cut:?}");
        assert_eq!(store.attempts(id).await.unwrap().len(), 1, "{cut:?}");

        proxy.cut(cut);
        assert!(store.commit(commit(&claimed[0], "w")).await.unwrap().has_work, "{cut:?}");
        assert_eq!(proxy.cuts(), 3, "{cut:?}");
        proxy.cut(Cut::Nowhere);

        assert_eq!(store.job(id).await.unwrap().unwrap().state, JobState::Succeeded);
        let key = EntityKey { entity: "account", id: Key::from_text("a") };
        assert_eq!(store.entity(&key).await.unwrap().unwrap().version, 1);
        assert_eq!(store.events(&enact::store::Cursor::START, 9).await.unwrap().len(), 1);
        assert_eq!(store.jobs(&JobQuery::new()).await.unwrap().jobs.len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r91_lost_connections_lose_and_repeat_nothing() {
    const CALLS: usize = 300;
    let Some(schema) = TestSchema::new() else { return };
    let separator = if schema.url.contains('?') { '&' } else { '?' };
    let named = format!("{}{separator}application_name={}", schema.url, schema.name);
    let store = Arc::new(PostgresStore::builder(named).schema(&schema.name).connect().await.unwrap());
    let is_over = Arc::new(AtomicBool::new(false));
    let (name, stop) = (schema.name.clone(), is_over.clone());
    let killer = tokio::spawn(async move {
        while !stop.load(Ordering::SeqCst) {
            let kill = format!(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{name}'"
            );
            execute(&kill).await;
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    });

    let mut tasks = JoinSet::new();
    for number in 0..CALLS {
        let store = store.clone();
        tasks.spawn(async move {
            tokio::time::sleep(Duration::from_millis(number as u64 * 3)).await;
            let new = job("ship");
            let id = new.id;
            loop {
                match store.submit(Vec::new(), vec![new.clone()]).await {
                    Ok(submitted) => {
                        assert_eq!(submitted, [Submitted::New]);
                        return id;
                    }
                    // The server was out of reach for long. Nothing is stored, so the id is free.
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        });
    }
    let mut published = tasks.join_all().await;
    is_over.store(true, Ordering::SeqCst);
    killer.await.unwrap();

    let mut stored: Vec<_> =
        store.jobs(&JobQuery::new().limit(2 * CALLS)).await.unwrap().jobs.iter().map(|job| job.id).collect();
    stored.sort_unstable();
    published.sort_unstable();
    assert_eq!(stored, published);
}

#[tokio::test]
async fn an_unreachable_server_is_named_without_the_password() {
    let builder = PostgresStore::builder("postgres://ada:s3cret@127.0.0.1:1/bank").schema("s");
    assert!(!format!("{builder:?}").contains("s3cret"));
    let error = builder.connect().await.unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(text.contains("127.0.0.1:1/bank") && !text.contains("s3cret"), "{text}");

    let error = PostgresStore::connect("postgres://ada:s3cret@host:port/bank").await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_can_be_made_by_hand() {
    let Some(schema) = TestSchema::new() else { return };
    let error = schema.builder().migrate(false).connect().await.unwrap_err();
    assert!(error.to_string().contains("schema_sql"), "{error}");

    execute(&enact_postgres::schema_sql(&schema.name).unwrap()).await;
    let store = schema.builder().migrate(false).connect().await.unwrap();
    assert_eq!(store.submit(Vec::new(), vec![job("ship")]).await.unwrap(), [Submitted::New]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_schema_is_refused() {
    let Some(schema) = TestSchema::new() else { return };
    drop(schema.builder().connect().await.unwrap());
    execute(&format!("UPDATE \"{}\".meta SET version = 9, min_reader = 1", schema.name)).await;
    drop(schema.builder().connect().await.unwrap());

    execute(&format!("UPDATE \"{}\".meta SET version = 9, min_reader = 9", schema.name)).await;
    let error = schema.builder().connect().await.unwrap_err();
    assert!(error.to_string().contains("newer version"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_processes_make_the_schema_at_once() {
    let Some(schema) = TestSchema::new() else { return };
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let builder = schema.builder();
        tasks.spawn(async move { builder.connect().await.map(drop) });
    }
    for opened in tasks.join_all().await {
        opened.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_need_not_be_prepared() {
    let Some(schema) = TestSchema::new() else { return };
    let store = schema.builder().prepared_statements(false).connect().await.unwrap();
    let new = job("ship");
    let id = new.id;
    store.submit(Vec::new(), vec![new]).await.unwrap();
    let claimed = store.claim(claim("w")).await.unwrap().jobs;
    store.commit(commit(&claimed[0], "w")).await.unwrap();
    assert_eq!(store.job(id).await.unwrap().unwrap().state, JobState::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_is_woken_by_what_another_one_stores() {
    const LIMIT: Duration = Duration::from_secs(20);
    let Some(schema) = TestSchema::new() else { return };
    let (here, there) =
        (schema.builder().connect().await.unwrap(), schema.builder().connect().await.unwrap());
    // The listener wakes once when it begins to listen.
    tokio::time::timeout(LIMIT, here.wait_for_work()).await.unwrap();

    there.submit(Vec::new(), vec![job("ship")]).await.unwrap();
    tokio::time::timeout(LIMIT, here.wait_for_work()).await.unwrap();

    // The next job of a lane becomes ready.
    let laned = || {
        let mut job = job("ship");
        job.order_key = Some(Key::from_text("lane"));
        job
    };
    there.claim(claim("w")).await.unwrap();
    there.submit(Vec::new(), vec![laned(), laned()]).await.unwrap();
    tokio::time::timeout(LIMIT, here.wait_for_work()).await.unwrap();
    let claimed = there.claim(claim("w")).await.unwrap().jobs;
    let unblocking = Commit { jobs: Vec::new(), ..commit(&claimed[0], "w") };
    assert!(there.commit(unblocking).await.unwrap().has_work);
    tokio::time::timeout(LIMIT, here.wait_for_work()).await.unwrap();
}
