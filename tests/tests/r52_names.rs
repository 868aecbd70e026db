//! Stored names: fixed by `name`, changed by `alias`, and handled by another program if `remote` (r52, r06).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::collections::HashMap;

use common::{Log, World, job, jobs, jobs_of, kind_and_code, on_every_store, reaches, settle, state, until};
use enact::Cursor;
use enact::prelude::*;
use enact::store::{Claim, Claimable, Commit, EntityKey, Lease, NewJob, Next};
use enact::{Attempt, Job, JobId, JobKind, Json, Key, Step, WorkerId};
use serde_json::{Value, json};

/// Put something on a shelf. Renamed twice.
#[command(name = "shelf.put", alias = ["Put", "PutAway"], target = shelf, idempotency_key = slip)]
struct PutOnShelf {
    shelf: String,
    slip: Option<String>,
}

impl From<&PutOnShelf> for Shelf {
    fn from(put: &PutOnShelf) -> Self {
        Self { id: put.shelf.clone(), things: 0 }
    }
}

#[command(create = if_missing)]
async fn put_on_shelf(put: PutOnShelf, shelf: &mut Shelf, log: Arc<Log>) -> Result<u32, Failure> {
    shelf.things += 1;
    emit(ThingStored { shelf: put.shelf.clone() });
    log.note(format!("put on {}", put.shelf));
    Ok(shelf.things)
}

#[entity(name = "shelf")]
struct Shelf {
    id: String,
    things: u32,
}

#[event(name = "thing_stored")]
struct ThingStored {
    shelf: String,
}

#[event_handler(name = "shelf.count", alias = "count_things")]
async fn count(stored: ThingStored, log: Arc<Log>) {
    log.note(format!("counted {}", stored.shelf));
}

/// Weigh a shelf. Another program handles it, and its output type is declared.
#[command(remote, output = u64, order_by = shelf)]
struct Weigh {
    shelf: String,
}

/// Take a picture of a shelf. Another program handles it, and its output is untyped.
#[command(remote)]
struct Picture {
    shelf: String,
}

/// Have a shelf weighed.
#[command]
struct Inspect {
    shelf: String,
}

#[command]
async fn inspect(inspect: Inspect) {
    publish(Weigh { shelf: inspect.shelf });
}

async fn start(world: &World) -> (Runtime, Arc<Log>) {
    let log = Log::new();
    (world.builder().provide(log.clone()).start().await.unwrap(), log)
}

fn put(slip: Option<&str>) -> PutOnShelf {
    PutOnShelf { shelf: "s-1".to_owned(), slip: slip.map(str::to_owned) }
}

/// Stores a job as an earlier version of the program left it.
async fn store_job(
    world: &World,
    name: &str,
    kind: JobKind,
    payload: Value,
    idempotency_key: Option<Key>,
) -> JobId {
    let id: JobId = uuid::Uuid::now_v7().to_string().parse().unwrap();
    let target = payload.get("shelf").and_then(Key::of);
    let mut job = NewJob::new(id, kind, name, Json::of(&payload).unwrap(), world.now());
    job.target = target.filter(|_| kind == JobKind::Command);
    job.idempotency_key = idempotency_key;
    world.store().submit(Vec::new(), vec![job]).await.unwrap();
    id
}

async fn r52_stored_names_come_from_the_attributes(world: World) {
    let (runtime, _) = start(&world).await;
    runtime.execute(put(None)).await.unwrap();

    let [put] = jobs_of(&runtime, "shelf.put").await.try_into().unwrap();
    assert_eq!(put.kind, JobKind::Command);
    let [count] = jobs_of(&runtime, "shelf.count").await.try_into().unwrap();
    assert_eq!(count.kind, JobKind::EventHandler);
    let [event] = runtime.events().list(&Cursor::START, 10).await.unwrap().try_into().unwrap();
    assert_eq!(&*event.name, "thing_stored");
    let key = EntityKey { entity: "shelf", id: Key::of("s-1").unwrap() };
    assert!(world.store().entity(&key).await.unwrap().is_some());
}

