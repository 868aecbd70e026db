//! Records are read exactly as written, with times to the microsecond.

use std::sync::Arc;

use enact::store::{Commit, EntityWrite, NewEvent, NewJob, Next, StoredEntity, StoredEvent};
use enact::{
    Cause, CorrelationId, Failure, FailureKind, Identity, JobContext, JobCount, JobKind, JobState, Json,
    Step, StrategyChoice, TraceContext,
};
use jiff::Timestamp;
use serde_json::json as value;

use crate::TestStore;
use crate::sample::{With, account, at, event, event_id, job, job_id, json, key, worker};

/// Texts that databases are known to mishandle.
const TEXTS: [&str; 14] = [
    "",
    " ",
    "\0",
    "before\0after",
    "'single' \"double\" `back` \\",
    "line\r\nline\ttab",
    "Gr\u{fc}\u{df}e",
    "e\u{301}",
    "\u{1f469}\u{200d}\u{1f680}\u{1f600}",
    "\u{feff}mark",
    "%_*?1 $1 :a @b",
    "null",
    "'; DROP TABLE jobs; --",
    "\u{10ffff}",
];

/// Before 1970, around a daylight saving change, and the latest times, to the microsecond.
const TIMES: [&str; 5] = [
    "1969-12-31T23:59:59.999999Z",
    "2026-03-29T01:59:59.123456Z",
    "2026-03-29T02:00:00.000001Z",
    "9999-12-30T21:59:59.999999Z",
    "9999-12-30T22:00:00.999999Z",
];

fn times() -> [Timestamp; 5] {
    TIMES.map(|text| text.parse().expect("a time"))
}

/// Documents whose text must not change.
fn documents() -> Vec<Json> {
    let numbers = value!([i64::MIN, i64::MAX, u64::MAX, 9_007_199_254_740_993_u64, 0.1, -0.0, 1e300, 5e-324]);
    let texts = [
        r#"{"b":1,"a":{"d":[],"c":{}}}"#.to_owned(),
        r#""\u0000 \ud83d\ude00""#.to_owned(),
        format!("{}1{}", "[".repeat(100), "]".repeat(100)),
        "null".to_owned(),
        "{}".to_owned(),
    ];
    texts.into_iter().map(Json::from_text).chain([json(numbers), json("x".repeat(1 << 20))]).collect()
}

fn full_context(text: &str) -> JobContext {
    let trace = TraceContext::parse(
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        Some("congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"),
    );
    JobContext::new()
        .with_identity(Identity::user(text).with_role("teller").with_role(text))
        .with_tenant(text)
        .with_metadata("till", text)
        .with_metadata(text, "7")
        .with_trace(trace.expect("a trace context"))
}

pub async fn r26_a_job_keeps_its_priority_and_predecessors(store: TestStore) {
    let [one, two] = [store.publish(job("one")).await, store.publish(job("two")).await];
    for (priority, after) in
        [(0, vec![]), (i32::MIN, vec![one]), (i32::MAX, vec![two, one]), (-1, vec![one, two, one])]
    {
        let new = job("ship").with(|job| {
            job.priority = priority;
            job.after = after;
        });
        let state = if new.after.is_empty() { JobState::Ready } else { JobState::Waiting };
        let id = store.publish(new.clone()).await;
        assert_eq!(store.find(id).await, new.into_job(state));
    }
}

pub async fn a_job_keeps_its_due_time_and_deadline_to_the_microsecond(store: TestStore) {
    for (due_at, deadline) in times().into_iter().zip(times().into_iter().rev()) {
        let new = job("ship").with(|job| {
            job.due_at = Some(due_at);
            job.deadline = Some(deadline);
        });
        let id = store.publish(new.clone()).await;
        assert_eq!(store.find(id).await, new.clone().into_job(JobState::Waiting));

        let active = store.claim_one(&worker("w"), "ship", due_at).await;
        assert_eq!(active.job, new.into_job(JobState::Running).with(|job| job.attempts = 1));
        assert_eq!((active.job.due_at, active.job.deadline), (None, Some(deadline)));
        store.accept(active.fails()).await;
        assert_eq!(store.find(id).await.deadline, Some(deadline));
        store.retry_job(id).await;
        assert_eq!(store.find(id).await.deadline, Some(deadline), "a retry does not remove the deadline");
        store.must_cancel(id).await;
    }
}

