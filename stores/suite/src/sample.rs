//! Sample jobs, events and times. Where a case says `..job("ship")`, the remaining fields are
//! irrelevant to it.

use std::time::Duration;

use enact::store::{EntityKey, EntityWrite, Lease, NewEvent, NewJob, StoredEntity};
use enact::{CorrelationId, EventId, Failure, FailureKind, JobId, JobKind, Json, Key, WorkerId};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// The entity types that are written.
pub(crate) const ENTITIES: [&str; 2] = ["account", "order"];

/// A time in seconds since the start of the test.
pub(crate) fn at(second: i64) -> Timestamp {
    const START: i64 = 1_790_000_000;
    Timestamp::from_second(START + second).expect("a time in this century")
}

pub(crate) const MICROSECOND: SignedDuration = SignedDuration::from_micros(1);

pub(crate) fn job_id() -> JobId {
    uuid::Uuid::now_v7().to_string().parse().expect("a UUID")
}

pub(crate) fn event_id() -> EventId {
    uuid::Uuid::now_v7().to_string().parse().expect("a UUID")
}

pub(crate) fn worker(name: &str) -> WorkerId {
    WorkerId::from_text(name)
}

/// A lease of ten seconds with this renewal count.
pub(crate) fn lease(by: &str, renewals: u64) -> Lease {
    Lease { worker: worker(by), renewals, length: Duration::from_secs(10) }
}

pub(crate) fn key(text: &str) -> Key {
    Key::from_text(text)
}

pub(crate) fn json(value: impl Into<Value>) -> Json {
    Json::of(&value.into()).expect("JSON")
}

/// A command's job.
pub(crate) fn job(name: &str) -> NewJob {
    let mut job = NewJob::new(job_id(), JobKind::Command, name, json(name), at(0));
    job.correlation = CorrelationId::new("correlation");
    job.repeatable = true;
    job
}

pub(crate) fn jobs<const N: usize>(name: &str) -> [NewJob; N] {
    std::array::from_fn(|_| job(name))
}

/// A job in a lane.
pub(crate) fn in_lane(lane: &str, name: &str) -> NewJob {
    job(name).with(|job| job.order_key = Some(key(lane)))
}

/// A job with predecessors.
pub(crate) fn after<const N: usize>(predecessors: [JobId; N], name: &str) -> NewJob {
    job(name).with(|job| job.after = predecessors.into())
}

/// A job with a due time.
pub(crate) fn due(due_at: Timestamp, name: &str) -> NewJob {
    NewJob { due_at: Some(due_at), ..job(name) }
}

/// The failure of a cancelled attempt.
pub(crate) fn cancellation() -> Failure {
    Failure::new(FailureKind::Cancelled, "cancelled", "cancelled by the test")
}

/// A job under an idempotency key.
pub(crate) fn under_key(idempotency_key: &str, name: &str, payload: Json) -> NewJob {
    job(name).with(|job| {
        job.idempotency_key = Some(key(idempotency_key));
        job.payload = payload;
    })
}

pub(crate) fn event(name: &str) -> NewEvent {
    NewEvent {
        id: event_id(),
        name: name.into(),
        payload: json(name),
        correlation: CorrelationId::new("correlation"),
        cause: None,
        emitted_at: at(0),
    }
}

pub(crate) fn account(id: &str) -> EntityKey {
    EntityKey { entity: ENTITIES[0], id: key(id) }
}

pub(crate) fn order(id: &str) -> EntityKey {
    EntityKey { entity: ENTITIES[1], id: key(id) }
}

/// A write that expects a version. Its body is the version that it makes.
pub(crate) fn write(key: EntityKey, expected: u64) -> EntityWrite {
    EntityWrite { key, expected, body: json(expected + 1) }
}

/// The entity that such a write stores.
pub(crate) fn written(version: u64) -> StoredEntity {
    StoredEntity { version, body: json(version) }
}

/// Changes some fields of a record.
pub(crate) trait With: Sized {
    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

impl<T> With for T {}