async fn r52_a_job_stored_under_an_alias_of_its_command_runs(world: World) {
    let former =
        store_job(&world, "PutAway", JobKind::Command, json!({ "shelf": "s-1", "slip": null }), None).await;
    let oldest =
        store_job(&world, "Put", JobKind::Command, json!({ "shelf": "s-2", "slip": null }), None).await;
    let (runtime, log) = start(&world).await;

    for id in [former, oldest] {
        reaches(&runtime, id, JobState::Succeeded).await;
    }
    let lines = log.lines();
    assert!(
        ["put on s-1", "put on s-2"].iter().all(|line| lines.iter().any(|found| found == line)),
        "{lines:?}"
    );
    assert_eq!(&*job(&runtime, former).await.name, "PutAway", "the stored job keeps its name");
}

async fn r52_a_job_stored_under_an_alias_of_its_event_handler_runs(world: World) {
    let id = store_job(&world, "count_things", JobKind::EventHandler, json!({ "shelf": "s-9" }), None).await;
    let (runtime, log) = start(&world).await;

    reaches(&runtime, id, JobState::Succeeded).await;
    assert_eq!(log.lines(), ["counted s-9"]);
}

async fn r52_a_job_of_an_unknown_name_stays_ready(world: World) {
    let id =
        store_job(&world, "put_on_shelf", JobKind::Command, json!({ "shelf": "s-1", "slip": null }), None)
            .await;
    let (runtime, log) = start(&world).await;

    runtime.publish(Inspect { shelf: "s-1".to_owned() }).await.unwrap().outcome().await.unwrap();
    assert_eq!((state(&runtime, id).await, log.lines().len()), (JobState::Ready, 0));
}

async fn r52_a_command_is_published_by_any_of_its_names_and_stored_under_its_own(world: World) {
    let (runtime, _) = start(&world).await;
    for (times, name) in [(1, "shelf.put"), (2, "Put"), (3, "PutAway")] {
        let job = runtime.publish_json(name, json!({ "shelf": "s-1" })).await.unwrap();
        assert_eq!(job.outcome().await.unwrap(), json!(times), "{name}");
    }
    assert_eq!(jobs_of(&runtime, "shelf.put").await.len(), 3);

    let failure = runtime.publish_json("PutOnShelf", json!({ "shelf": "s-1" })).await.unwrap_err();
    assert_eq!(failure.kind(), FailureKind::UnknownName);
    assert!(failure.message().ends_with("the commands are Inspect, Picture, Weigh, shelf.put"), "{failure}");
}

async fn r52_a_request_under_an_alias_is_the_same_request(world: World) {
    let request = json!({ "shelf": "s-1", "slip": "n-1" });
    let first = store_job(&world, "Put", JobKind::Command, request.clone(), Key::of("n-1")).await;
    let (runtime, _) = start(&world).await;

    let again = runtime.publish(put(Some("n-1"))).await.unwrap();
    assert_eq!(again.id(), first);
    assert_eq!(again.outcome().await.unwrap(), 1);
    let by_alias = runtime.publish_json("PutAway", request).await.unwrap();
    assert_eq!(by_alias.id(), first);
    assert_eq!(runtime.execute(put(Some("n-1"))).await.unwrap(), 1, "the request is not repeated");

    let other = runtime.publish_json("Put", json!({ "shelf": "s-2", "slip": "n-1" })).await.unwrap_err();
    assert_eq!(other.kind(), FailureKind::IdempotencyMismatch);
    let other_command =
        runtime.publish(Inspect { shelf: "s-1".to_owned() }).idempotency_key("n-1").await.unwrap_err();
    assert_eq!(other_command.kind(), FailureKind::IdempotencyMismatch, "another command is another request");
}

/// Claims the next job of a command, as another program on the same store does.
async fn claim_next(world: &World, name: &str) -> Job {
    let claim = Claim {
        worker: WorkerId::from_text("elsewhere"),
        names: Arc::new(HashMap::from([(Arc::from(name), Claimable { queue: 0, entity: None })])),
        room: vec![1],
        batch: 0,
        now: world.now(),
    };
    let store = world.store();
    let length = Duration::from_mins(1);
    store.renew(Lease { worker: claim.worker.clone(), renewals: 1, length }).await.unwrap();
    store.claim(claim).await.unwrap().jobs.remove(0)
}

/// Commits the end of a job, as the other program does.
async fn finish(world: &World, job: &Job, output: Result<Value, Failure>) {
    let (failure, next) = match output {
        Ok(output) => (None, Next::Succeeded(Json::of(&output).unwrap())),
        Err(failure) => (Some(failure), Next::Failed),
    };
    let mut attempt = Attempt::begun(job.attempts, WorkerId::from_text("elsewhere"), world.now());
    attempt.ended_at = Some(world.now());
    attempt.reached = Some(Step::Commit);
    attempt.failure = failure;
    world.store().commit(Commit::ending(job.id, attempt, next)).await.unwrap();
}

