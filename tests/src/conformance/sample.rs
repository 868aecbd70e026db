//! What the behaviours are tried on: plain jobs, events and times. Where a test says `..job("ship")`, the rest does not
//! matter to it.

use std::sync::Arc;
use std::time::Duration;

use enact::store::{EntityKey, EntityWrite, Lease, NewEvent, NewJob, StoredEntity};
use enact::{CorrelationId, EventId, Failure, FailureKind, JobContext, JobId, JobKind, Json, Key, WorkerId};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// The types of the entities that are written.
pub(super) const ENTITIES: [&str; 2] = ["account", "order"];

/// A second of the test; 0 is when it begins.
pub(super) fn at(second: i64) -> Timestamp {
    const START: i64 = 1_790_000_000;
    Timestamp::from_second(START + second).expect("a time in this century")
}

pub(super) const MICROSECOND: SignedDuration = SignedDuration::from_micros(1);

pub(super) fn job_id() -> JobId {
    uuid::Uuid::now_v7().to_string().parse().expect("a UUID")
}

pub(super) fn event_id() -> EventId {
    uuid::Uuid::now_v7().to_string().parse().expect("a UUID")
}

pub(super) fn worker(name: &str) -> WorkerId {
    WorkerId::from_text(name)
}

/// The lease of a worker that has renewed it so often, for ten seconds.
pub(super) fn lease(by: &str, renewals: u64) -> Lease {
    Lease { worker: worker(by), renewals, length: Duration::from_secs(10) }
}

pub(super) fn key(text: &str) -> Key {
    Key::from_text(text)
}

pub(super) fn json(value: impl Into<Value>) -> Json {
    Json::of(&value.into()).expect("JSON")
}

/// A command's job.
pub(super) fn job(name: &str) -> NewJob {
    NewJob {
        id: job_id(),
        name: name.into(),
        aliases: &[],
        kind: JobKind::Command,
        payload: json(name),
        target: None,
        order_key: None,
        idempotency_key: None,
        correlation: CorrelationId::new("matter"),
        cause: None,
        context: Arc::new(JobContext::new()),
        priority: 0,
        after: Vec::new(),
        due_at: None,
        deadline: None,
        max_queued: None,
        created_at: at(0),
        repeatable: true,
        start: None,
    }
}

pub(super) fn jobs<const N: usize>(name: &str) -> [NewJob; N] {
    std::array::from_fn(|_| job(name))
}

/// A job in a lane.
pub(super) fn in_lane(lane: &str, name: &str) -> NewJob {
    NewJob { order_key: Some(key(lane)), ..job(name) }
}

/// A job that comes after others.
pub(super) fn after<const N: usize>(predecessors: [JobId; N], name: &str) -> NewJob {
    NewJob { after: predecessors.into(), ..job(name) }
}

/// A job that waits for a time.
pub(super) fn due(due_at: Timestamp, name: &str) -> NewJob {
    NewJob { due_at: Some(due_at), ..job(name) }
}

/// Why an attempt ends whose job is called off.
pub(super) fn called_off() -> Failure {
    Failure::new(FailureKind::Cancelled, "cancelled", "somebody has called it off")
}

/// A job under an idempotency key.
pub(super) fn under_key(idempotency_key: &str, name: &str, payload: Json) -> NewJob {
    NewJob { idempotency_key: Some(key(idempotency_key)), payload, ..job(name) }
}

pub(super) fn event(name: &str) -> NewEvent {
    NewEvent {
        id: event_id(),
        name: name.into(),
        payload: json(name),
        correlation: CorrelationId::new("matter"),
        cause: None,
        emitted_at: at(0),
    }
}

pub(super) fn account(id: &str) -> EntityKey {
    EntityKey { entity: ENTITIES[0], id: key(id) }
}

pub(super) fn order(id: &str) -> EntityKey {
    EntityKey { entity: ENTITIES[1], id: key(id) }
}

/// A write that expects a version, and says in the body which one it makes.
pub(super) fn write(key: EntityKey, expected: u64) -> EntityWrite {
    EntityWrite { key, expected, body: json(expected + 1) }
}

/// What such a write leaves.
pub(super) fn written(version: u64) -> StoredEntity {
    StoredEntity { version, body: json(version) }
}