pub async fn r31_a_job_keeps_its_context(store: TestStore) {
    let seeds =
        [JobContext::new(), JobContext::new().with_tenant("t"), full_context("Ada \"A\" L\u{f6}velace")];
    for seed in seeds {
        let id = store.publish(job("ship").with(|job| job.context = Arc::new(seed.clone()))).await;
        assert_eq!(*store.find(id).await.context, seed);
    }
}

pub async fn r32_a_job_keeps_its_cause(store: TestStore) {
    for cause in [None, Some(Cause::Job(job_id())), Some(Cause::Event(event_id()))] {
        let id = store.publish(job("ship").with(|job| job.cause.clone_from(&cause))).await;
        assert_eq!(store.find(id).await.cause, cause);
    }
}

pub async fn r08_a_job_keeps_its_depth(store: TestStore) {
    for depth in [0, 1, u32::MAX] {
        let new = job("ship").with(|job| job.depth = depth);
        let id = store.publish(new.clone()).await;
        assert_eq!(store.find(id).await, new.into_job(JobState::Ready));
        let active = store.claim_one(&worker("w"), "ship", at(0)).await;
        assert_eq!((active.job.id, active.job.depth), (id, depth));
        store.accept(active.fails()).await;
        store.retry_job(id).await;
        assert_eq!(store.find(id).await.depth, depth, "a retry by hand changes nothing");
        store.must_cancel(id).await;
    }
}

pub async fn a_job_keeps_its_kind(store: TestStore) {
    for kind in [JobKind::Command, JobKind::EventHandler] {
        let id = store.publish(job("ship").with(|job| job.kind = kind)).await;
        assert_eq!(store.find(id).await.kind, kind);
    }
}

fn full_job(text: &str) -> NewJob {
    job("").with(|job| {
        job.name = text.into();
        job.payload = json(text);
        job.target = Some(key(text));
        job.order_key = Some(key(text));
        job.idempotency_key = Some(key(text));
        job.correlation = CorrelationId::new(text);
        job.cause = Some(Cause::Event(event_id()));
        job.context = Arc::new(full_context(text));
    })
}

/// What a newer version has stored: names, forms and fields that this one does not know ([r07](enact::rules#r07)).
pub async fn r07_what_is_unknown_is_stored_unchanged(store: TestStore) {
    let kind = JobKind::from_stored("process_step").expect("a name");
    let context: JobContext =
        serde_json::from_value(value!({ "tenant": "enterprise", "region": { "of": "eu" } }))
            .expect("a context");
    let failure: Failure = serde_json::from_value(
        value!({ "kind": "throttled", "code": "too_many", "message": "later", "hint": ["wait"] }),
    )
    .expect("a failure");
    let new = job("ship").with(|job| {
        job.kind = kind;
        job.cause = Some(Cause::from_stored("schedule/nightly"));
        job.context = Arc::new(context);
    });
    let active = store.run(new.clone()).await;
    assert_eq!(active.job, new.clone().into_job(JobState::Running).with(|job| job.attempts = 1));
    let attempt = active.ended().with(|attempt| {
        attempt.reached = Step::from_stored("validate_twice");
        attempt.failure = Some(failure.clone());
    });
    store.accept(Commit { attempt: attempt.clone(), next: Next::Failed, ..active.fails() }).await;

    let other = TestStore::sharing(&store);
    let found = other.find(active.job.id).await;
    assert_eq!((&found.kind, &found.cause, &found.context), (&kind, &new.cause, &new.context));
    assert_eq!((found.failure, found.unreadable), (Some(failure), vec![]));
    assert_eq!(other.attempts_of(active.job.id).await, [attempt]);
    let counts = other.count_jobs().await.expect("count");
    assert_eq!(counts, [JobCount::new(kind, "ship".into(), JobState::Failed, 1)]);
}

