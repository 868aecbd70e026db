//! Neither `Debug` nor the log shows a payload. The subscriber is global, so this test has a process of its own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::lines::Lines;
use common::{World, jobs};
use enact::prelude::*;
use enact::store::{EntityKey, EntityWrite, NewJob, Store};
use enact::{Cursor, JobContext, JobKind, Json, Key};

/// Part of everything that must not be shown.
const SECRET: &str = "HUNTER2";

fn secret(what: &str) -> String {
    format!("{SECRET}-{what}")
}

/// A safe.
#[entity]
struct Safe {
    id: String,
    content: String,
}

/// Open a safe.
#[command(target = safe, order_by = lane, idempotency_key = key)]
struct Open {
    safe: String,
    lane: String,
    key: String,
    #[schemars(length(max = 40))]
    pin: String,
    how: String,
}

impl From<&Open> for Safe {
    fn from(open: &Open) -> Self {
        Self { id: open.safe.clone(), content: String::new() }
    }
}

/// A safe was opened.
#[event]
struct Opened {
    pin: String,
}

#[event_handler]
async fn hear(opened: Opened) -> Result<(), Failure> {
    Err(Failure::new(FailureKind::Error, "deaf", "the handler's own words")
        .with_violations([enact::Violation::at("/pin", "unheard", opened.pin)]))
}

/// The content is short.
#[invariant]
fn is_short(safe: &Safe) -> Result<(), String> {
    if safe.content.len() < 50 { Ok(()) } else { Err(format!("the content is {}", safe.content)) }
}

#[command(create = if_missing)]
async fn open(open: Open, safe: &mut Safe) -> Result<String, Failure> {
    match &*open.how {
        "long" => safe.content = open.pin.repeat(5),
        "invalid" => {
            publish(Open { pin: open.pin.repeat(5), how: String::new(), ..open });
        }
        "own" => return Err(Failure::new(FailureKind::Error, "own", "the dial is stuck")),
        _ => {
            safe.content.clone_from(&open.pin);
            emit(Opened { pin: open.pin.clone() });
        }
    }
    Ok(open.pin)
}

/// Look for a safe that does not exist.
#[command(target = safe)]
struct Find {
    safe: String,
}

#[command]
async fn find(_: Find, _safe: &mut Safe) {}

fn opening(number: u32, how: &str) -> Open {
    let (safe, key) = (secret(&format!("safe-{number}")), secret(&format!("key-{number}")));
    Open { safe, lane: secret("lane"), key, pin: secret("pin"), how: how.to_owned() }
}

#[track_caller]
fn assert_hidden(shown: &str) {
    assert!(!shown.contains(SECRET), "{shown}");
}

#[test]
fn r21_neither_debug_nor_the_log_shows_a_payload() {
    let lines = Lines::default();
    let writer = lines.clone();
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .init();
    common::run_test(World::sqlite(), debug_and_log_on);
    common::run_test(World::memory(), debug_and_log_on);
    let log = lines.text();
    let of_enact: Vec<_> = log.lines().filter(|line| line.contains("enact")).collect();
    assert_hidden(&of_enact.join("\n"));
    for part in [
        "code=\"is_short\"",
        "attempt failed: is_short",
        "attempt failed: /pin maxLength",
        "the dial is stuck",
        "the handler's own words: /pin unheard",
        "kind=not_found",
    ] {
        assert!(of_enact.iter().any(|line| line.contains(part)), "{part}\n{log}");
    }
}

async fn debug_and_log_on(world: World) {
    let runtime = world.builder().start().await.unwrap();
    let seed = ContextSeed::new()
        .with_identity(Identity::user(secret("user")).with_role("teller"))
        .with_tenant(secret("tenant"))
        .with_metadata("note", secret("note"));
    assert_hidden(&format!("{seed:?}"));
    let use_case = async {
        assert_hidden(&format!("{:?}", context()));
        for (number, how) in ["", "long", "invalid", "own"].into_iter().enumerate() {
            let publish = runtime.publish(opening(u32::try_from(number).unwrap(), how));
            assert_hidden(&format!("{publish:?}"));
            let _ = publish.await.unwrap().outcome().await;
        }
        runtime.execute(Find { safe: secret("nowhere") }).await.unwrap_err();
    };
    runtime.scope(seed, use_case).await;
    common::until("all have ended", async || jobs(&runtime).await.iter().all(|job| job.state.has_ended()))
        .await;

    let all = jobs(&runtime).await;
    assert!(
        all.iter()
            .any(|job| job.failure.as_ref().is_some_and(|failure| failure.to_string().contains(SECRET)))
    );
    for job in &all {
        let shown = format!("{job:?}");
        assert_hidden(&shown);
        assert!(shown.contains(&job.id.to_string()) && shown.contains(&*job.name), "{shown}");
        if let Some(failure) = &job.failure {
            assert!(shown.contains(&format!("{} ({})", failure.kind(), failure.code())), "{shown}");
        }
        assert_hidden(&format!("{:?}", runtime.jobs().attempts(job.id).await.unwrap()));
        let new = NewJob::from(job.spec.clone());
        assert_hidden(&format!("{new:?}"));
        assert_hidden(&format!("{:?}", runtime.jobs().tree(&job.correlation).await.unwrap()));
    }
    let events = runtime.events().list(&Cursor::START, 10).await.unwrap();
    assert_eq!(events.len(), 1);
    assert_hidden(&format!("{events:?}"));
    let store: Arc<dyn Store> = world.store();
    let stored = store.entities("Safe", None, 10).await.unwrap();
    assert_hidden(&format!("{stored:?}"));
    let id = Key::from_text(secret("id"));
    let body = Json::from_text(secret("body"));
    let write = EntityWrite { key: EntityKey { entity: "Safe", id }, expected: 0, body };
    assert_hidden(&format!("{write:?}"));
    let job = NewJob::new(all[0].id, JobKind::Command, "Open", Json::from_text(secret("x")), world.now());
    assert_hidden(&format!("{job:?} {:?}", JobContext::new().with_tenant(secret("tenant"))));
}