async fn r52_a_remote_command_is_left_to_another_program(world: World) {
    let (runtime, _) = start(&world).await;
    let weighing = runtime.publish(Weigh { shelf: "s-1".to_owned() }).await.unwrap();
    // A later job of this program makes its worker claim again, which must not take the remote one.
    runtime.publish(put(None)).await.unwrap().outcome().await.unwrap();
    settle().await;
    assert_eq!(state(&runtime, weighing.id()).await, JobState::Ready);

    let job = claim_next(&world, "Weigh").await;
    assert_eq!((job.id, job.payload.value().unwrap()), (weighing.id(), json!({ "shelf": "s-1" })));
    finish(&world, &job, Ok(json!(750))).await;
    let grams: u64 = weighing.outcome().await.unwrap();
    assert_eq!(grams, 750);
}

async fn r06_executing_a_remote_command_waits_for_the_other_program(world: World) {
    let (runtime, _) = start(&world).await;
    let weighing = tokio::spawn(runtime.execute(Weigh { shelf: "s-1".to_owned() }).into_future());
    until("the job is stored", async || jobs(&runtime).await.len() == 1).await;
    let job = claim_next(&world, "Weigh").await;
    assert_eq!(
        (job.attempts, job.order_key.as_ref()),
        (1, None),
        "the other program runs it, and it is in no lane"
    );
    finish(&world, &job, Ok(json!(750))).await;
    until("the execution has polled for the outcome", async || {
        world.advance(Duration::from_secs(1));
        weighing.is_finished()
    })
    .await;

    assert_eq!(weighing.await.unwrap().unwrap(), 750);
}

async fn r52_the_output_of_a_remote_command_is_json_by_default(world: World) {
    let (runtime, _) = start(&world).await;
    let taking = runtime.publish(Picture { shelf: "s-1".to_owned() }).await.unwrap();
    let job = claim_next(&world, "Picture").await;
    finish(&world, &job, Ok(json!({ "width": 640 }))).await;
    let picture: Value = taking.outcome().await.unwrap();
    assert_eq!(picture, json!({ "width": 640 }));
}

async fn r52_the_failure_of_a_remote_command_is_the_other_programs(world: World) {
    let (runtime, _) = start(&world).await;
    let weighing = runtime.publish(Weigh { shelf: "s-1".to_owned() }).await.unwrap();
    let job = claim_next(&world, "Weigh").await;
    finish(&world, &job, Err(Failure::new(FailureKind::Error, "no_scale", "the scale is broken"))).await;
    assert_eq!(kind_and_code(&weighing.outcome().await.unwrap_err()), (FailureKind::Error, "no_scale"));
}

async fn r52_a_remote_command_is_validated_and_staged_like_any_other(world: World) {
    let (runtime, _) = start(&world).await;
    let refusal = runtime.publish_json("Weigh", json!({ "shelf": 7 })).await.unwrap_err();
    assert_eq!(refusal.kind(), FailureKind::Invalid);
    assert!(jobs(&runtime).await.is_empty());

    runtime.execute(Inspect { shelf: "s-1".to_owned() }).await.unwrap();
    let [weighing] = jobs_of(&runtime, "Weigh").await.try_into().unwrap();
    assert_eq!((weighing.state, weighing.spec.order_key), (JobState::Ready, Key::of("s-1")));
}

on_every_store! {
    r52_stored_names_come_from_the_attributes,
    r52_a_job_stored_under_an_alias_of_its_command_runs,
    r52_a_job_stored_under_an_alias_of_its_event_handler_runs,
    r52_a_job_of_an_unknown_name_stays_ready,
    r52_a_command_is_published_by_any_of_its_names_and_stored_under_its_own,
    r52_a_request_under_an_alias_is_the_same_request,
    r52_a_remote_command_is_left_to_another_program,
    r06_executing_a_remote_command_waits_for_the_other_program,
    r52_the_output_of_a_remote_command_is_json_by_default,
    r52_the_failure_of_a_remote_command_is_the_other_programs,
    r52_a_remote_command_is_validated_and_staged_like_any_other,
}
