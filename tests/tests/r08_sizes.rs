//! Everything that is stored has a limit ([r08](enact::rules#r08)).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{World, job, jobs, kind_and_code, on_every_store, reaches};
use enact::prelude::*;
use enact::{Cursor, RuntimeBuilder};

/// Fill something.
#[command(target = book)]
struct Fill {
    book: String,
    what: What,
    bytes: usize,
}

#[value]
#[derive(Clone, Copy, PartialEq)]
enum What {
    Entity,
    Output,
    Message,
    Code,
    Causes,
    Violations,
    Key,
    Identity,
    Events,
    Panic,
    Nothing,
}

/// A book.
#[entity]
struct Book {
    id: String,
    text: String,
}

impl From<&Fill> for Book {
    fn from(fill: &Fill) -> Self {
        Self { id: fill.book.clone(), text: String::new() }
    }
}

/// Something was filled.
#[event]
struct Filled {}

/// Go on.
#[command]
struct GoOn {}

#[command]
async fn go_on(_: GoOn) {}

#[command(create = if_missing, retry = Retry::fixed(5, Duration::ZERO))]
async fn fill(fill: Fill, book: &mut Book) -> Result<String, Failure> {
    let text = "ä".repeat(fill.bytes / 2);
    let failure = Failure::new(FailureKind::Error, "long", "failed").permanent();
    match fill.what {
        What::Entity => book.text = text,
        What::Output => return Ok(text),
        What::Message => return Err(Failure::new(FailureKind::Error, "long", text).permanent()),
        What::Code => return Err(Failure::new(FailureKind::Error, text, "failed").permanent()),
        What::Causes => return Err(failure.with_source(&std::io::Error::other(text))),
        What::Violations => {
            let violation = enact::Violation::at("/text", "long", text);
            return Err(failure.with_violations(vec![violation; 10]));
        }
        What::Key => {
            publish(GoOn {}).idempotency_key(&text);
        }
        What::Identity => {
            enact::auth::with_identity(Identity::user(text), async { publish(GoOn {}).id() }).await;
        }
        What::Events => (0..fill.bytes).for_each(|_| {
            emit(Filled {});
        }),
        What::Panic => panic!("{text}"),
        What::Nothing => {}
    }
    Ok(String::new())
}

fn filling(what: What, bytes: usize) -> Fill {
    Fill { book: "book".to_owned(), what, bytes }
}

const MIB: usize = 1 << 20;

/// What does not fit by default: the code of its failure, its size, the limit, and the option to raise.
fn too_large() -> Vec<(What, usize, &'static str, &'static str, &'static str)> {
    vec![
        (What::Entity, 5 * MIB, "entity_too_large", "4194304", "max_entity_bytes"),
        (What::Output, 2 * MIB, "output_too_large", "1048576", "max_output_bytes"),
        (What::Key, 2048, "key_too_long", "1024", "max_key_bytes"),
        (What::Identity, 20_000, "context_too_large", "16384", "max_context_bytes"),
        (What::Events, 10_001, "too_many_staged", "10000", "max_staged"),
    ]
}

async fn r08_what_an_execution_cannot_store_fails_its_attempt(world: World) {
    let runtime = world.builder().start().await.unwrap();
    for (what, bytes, code, limit, option) in too_large() {
        let failure = runtime.execute(filling(what, bytes)).await.unwrap_err();
        assert_eq!(failure.code(), code, "{failure}");
        assert!(failure.message().contains(limit) && failure.message().contains(option), "{failure}");
    }
    assert!(jobs(&runtime).await.iter().all(|job| job.attempts == 1), "none is retried");
    assert!(jobs(&runtime).await.iter().all(|job| &*job.name == "Fill"), "nothing was staged");
    assert!(runtime.events().list(&Cursor::START, 1).await.unwrap().is_empty());
    assert!(runtime.entities::<Book>().get(&"book".to_owned()).await.unwrap().is_none());
}

fn raised(builder: RuntimeBuilder) -> RuntimeBuilder {
    builder
        .max_entity_bytes(6 * MIB)
        .max_output_bytes(6 * MIB)
        .max_key_bytes(6 * MIB)
        .max_context_bytes(6 * MIB)
        .max_staged(20_000)
}

async fn r08_a_limit_can_be_raised(world: World) {
    let runtime = raised(world.builder()).start().await.unwrap();
    for (what, bytes, ..) in too_large() {
        runtime.execute(filling(what, bytes)).await.unwrap();
    }
}

async fn r08_the_texts_of_a_failure_are_cut_with_a_mark(world: World) {
    let runtime = world.builder().start().await.unwrap();
    for what in [What::Message, What::Code, What::Causes, What::Violations, What::Panic] {
        let handle = runtime.publish(filling(what, 5 * MIB)).await.unwrap();
        let failure = loop {
            let outcome = handle.outcome().await;
            if let Err(failure) = outcome {
                break failure;
            }
        };
        let json = serde_json::to_string(&failure).unwrap();
        assert!(json.len() < 20_000, "{} bytes", json.len());
        assert!(json.contains("… (cut, 524") && json.contains("ää"), "{json}");
        assert_eq!(job(&runtime, handle.id()).await.failure.unwrap(), failure, "as it is stored");
        for attempt in runtime.jobs().attempts(handle.id()).await.unwrap() {
            assert!(serde_json::to_string(&attempt.failure).unwrap().len() < 20_000);
        }
    }
}