pub async fn every_text_of_a_job_is_stored_exactly(store: TestStore) {
    for text in TEXTS {
        let new = full_job(text);
        let id = store.publish(new.clone()).await;
        assert_eq!(store.find(id).await, new.clone().into_job(JobState::Ready));

        let active = store.claim_one(&worker(text), text, at(0)).await;
        assert_eq!(active.job.id, id);
        store.accept(Commit { next: Next::Succeeded(json(text)), ..active.succeeds() }).await;
        assert_eq!(store.find(id).await.output, Some(json(text)));
        assert_eq!(store.attempts_of(id).await, [active.ended()]);
    }
}

pub async fn a_job_is_claimed_exactly_as_another_handle_stored_it(store: TestStore) {
    let other = TestStore::sharing(&store);
    for text in TEXTS {
        let new = full_job(text);
        other.publish(new.clone()).await;
        let active = store.claim_one(&worker("w"), text, at(0)).await;
        assert_eq!(active.job, new.into_job(JobState::Running).with(|job| job.attempts = 1));
        store.accept(active.succeeds()).await;
    }
}

pub async fn an_empty_key_differs_from_no_key(store: TestStore) {
    let empty = job("ship").with(|job| {
        job.target = Some(key(""));
        job.order_key = Some(key(""));
        job.idempotency_key = Some(key(""));
    });
    let [with, without] = [store.publish(empty).await, store.publish(job("ship")).await];
    let [with, without] = [store.find(with).await, store.find(without).await];

    let (with, without) = (with.spec, without.spec);
    let keys = [with.target, with.order_key, with.idempotency_key];
    assert_eq!(keys, [Some(key("")), Some(key("")), Some(key(""))]);
    assert_eq!([without.target, without.order_key, without.idempotency_key], [None, None, None]);
}

pub async fn every_document_is_stored_exactly(store: TestStore) {
    for (version, document) in (0..).zip(documents()) {
        let active = store.run(job("ship").with(|job| job.payload = document.clone())).await;
        assert_eq!(active.job.payload, document);
        store
            .accept(Commit {
                next: Next::Succeeded(document.clone()),
                write: Some(EntityWrite { key: account("a"), expected: version, body: document.clone() }),
                events: vec![NewEvent { payload: document.clone(), ..event("shipped") }],
                ..active.succeeds()
            })
            .await;

        assert_eq!(store.find(active.job.id).await.output, Some(document.clone()));
        let stored = StoredEntity { version: version + 1, body: document.clone() };
        assert_eq!(store.entity(&account("a")).await, Some(stored));
        assert_eq!(store.all_events().await.last().map(|event| &event.payload), Some(&document));
    }
}

pub async fn r18_an_event_keeps_every_field(store: TestStore) {
    for text in TEXTS {
        for (cause, emitted_at) in [(None, times()[0]), (Some(job_id()), times()[1])] {
            let new = NewEvent {
                name: text.into(),
                payload: json(text),
                correlation: CorrelationId::new(text),
                cause,
                emitted_at,
                ..event("")
            };
            store.submit(vec![new.clone()], Vec::new()).await.expect("submit");

            let found = store.all_events().await.pop().expect("an event");
            let expected = StoredEvent::new(found.cursor.clone(), new);
            assert_eq!(found, expected);
        }
    }
}

pub async fn an_entity_key_is_stored_exactly(store: TestStore) {
    for text in TEXTS {
        let active = store.run(job("ship")).await;
        let write = EntityWrite { key: account(text), expected: 0, body: json(text) };
        store.accept(Commit { write: Some(write), ..active.succeeds() }).await;
        let stored = StoredEntity { version: 1, body: json(text) };
        assert_eq!(store.entity(&account(text)).await, Some(stored.clone()));
        assert!(store.all_entities("account").await.contains(&(key(text), stored)));
    }
}

pub async fn r21_an_attempt_keeps_every_field(store: TestStore) {
    let versions =
        [(None, None), (Some(1), Some(2)), (None, Some(1)), (Some(1 << 53), None), (Some(7), Some(8))];
    for ((version_read, version_written), ended_at) in versions.into_iter().zip(times()) {
        let active = store.run(job("ship")).await;
        let attempt = active.ended().with(|attempt| {
            attempt.ended_at = Some(ended_at);
            attempt.version_read = version_read;
            attempt.version_written = version_written;
            attempt.late_effects = 5;
            attempt.strategies = TEXTS.map(choice).into();
            attempt.events = (0..3).map(|_| event_id()).rev().collect();
        });
        store.accept(Commit { attempt: attempt.clone(), ..active.succeeds() }).await;

        assert_eq!(store.attempts_of(active.job.id).await, [attempt]);
        assert_eq!(store.find(active.job.id).await.ended_at, Some(ended_at));
    }
}

