//! A row that cannot be read affects its own record only ([r07](enact::rules#r07)).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::collections::HashMap;
use std::sync::Arc;

use common::{TestSchema, execute};
use enact::store::{
    Changed, Claim, Claimable, Claimed, Commit, Cursor, EntityKey, EntityWrite, JobQuery, NewEvent, NewJob,
    NewTick, Next, Store,
};
use enact::{Attempt, CorrelationId, JobId, JobKind, JobState, Json, Key, Unreadable, WorkerId};
use enact_postgres::PostgresStore;
use jiff::Timestamp;
use uuid::Uuid;

fn job() -> NewJob {
    NewJob::new(Uuid::now_v7().into(), JobKind::Command, "ship", Json::from_text("1"), Timestamp::UNIX_EPOCH)
}

fn columns(unreadable: &[Unreadable]) -> Vec<&str> {
    unreadable.iter().map(|part| &*part.column).collect()
}

async fn claim(store: &PostgresStore) -> Claimed {
    let names = HashMap::from([("ship".into(), Claimable { queue: 0, entity: None })]);
    let worker = WorkerId::from_text("w");
    let now = Timestamp::UNIX_EPOCH;
    store.claim(Claim { worker, names: Arc::new(names), room: vec![9], batch: 0, now }).await.unwrap()
}

fn success(job: JobId, number: u32) -> Commit {
    let mut attempt = Attempt::begun(number, WorkerId::from_text("w"), Timestamp::UNIX_EPOCH);
    attempt.ended_at = Some(Timestamp::UNIX_EPOCH);
    Commit::ending(job, attempt, Next::Succeeded(Json::from_text("null")))
}

struct Damaged {
    schema: Arc<TestSchema>,
    store: PostgresStore,
}

impl Damaged {
    async fn new() -> Option<Self> {
        let schema = TestSchema::new()?;
        let store = schema.builder().connect().await.unwrap();
        Some(Self { schema, store })
    }

    async fn set(&self, table: &str, column: &str, value: &str, row: &str) {
        let schema = &self.schema.name;
        execute(&format!("UPDATE \"{schema}\".{table} SET {column} = {value} WHERE {row}")).await;
    }

