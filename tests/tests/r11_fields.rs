//! enact's own ids and times are types of fields (r11).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{World, kind_and_code, on_every_store, pointers_and_codes};
use enact::prelude::*;
use enact::{Cause, CorrelationId, Cursor, EventId, JobId, Timestamp, WorkerId};
use serde_json::json;

/// Where something comes from.
#[value]
#[derive(Clone, Debug, PartialEq)]
struct Origin {
    job: JobId,
    event: EventId,
    correlation: CorrelationId,
    at: Timestamp,
    cause: Cause,
    worker: Option<WorkerId>,
}

/// Trace something back.
#[command(target = job, order_by = correlation, idempotency_key = event)]
struct Trace {
    job: JobId,
    event: EventId,
    correlation: CorrelationId,
    at: Option<Timestamp>,
    origins: Vec<Origin>,
}

/// What was found.
#[entity(id = job)]
struct Report {
    job: JobId,
    origins: Vec<Origin>,
}

impl From<&Trace> for Report {
    fn from(trace: &Trace) -> Self {
        Self { job: trace.job, origins: Vec::new() }
    }
}

/// A trace has ended.
#[event]
struct Traced {
    job: JobId,
    event: Option<EventId>,
    correlation: CorrelationId,
    at: Timestamp,
}

#[command(create = if_missing)]
async fn trace(trace: Trace, report: &mut Report) -> Result<Vec<Origin>, Failure> {
    let Trace { job, event, correlation, at, origins } = trace;
    emit(Traced { job, event: Some(event), correlation, at: at.unwrap_or(Timestamp::UNIX_EPOCH) });
    report.origins.clone_from(&origins);
    Ok(origins)
}

const ID: &str = "019b0d6e-7c11-7c4e-9a51-0123456789ab";

fn origin() -> Origin {
    let job: JobId = ID.parse().unwrap();
    Origin {
        job,
        event: ID.parse().unwrap(),
        correlation: CorrelationId::new("order 7"),
        at: Timestamp::UNIX_EPOCH,
        cause: Cause::Job(job),
        worker: None,
    }
}

async fn r11_ids_and_times_are_fields_of_messages_entities_and_outputs(world: World) {
    let runtime = world.builder().start().await.unwrap();
    let Origin { job, event, correlation, at, .. } = origin();
    let command =
        Trace { job, event, correlation: correlation.clone(), at: Some(at), origins: vec![origin()] };
    let payload = serde_json::to_value(&command).unwrap();
    assert_eq!(runtime.execute(command).await.unwrap(), [origin()]);
    let again = runtime.execute_json("Trace", payload).await.unwrap();
    assert_eq!(again, serde_json::to_value([origin()]).unwrap());
    let report = runtime.entities::<Report>().get(&job).await.unwrap().unwrap();
    assert_eq!(report.origins, [origin()]);
    let [stored] = runtime.events().list(&Cursor::START, 9).await.unwrap().try_into().unwrap();
    let traced: Traced = stored.payload.parse().unwrap();
    assert_eq!(
        (traced.job, traced.event, traced.correlation, traced.at),
        (job, Some(event), correlation, at)
    );
}

async fn r11_the_schema_of_an_id_names_its_format(world: World) {
    let runtime = world.builder().start().await.unwrap();
    let schema = &runtime.wiring().command("Trace").unwrap().schema;
    for (field, format) in [("job", "uuid"), ("event", "uuid"), ("at", "date-time")] {
        assert_eq!(schema["properties"][field]["format"], format, "{schema:#}");
    }
    let refusal = runtime
        .execute_json("Trace", json!({ "job": "7", "event": ID, "correlation": "c", "origins": [] }))
        .await
        .unwrap_err();
    assert_eq!(kind_and_code(&refusal).0, FailureKind::Invalid);
    assert_eq!(pointers_and_codes(&refusal)[0].0, "/job");
}

on_every_store!(
    r11_ids_and_times_are_fields_of_messages_entities_and_outputs,
    r11_the_schema_of_an_id_names_its_format,
);