async fn r08_the_boundary_refuses_what_is_too_large_and_stores_nothing(world: World) {
    let runtime = world.builder().start().await.unwrap();
    let long = "x".repeat(5 * MIB);
    let nothing = || filling(What::Nothing, 0);
    let mut refused = vec![
        ("key_too_long", runtime.publish(nothing()).idempotency_key(&long).await.map(|_| ())),
        ("key_too_long", runtime.execute(nothing()).idempotency_key(&long).await.map(|_| ())),
        ("key_too_long", runtime.publish(nothing()).ordered_by(&long).await.map(|_| ())),
    ];
    let target = Fill { book: "x".repeat(2048), ..nothing() };
    refused.push(("key_too_long", runtime.publish(target).await.map(|_| ())));
    let seed = ContextSeed::new;
    let (_, valid) = ("", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    let member = |key: usize| format!("k{key}={}", "v".repeat(250));
    let state = (0..32).map(member).collect::<Vec<_>>().join(",");
    let trace =
        enact::TraceContext::parse(&format!("01{}-{}", &valid[2..], "x".repeat(20_000)), Some(&state));
    for (code, seed) in [
        ("context_too_large", seed().with_metadata("note", long.clone())),
        ("context_too_large", seed().with_metadata(long.clone(), "note")),
        ("context_too_large", seed().with_tenant(long.clone())),
        ("context_too_large", seed().with_identity(Identity::user(long.clone()))),
        ("context_too_large", seed().with_identity(Identity::user("ada").with_role(long.clone()))),
        ("context_too_large", seed().with_trace(trace.unwrap())),
        ("key_too_long", seed().with_correlation(long.clone())),
    ] {
        let published = runtime.scope(seed.clone(), async { runtime.publish(nothing()).await.map(|_| ()) });
        refused.push((code, published.await));
        let emitted = runtime.scope(seed, async { runtime.emit(Filled {}).await.map(|_| ()) });
        refused.push((code, emitted.await));
    }
    for (code, refused) in refused {
        let failure = refused.unwrap_err();
        assert_eq!(kind_and_code(&failure), (FailureKind::Invalid, code), "{failure}");
        assert!(failure.message().contains("on the builder") && failure.message().len() < 400, "{failure}");
    }
    assert!(jobs(&runtime).await.is_empty());
    assert!(runtime.events().list(&Cursor::START, 1).await.unwrap().is_empty());
}

on_every_store!(
    r08_what_an_execution_cannot_store_fails_its_attempt,
    r08_a_limit_can_be_raised,
    r08_the_texts_of_a_failure_are_cut_with_a_mark,
    r08_the_boundary_refuses_what_is_too_large_and_stores_nothing,
);

#[test]
fn r08_a_failure_whose_record_the_store_refuses_is_stored_in_short() {
    common::run_test(World::sqlite(), async |world: World| {
        let runtime = world.builder().concurrency(1).start().await.unwrap();
        world.change(
            "CREATE TRIGGER refuses BEFORE INSERT ON attempts WHEN length(NEW.failure) > 1000
             BEGIN SELECT RAISE(ABORT, 'too long'); END",
        );
        let failing = runtime.publish(filling(What::Message, 5000)).await.unwrap();
        let failed = ticking(&world, reaches(&runtime, failing.id(), JobState::Failed)).await;
        let failure = failed.failure.unwrap();
        assert_eq!(kind_and_code(&failure), (FailureKind::Error, "long"));
        assert!(failure.message().contains("refused"), "{failure}");
        runtime.publish(GoOn {}).await.unwrap().outcome().await.unwrap();
    });
}

#[test]
fn r08_an_attempt_whose_end_the_store_never_takes_gives_its_place_back() {
    common::run_test(World::sqlite(), async |world: World| {
        let runtime = world.builder().concurrency(1).start().await.unwrap();
        world.change(
            "CREATE TRIGGER refuses BEFORE INSERT ON attempts WHEN NEW.failure IS NOT NULL
             BEGIN SELECT RAISE(ABORT, 'never'); END",
        );
        let failing = runtime.publish(filling(What::Message, 10)).await.unwrap();
        let next = runtime.publish(GoOn {}).await.unwrap();
        ticking(&world, reaches(&runtime, next.id(), JobState::Succeeded)).await;
        assert_eq!(job(&runtime, failing.id()).await.state, JobState::Running);
        world.change("DROP TRIGGER refuses");
        ticking(&world, reaches(&runtime, failing.id(), JobState::Failed)).await;
    });
}

/// Lets time pass until the future has ended.
async fn ticking<T>(world: &World, future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    loop {
        tokio::select! {
            biased;
            done = &mut future => return done,
            () = tokio::time::sleep(Duration::from_millis(2)) => world.advance(Duration::from_millis(100)),
        }
    }
}