    async fn publish(&self) -> JobId {
        let job = job();
        let id = job.id;
        self.store.submit(Vec::new(), vec![job]).await.unwrap();
        id
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r07_a_job_that_cannot_be_read_fails_when_it_is_claimed() {
    let Some(damaged) = Damaged::new().await else { return };
    let store = &damaged.store;
    for (column, value, good) in [
        ("kind", "'Two Words'", "'command'"),
        ("context", "'{'", "NULL"),
        ("context", "'\"x\"'", "NULL"),
        ("created_at", "'infinity'", "'2026-11-28'"),
        ("deadline", "'-infinity'", "NULL"),
        ("depth", "-7", "0"),
    ] {
        let [first, second] = [damaged.publish().await, damaged.publish().await];
        let row = format!("id = '{first}'");
        damaged.set("job_specs", column, value, &row).await;

        let listed = store.jobs(&JobQuery::new().state(JobState::Ready)).await.unwrap().jobs;
        let listed: Vec<_> = listed.iter().map(|job| (job.id, columns(&job.unreadable))).collect();
        assert_eq!(listed, [(first, vec![column]), (second, vec![])], "{column}");

        let claimed = claim(store).await;
        assert_eq!(claimed.jobs.iter().map(|job| job.id).collect::<Vec<_>>(), [second], "{column}");
        assert_eq!(claimed.unreadable.iter().map(|job| job.id).collect::<Vec<_>>(), [first], "{column}");
        let failed = store.job(first).await.unwrap().unwrap();
        assert_eq!((failed.state, failed.attempts), (JobState::Failed, 1), "{column}");
        assert_eq!(failed.failure.unwrap().code(), "unreadable_job", "{column}");

        damaged.set("job_specs", column, good, &row).await;
        assert_eq!(store.retry(vec![first]).await.unwrap(), [Changed::Done(vec![first])]);
        let claimed = claim(store).await.jobs;
        assert_eq!(claimed.iter().map(|job| (job.id, job.attempts)).collect::<Vec<_>>(), [(first, 2)]);
        for (id, number) in [(first, 2), (second, 1)] {
            store.commit(success(id, number)).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r07_a_payload_that_cannot_be_read_is_text_that_is_not_json() {
    let Some(damaged) = Damaged::new().await else { return };
    let id = damaged.publish().await;
    damaged.set("job_specs", "payload", "'{'", &format!("id = '{id}'")).await;
    let job = damaged.store.job(id).await.unwrap().unwrap();
    assert_eq!(columns(&job.unreadable), ["payload"]);
    assert!(job.payload.value().is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn r07_an_attempt_that_cannot_be_read_is_listed() {
    let Some(damaged) = Damaged::new().await else { return };
    let store = &damaged.store;
    for (column, value) in [
        ("strategies", "'{'"),
        ("events", "'{'"),
        ("failure", "'{'"),
        ("reached", "'Two Words'"),
        ("version_read", "-7"),
        ("version_written", "-7"),
        ("started_at", "'infinity'"),
        ("ended_at", "'infinity'"),
        ("late_effects", "-7"),
    ] {
        let id = damaged.publish().await;
        claim(store).await;
        store.commit(success(id, 1)).await.unwrap();
        damaged.set("attempts", column, value, &format!("job = '{id}'")).await;
        let attempts = store.attempts(id).await.unwrap();
        assert_eq!(attempts.len(), 1);
        assert_eq!(columns(&attempts[0].unreadable), [column]);
        assert_eq!(store.job(id).await.unwrap().unwrap().state, JobState::Succeeded);
    }
    assert_eq!(store.jobs(&JobQuery::new()).await.unwrap().jobs.len(), 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn r07_events_entities_and_schedules_that_cannot_be_read() {
    let Some(damaged) = Damaged::new().await else { return };
    let store = &damaged.store;
    let event = || NewEvent {
        id: Uuid::now_v7().into(),
        name: "shipped".into(),
        payload: Json::from_text("1"),
        correlation: CorrelationId::new("c"),
        cause: None,
        emitted_at: Timestamp::UNIX_EPOCH,
    };
    store.submit(vec![event(), event(), event()], Vec::new()).await.unwrap();
    damaged.set("events", "payload", "'{'", "position = 1").await;
    damaged.set("events", "emitted_at", "'infinity'", "position = 2").await;
    let events = store.events(&Cursor::START, 9).await.unwrap();
    let unreadable: Vec<_> = events.iter().map(|event| columns(&event.unreadable)).collect();
    assert_eq!(unreadable, [vec!["payload"], vec!["emitted_at"], vec![]]);

    let id = damaged.publish().await;
    claim(store).await;
    let key = EntityKey { entity: "account", id: Key::from_text("a") };
    let write = EntityWrite { key: key.clone(), expected: 0, body: Json::from_text("1") };
    store.commit(Commit { write: Some(write), ..success(id, 1) }).await.unwrap();
    damaged.set("entities", "version", "-7", "true").await;
    assert!(store.entity(&key).await.unwrap().unwrap().body.value().is_err());

    let tick = |schedule: &str| NewTick {
        schedule: schedule.into(),
        aliases: &[],
        last: None,
        at: Timestamp::UNIX_EPOCH,
        unless_running: false,
        jobs: Vec::new(),
    };
    store.tick(tick("nightly")).await.unwrap();
    store.tick(tick("weekly")).await.unwrap();
    damaged.set("schedules", "last_tick", "'infinity'", "name = 'nightly'").await;
    let error = store.last_tick("nightly").await.unwrap_err();
    assert!(error.to_string().contains("nightly"), "{error}");
    assert_eq!(store.last_tick("weekly").await.unwrap(), Some(Timestamp::UNIX_EPOCH));
}