/// A strategy and a variant of this name.
fn choice(text: &'static str) -> StrategyChoice {
    StrategyChoice::new(text, text)
}

/// A failure with every field set.
fn full_failure(text: &str) -> Failure {
    let failure = value!({
        "kind": "violated",
        "code": text,
        "message": text,
        "permanent": true,
        "retry_after": { "secs": 9, "nanos": 999_999_999 },
        "causes": [text, "the disk", ""],
        "violations": [
            { "pointer": "", "code": "required", "message": text },
            { "pointer": "/a~1b/0", "code": text, "message": "is missing" },
            { "code": "not_overdrawn", "message": text },
        ],
    });
    serde_json::from_value(failure).expect("a failure")
}

pub async fn r27_a_failure_is_stored_unchanged(store: TestStore) {
    for text in TEXTS {
        let failure = full_failure(text);
        let active = store.run(job("ship")).await;
        let attempt = active.fails().attempt.with(|attempt| attempt.failure = Some(failure.clone()));
        store.accept(Commit { attempt: attempt.clone(), ..active.fails() }).await;

        assert_eq!(store.find(active.job.id).await.failure, Some(failure));
        assert_eq!(store.attempts_of(active.job.id).await, [attempt]);
    }
}

pub async fn r27_every_failure_kind_is_stored(store: TestStore) {
    use FailureKind::{
        AlreadyExists, Cancelled, Conflict, Denied, Error, IdempotencyMismatch, Invalid, Lost, NotFound,
        Panicked, QueueFull, Refused, TimedOut, Unavailable, UnknownName, Violated,
    };
    let kinds = [
        Invalid,
        Denied,
        NotFound,
        AlreadyExists,
        Violated,
        Conflict,
        Error,
        Panicked,
        TimedOut,
        Cancelled,
        Lost,
        UnknownName,
        IdempotencyMismatch,
        Unavailable,
        Refused,
        QueueFull,
    ];
    for kind in kinds {
        let failure = Failure::new(kind, kind.as_str(), "why");
        let active = store.run(job("ship")).await;
        let attempt = active.fails().attempt.with(|attempt| attempt.failure = Some(failure.clone()));
        store.accept(Commit { attempt, ..active.fails() }).await;
        assert_eq!(store.find(active.job.id).await.failure, Some(failure));
    }
}

pub async fn times_are_stored_to_the_microsecond(store: TestStore) {
    for time in times() {
        let id = store.publish(job("ship").with(|job| job.created_at = time)).await;
        assert_eq!(store.find(id).await.created_at, time);

        let active = store.claim_one(&worker("w"), "ship", time).await;
        assert_eq!(store.attempts_of(id).await[0].started_at, time);
        assert_eq!(store.running(&worker("w"), 1).await.expect("running")[0].started_at, time);

        store.accept(active.retries(time)).await;
        assert_eq!(store.find(id).await.due_at, Some(time));
        let active = store.claim_one(&worker("w"), "ship", time).await;
        let attempt = active.ended().with(|attempt| attempt.ended_at = Some(time));
        store.accept(Commit { attempt, ..active.succeeds() }).await;
        assert_eq!(store.find(id).await.ended_at, Some(time));
    }
}

pub async fn r24_the_end_of_a_cancelled_job_is_stored_unchanged(store: TestStore) {
    for (text, time) in TEXTS.into_iter().zip(times().into_iter().cycle()) {
        let active = store.run(job("ship")).await;
        let failure = full_failure(text);
        store.cancel(vec![active.job.id], failure.clone(), time).await.expect("cancel");

        let found = store.find(active.job.id).await;
        assert_eq!((found.ended_at, found.failure), (Some(time), Some(failure.clone())));
        let attempts = store.attempts_of(active.job.id).await;
        assert_eq!((attempts[0].ended_at, &attempts[0].failure), (Some(time), &Some(failure)));
    }
}
