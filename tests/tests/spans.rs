//! What an attempt tells of itself through `tracing`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![forbid(unsafe_code)]

mod common;

use common::lines::Lines;
use enact::MemoryStore;
use enact::prelude::*;
use tracing::Instrument;
use tracing_subscriber::fmt::format::FmtSpan;

/// Say something.
#[command]
pub struct Say {
    /// What is said.
    pub word: String,
}

/// Something was said.
#[event]
pub struct Said {
    /// What is said.
    pub word: String,
}

#[command]
async fn say(say: Say) {
    emit(Said { word: say.word });
}

#[event_handler]
async fn hear(_said: Said) {}

#[tokio::test]
async fn each_attempt_is_a_span_that_names_its_job_and_where_it_comes_from() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_span_events(FmtSpan::NEW)
        .with_writer(move || writer.clone())
        .finish();
    // The test's runtime has one thread, so all of its tasks write here.
    let _here = tracing::subscriber::set_default(subscriber);

    let runtime = Runtime::builder(MemoryStore::new()).start().await.unwrap();
    let seed = ContextSeed::new().with_correlation("request-7");
    // The attempt may run in the caller's task, and is no part of the caller's span.
    let caller = tracing::info_span!("caller");
    let executed = runtime.scope(seed, async { runtime.execute(Say { word: "hello".to_owned() }).await });
    executed.instrument(caller).await.unwrap();
    let jobs = loop {
        let jobs = runtime.jobs().list(&JobQuery::default()).await.unwrap().jobs;
        if jobs.iter().all(|job| job.state.has_ended()) {
            break jobs;
        }
        tokio::task::yield_now().await;
    };

    let [said, heard] = jobs.as_slice() else { panic!("{jobs:#?}") };
    let [of_command] = lines.with("command=\"Say\"").try_into().unwrap();
    assert!(of_command.contains(&format!("job={} attempt=1", said.id)), "{of_command}");
    assert!(of_command.contains("correlation=request-7"), "{of_command}");
    assert!(!of_command.contains("causation") && !of_command.contains("caller"), "{of_command}");
    let [of_handler] = lines.with("command=\"hear\"").try_into().unwrap();
    assert!(of_handler.contains(&format!("job={} attempt=1", heard.id)), "{of_handler}");
    assert!(of_handler.contains(&format!("causation={}", heard.cause.as_ref().unwrap())), "{of_handler}");
}
