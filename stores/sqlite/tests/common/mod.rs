//! Records as a runtime makes them.
#![allow(dead_code, reason = "no test file uses all of it")]

pub(crate) mod database;
pub(crate) mod process;

use std::error::Error;
use std::sync::Arc;

use enact::store::{
    Claim, Claimable, Claimed, Commit, EntityKey, EntityWrite, NewEvent, NewJob, Next, Start, Store,
};
use enact::{
    Attempt, CorrelationId, EventId, Identity, JobContext, JobId, JobKind, Json, Key, Step, WorkerId,
};
use enact_sqlite::SqliteStore;
use jiff::Timestamp;
use uuid::Uuid;

pub(crate) type Outcome = Result<(), Box<dyn Error>>;

pub(crate) fn job_id() -> JobId {
    Uuid::now_v7().to_string().parse().expect("a UUID is an id")
}

pub(crate) fn event_id() -> EventId {
    Uuid::now_v7().to_string().parse().expect("a UUID is an id")
}

pub(crate) fn second(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).expect("a time")
}

pub(crate) fn worker(name: &str) -> WorkerId {
    WorkerId::from_text(name)
}

pub(crate) fn new_job(name: &str) -> NewJob {
    let payload = Json::from_text(r#"{"account":"a-1","cents":500}"#);
    let mut job = NewJob::new(job_id(), JobKind::Command, name, payload, second(0));
    job.target = Some(Key::from_text("a-1"));
    job.correlation = CorrelationId::new("correlation-7");
    job.context = Arc::new(JobContext::new().with_identity(Identity::user("ada")));
    job
}

pub(crate) fn in_lane(lane: &str) -> NewJob {
    let mut job = new_job("withdraw");
    job.order_key = Some(Key::from_text(lane));
    job
}

pub(crate) fn after(predecessor: JobId, mut job: NewJob) -> NewJob {
    job.after = vec![predecessor];
    job
}

pub(crate) fn started(name: &str, worker: &WorkerId) -> NewJob {
    NewJob { start: Some(Start::Running(worker.clone())), ..new_job(name) }
}

/// A successful first attempt that creates an entity and emits an event.
pub(crate) fn success(job: &NewJob, worker: &WorkerId, entity: &str) -> Commit {
    let event = NewEvent {
        id: event_id(),
        name: "money_withdrawn".into(),
        payload: Json::from_text(r#"{"cents":500}"#),
        correlation: job.correlation.clone(),
        cause: Some(job.id),
        emitted_at: second(1),
    };
    let mut attempt = Attempt::begun(1, worker.clone(), second(0));
    attempt.ended_at = Some(second(1));
    attempt.reached = Some(Step::Commit);
    attempt.version_written = Some(1);
    attempt.events = vec![event.id];
    Commit {
        write: Some(EntityWrite {
            key: account(entity),
            expected: 0,
            body: Json::from_text(format!(r#"{{"id":"{entity}","balance_cents":500}}"#)),
        }),
        events: vec![event],
        ..Commit::ending(job.id, attempt, Next::Succeeded(Json::from_text("null")))
    }
}

pub(crate) fn account(id: &str) -> EntityKey {
    EntityKey { entity: "account", id: Key::from_text(id) }
}

/// A claim of one queue, which holds the jobs named `withdraw`.
pub(crate) fn claim_of(worker: &WorkerId, room: usize, now: Timestamp) -> Claim {
    let names = Arc::new([("withdraw".into(), Claimable { queue: 0, entity: None })].into());
    Claim { worker: worker.clone(), names, room: vec![room], batch: 0, now }
}

pub(crate) async fn claim(store: &SqliteStore, worker: &WorkerId, room: usize) -> Claimed {
    store.claim(claim_of(worker, room, second(0))).await.expect("jobs are claimed")
}
