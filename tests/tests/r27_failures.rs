//! Failures are data (r27), and stored entities and jobs can be read (r28).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::error::Error;
use std::fmt;

use common::{World, job, jobs, kind_and_code, on_every_store};
use enact::prelude::*;
use enact::{CorrelationId, EntityPage, JobId, JobKind, Key, Violation};
use serde_json::json;

/// An error with two sources.
#[derive(Debug)]
struct Outer(Inner);

#[derive(Debug)]
struct Inner(std::num::ParseIntError);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the order cannot be booked")
    }
}

impl fmt::Display for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the price is no number")
    }
}

impl Error for Outer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

impl Error for Inner {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

/// How the handler fails.
#[value]
#[derive(Clone, Copy)]
enum Manner {
    Chain,
    Own,
    Text,
    PanicWithText,
    PanicWithValue,
}

/// Fail.
#[command]
struct Fail {
    manner: Manner,
}

#[command]
async fn fail(fail: Fail) -> Result<(), Box<dyn Error + Send + Sync>> {
    match fail.manner {
        Manner::Chain => Err(Outer(Inner("x".parse::<i32>().unwrap_err())).into()),
        Manner::Own => Err(Failure::new(FailureKind::Denied, "bank_holiday", "come back tomorrow").into()),
        Manner::Text => Err("just a text".into()),
        Manner::PanicWithText => panic!("number {}", 7),
        Manner::PanicWithValue => std::panic::panic_any(7),
    }
}

/// A thing.
#[entity]
#[derive(Debug, PartialEq)]
struct Thing {
    id: u32,
    name: String,
}

/// Name a thing.
#[command(target = id)]
struct Name {
    id: u32,
    #[schemars(length(min = 2))]
    name: String,
}

impl From<&Name> for Thing {
    fn from(name: &Name) -> Self {
        Self { id: name.id, name: String::new() }
    }
}

#[command(create = if_missing)]
async fn name(name: Name, thing: &mut Thing) {
    thing.name = name.name;
}

/// A thing has a decent name.
#[invariant(code = "thing.decent")]
fn decent(thing: &Thing) -> bool {
    thing.name != "damn"
}

/// A thing has a clean name.
#[invariant(code = "thing.clean")]
fn clean(thing: &Thing) -> Result<(), String> {
    if thing.name == "damn" { Err(format!("`{}` is not clean", thing.name)) } else { Ok(()) }
}

async fn start(world: &World) -> Runtime {
    world.builder().start().await.unwrap()
}

async fn failure_of(runtime: &Runtime, manner: Manner) -> Failure {
    let failure = runtime.execute(Fail { manner }).await.unwrap_err();
    let stored = jobs(runtime).await.pop().unwrap();
    assert_eq!(stored.failure.as_ref(), Some(&failure), "the stored failure is the returned one");
    assert_eq!(runtime.jobs().attempts(stored.id).await.unwrap()[0].failure.as_ref(), Some(&failure));
    failure
}

fn named(id: u32, name: &str) -> Name {
    Name { id, name: name.to_owned() }
}

#[test]
fn r27_every_kind_passes_through_json() {
    let kinds = [
        (FailureKind::Invalid, "invalid"),
        (FailureKind::Denied, "denied"),
        (FailureKind::NotFound, "not_found"),
        (FailureKind::AlreadyExists, "already_exists"),
        (FailureKind::Violated, "violated"),
        (FailureKind::Conflict, "conflict"),
        (FailureKind::Error, "error"),
        (FailureKind::Panicked, "panicked"),
        (FailureKind::TimedOut, "timed_out"),
        (FailureKind::Cancelled, "cancelled"),
        (FailureKind::Lost, "lost"),
        (FailureKind::UnknownName, "unknown_name"),
        (FailureKind::IdempotencyMismatch, "idempotency_mismatch"),
        (FailureKind::Unavailable, "unavailable"),
        (FailureKind::Refused, "refused"),
    ];
    for (kind, name) in kinds {
        let failure = Failure::new(kind, format!("code of {name}"), "a message");
        let written = serde_json::to_value(&failure).unwrap();
        assert_eq!(
            written,
            json!({ "kind": name, "code": format!("code of {name}"), "message": "a message" })
        );
        assert_eq!(serde_json::from_value::<Failure>(written).unwrap(), failure);
        assert_eq!(kind.as_str(), name);
    }
}

#[test]
fn r27_a_violation_passes_through_json() {
    for violation in
        [Violation::at("/a~1b/0", "minimum", "too little"), Violation::of("not_overdrawn", "it is")]
    {
        let written = serde_json::to_string(&violation).unwrap();
        assert_eq!(serde_json::from_str::<Violation>(&written).unwrap(), violation);
    }
    let shown = Violation::at("/cents", "minimum", "too little").to_string();
    assert_eq!(shown, "/cents: too little");
}

async fn r27_the_sources_of_an_error_become_causes(world: World) {
    let runtime = start(&world).await;
    let failure = failure_of(&runtime, Manner::Chain).await;
    assert_eq!(kind_and_code(&failure), (FailureKind::Error, "error"));
    assert_eq!(failure.message(), "the order cannot be booked");
    assert_eq!(failure.causes(), ["the price is no number", "invalid digit found in string"]);
    assert_eq!(
        failure.to_string(),
        "the order cannot be booked: the price is no number: invalid digit found in string"
    );
    let written = serde_json::to_string(&failure).unwrap();
    assert_eq!(serde_json::from_str::<Failure>(&written).unwrap(), failure);
}

async fn r27_a_failure_of_a_handler_stays_unchanged(world: World) {
    let runtime = start(&world).await;
    let failure = failure_of(&runtime, Manner::Own).await;
    assert_eq!(failure, Failure::new(FailureKind::Denied, "bank_holiday", "come back tomorrow"));
    assert_eq!(failure_of(&runtime, Manner::Text).await.message(), "just a text");
}

async fn r27_the_failure_of_a_panic_has_its_message(world: World) {
    let runtime = start(&world).await;
    let failure = failure_of(&runtime, Manner::PanicWithText).await;
    assert_eq!(kind_and_code(&failure), (FailureKind::Panicked, "panicked"));
    assert_eq!(failure.message(), "panicked: number 7");
    let failure = failure_of(&runtime, Manner::PanicWithValue).await;
    assert_eq!(failure.kind(), FailureKind::Panicked);
}

async fn r27_all_violated_invariants_are_listed_and_the_first_gives_the_code(world: World) {
    let runtime = start(&world).await;
    let failure = runtime.execute(named(1, "damn")).await.unwrap_err();
    assert_eq!(kind_and_code(&failure), (FailureKind::Violated, "thing.decent"));
    let violations: Vec<_> =
        failure.violations().iter().map(|it| (it.pointer(), it.code(), it.message())).collect();
    assert_eq!(
        violations,
        [(None, "thing.decent", "A thing has a decent name."), (None, "thing.clean", "`damn` is not clean"),]
    );
    let stored = jobs(&runtime).await.pop().unwrap();
    assert_eq!(stored.failure, Some(failure), "violations pass through the store");
}

async fn r27_refusals_at_the_boundary_have_kinds_of_their_own(world: World) {
    let runtime = start(&world).await;
    let unknown = runtime.publish_json("Nobody", json!({})).await.unwrap_err();
    assert_eq!(kind_and_code(&unknown), (FailureKind::UnknownName, "unknown_command"));
    let unknown = runtime.execute_json("Nobody", json!({})).await.unwrap_err();
    assert_eq!(unknown.kind(), FailureKind::UnknownName);
    let invalid = runtime.publish(named(1, "x")).await.unwrap_err();
    assert_eq!(kind_and_code(&invalid), (FailureKind::Invalid, "minLength"));
    assert_eq!(common::pointers_and_codes(&invalid), [("/name", "minLength")]);
    runtime.publish(named(1, "one")).idempotency_key("k").await.unwrap();
    let mismatch = runtime.publish(named(2, "two")).idempotency_key("k").await.unwrap_err();
    assert_eq!(mismatch.kind(), FailureKind::IdempotencyMismatch);
    let unknown_id: JobId = uuid::Uuid::now_v7().to_string().parse().unwrap();
    let missing = runtime.jobs().handle(unknown_id).outcome().await.unwrap_err();
    assert_eq!(kind_and_code(&missing), (FailureKind::NotFound, "no_such_job"));
    runtime.shutdown(Duration::from_secs(1)).await.unwrap();
    for failure in [
        runtime.publish(named(1, "one")).await.unwrap_err(),
        runtime.execute(named(1, "one")).await.unwrap_err(),
        runtime.publish_json("Name", json!({})).await.unwrap_err(),
    ] {
        assert_eq!(kind_and_code(&failure), (FailureKind::Unavailable, "shut_down"));
    }
}

async fn r28_committed_entities_are_read_by_id_and_in_pages(world: World) {
    let runtime = start(&world).await;
    let things = runtime.entities::<Thing>();
    assert!(things.get(&1).await.unwrap().is_none());
    assert!(things.list(None, 10).await.unwrap().is_empty());
    for id in [3, 1, 2] {
        runtime.execute(named(id, &format!("thing {id}"))).await.unwrap();
    }
    assert_eq!(things.get(&2).await.unwrap(), Some(Thing { id: 2, name: "thing 2".to_owned() }));
    let ids = |page: &EntityPage<Thing>| page.iter().map(|thing| thing.id).collect::<Vec<_>>();
    let first = things.list(None, 2).await.unwrap();
    assert_eq!(ids(&first), [1, 2]);
    let second = things.list(first.next.as_ref(), 2).await.unwrap();
    assert_eq!((ids(&second), second.next), (vec![3], None));
    assert!(things.list(Some(&Key::of(&3).unwrap()), 2).await.unwrap().is_empty());
}

async fn r28_jobs_are_found_by_id_state_name_correlation_and_time(world: World) {
    let runtime = start(&world).await;
    let begun = world.now();
    runtime.execute(named(1, "one")).await.unwrap();
    world.advance(Duration::from_secs(1));
    let seed = ContextSeed::new().with_correlation("correlation");
    runtime.scope(seed, async { runtime.execute(named(2, "two")).await }).await.unwrap();
    runtime.execute(Fail { manner: Manner::Text }).await.unwrap_err();
    let all = jobs(&runtime).await;
    let [one, two, failed] = [all[0].id, all[1].id, all[2].id];

    let found = async |query: JobQuery| -> Vec<JobId> {
        let page = runtime.jobs().list(&query).await.unwrap();
        assert!(page.next.is_none());
        page.jobs.iter().map(|job| job.id).collect()
    };
    let any = JobQuery::default;
    assert_eq!(found(any()).await, [one, two, failed]);
    assert_eq!(found(any().latest_first()).await, [failed, two, one]);
    assert_eq!(found(any().state(JobState::Failed)).await, [failed]);
    assert_eq!(found(any().state(JobState::Failed).state(JobState::Succeeded)).await, [one, two, failed]);
    assert!(found(any().state(JobState::Running)).await.is_empty());
    assert_eq!(found(any().name("Name")).await, [one, two]);
    assert!(found(any().name("name")).await.is_empty());
    assert_eq!(found(any().correlation(CorrelationId::new("correlation"))).await, [two]);
    let later = begun + Duration::from_secs(1);
    assert_eq!(found(any().created_from(later)).await, [two, failed]);
    assert_eq!(found(any().created_before(later)).await, [one]);

    let by_id = job(&runtime, two).await;
    assert_eq!((&*by_id.name, by_id.kind, by_id.state), ("Name", JobKind::Command, JobState::Succeeded));
    assert_eq!(by_id.spec.target.unwrap().as_str(), "2");
    let unknown_id: JobId = uuid::Uuid::now_v7().to_string().parse().unwrap();
    assert!(runtime.jobs().get(unknown_id).await.unwrap().is_none());
    assert!(runtime.jobs().attempts(unknown_id).await.unwrap().is_empty());
}

async fn r28_jobs_come_in_pages(world: World) {
    let runtime = start(&world).await;
    for id in 0..5 {
        runtime.execute(named(id, "thing")).await.unwrap();
    }
    let all: Vec<_> = jobs(&runtime).await.iter().map(|job| job.id).collect();
    for latest_first in [false, true] {
        let mut seen = Vec::new();
        let mut query = JobQuery::new().limit(2);
        query.latest_first = latest_first;
        for expected in [2, 2, 1] {
            let page = runtime.jobs().list(&query).await.unwrap();
            assert_eq!(page.jobs.len(), expected);
            seen.extend(page.jobs.iter().map(|job| job.id));
            query.page = page.next;
        }
        assert!(query.page.is_none());
        if latest_first {
            seen.reverse();
        }
        assert_eq!(seen, all);
    }
}

async fn r28_jobs_are_counted_by_name_and_state(world: World) {
    let runtime = start(&world).await;
    for id in 0..3 {
        runtime.execute(named(id, "thing")).await.unwrap();
    }
    runtime.execute(named(9, "damn")).await.unwrap_err();
    let mut counts: Vec<_> = runtime
        .jobs()
        .count()
        .await
        .unwrap()
        .into_iter()
        .map(|it| (it.name.to_string(), it.state, it.count))
        .collect();
    counts.sort();
    assert_eq!(
        counts,
        [("Name".to_owned(), JobState::Succeeded, 3), ("Name".to_owned(), JobState::Failed, 1),]
    );
}

on_every_store!(
    r27_the_sources_of_an_error_become_causes,
    r27_a_failure_of_a_handler_stays_unchanged,
    r27_the_failure_of_a_panic_has_its_message,
    r27_all_violated_invariants_are_listed_and_the_first_gives_the_code,
    r27_refusals_at_the_boundary_have_kinds_of_their_own,
    r28_committed_entities_are_read_by_id_and_in_pages,
    r28_jobs_are_found_by_id_state_name_correlation_and_time,
    r28_jobs_come_in_pages,
    r28_jobs_are_counted_by_name_and_state,
);
