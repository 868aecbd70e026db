//! Idempotency keys (r25) and lanes (r26).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::collections::BTreeSet;

use common::{
    Gate, Log, World, job, jobs, jobs_of, kind_and_code, on_every_store, reaches, settle, state, until,
};
use enact::prelude::*;

/// Make a payment.
#[command(idempotency_key = payment)]
struct Pay {
    payment: Option<String>,
    cents: i64,
}

#[command]
async fn pay(pay: Pay, log: Arc<Log>) -> Result<i64, String> {
    log.note(format!("pay {}", pay.cents));
    if pay.cents < 0 { Err("there is no negative money".to_owned()) } else { Ok(pay.cents) }
}

/// Another command whose idempotency key comes from a field.
#[command(idempotency_key = payment)]
struct Refund {
    payment: String,
    cents: i64,
}

#[command]
async fn refund(refund: Refund, log: Arc<Log>) {
    log.note(format!("refund {}", refund.cents));
}

/// Publish a payment from a handler.
#[command]
struct Arrange {
    payment: String,
    cents: i64,
    by_call: bool,
}

#[command]
async fn arrange(arrange: Arrange) {
    if arrange.by_call {
        publish(Pay { payment: None, cents: arrange.cents }).idempotency_key(&arrange.payment);
    } else {
        publish(Pay { payment: Some(arrange.payment), cents: arrange.cents });
    }
}

/// Take a step in a lane. Step 7 fails once, step 13 always.
#[command(order_by = lane)]
struct March {
    lane: Option<String>,
    number: u32,
}

#[command(retry = Retry::fixed(2, Duration::from_secs(10)))]
async fn march(
    march: March,
    context: ExecutionContext,
    gate: Arc<Gate>,
    log: Arc<Log>,
) -> Result<u32, Failure> {
    let attempt = context.attempt().unwrap();
    gate.pass().await;
    log.note(format!("{}-{}", march.lane.as_deref().unwrap_or("none"), march.number));
    match (march.number, attempt) {
        (13, _) => Err(Failure::denied("unlucky")),
        (7, 1) => Err(Failure::new(FailureKind::Error, "stumbled", "stumbled")),
        _ => Ok(march.number),
    }
}

/// Publish three steps from a handler.
#[command]
struct CommandThree {
    lane: String,
}

#[command]
async fn command_three(command: CommandThree) {
    for number in 1..=3 {
        publish(March { lane: None, number }).ordered_by(&command.lane);
    }
}

struct Running {
    runtime: Runtime,
    gate: Arc<Gate>,
    log: Arc<Log>,
}

async fn start(world: &World) -> Running {
    let (gate, log) = (Gate::new(), Log::new());
    let builder = world.builder().provide::<Gate>(gate.clone()).provide::<Log>(log.clone());
    Running { runtime: builder.start().await.unwrap(), gate, log }
}

fn paid(payment: &str, cents: i64) -> Pay {
    Pay { payment: Some(payment.to_owned()), cents }
}

fn step(lane: &str, number: u32) -> March {
    March { lane: Some(lane.to_owned()), number }
}

async fn r25_the_same_key_and_payload_return_the_existing_job(world: World) {
    let Running { runtime, log, .. } = start(&world).await;
    let first = runtime.publish(paid("p", 5)).await.unwrap();
    let again = runtime.publish(paid("p", 5)).await.unwrap();
    assert_eq!(first.id(), again.id());
    assert_eq!(again.outcome().await.unwrap(), 5);
    // Also after the job has ended, and by name.
    let late = runtime.publish_json("Pay", serde_json::json!({ "cents": 5, "payment": "p" })).await.unwrap();
    assert_eq!(late.id(), first.id());
    assert_eq!(runtime.execute(paid("p", 5)).await.unwrap(), 5);
    settle().await;
    assert_eq!(log.lines(), ["pay 5"]);
    assert_eq!(jobs(&runtime).await.len(), 1);
    assert_eq!(job(&runtime, first.id()).await.spec.idempotency_key.unwrap().as_str(), "p");
}

async fn r25_a_repeated_request_returns_the_failure_of_its_failed_job(world: World) {
    let Running { runtime, log, .. } = start(&world).await;
    let failure = runtime.execute(paid("p", -1)).await.unwrap_err();
    assert_eq!(runtime.execute(paid("p", -1)).await.unwrap_err(), failure);
    assert_eq!(log.lines(), ["pay -1"]);
}

async fn r25_the_same_key_with_another_payload_is_a_mismatch(world: World) {
    let Running { runtime, log, .. } = start(&world).await;
    let first = runtime.publish(paid("p", 5)).await.unwrap();
    first.outcome().await.unwrap();
    let other_command = Refund { payment: "p".to_owned(), cents: 5 };
    let mismatches = [
        runtime.publish(paid("p", 6)).await.unwrap_err(),
        runtime.execute(paid("p", 6)).await.unwrap_err(),
        runtime.publish(other_command).await.unwrap_err(),
        runtime.publish(paid("q", 5)).idempotency_key("p").await.unwrap_err(),
    ];
    for mismatch in mismatches {
        assert_eq!(kind_and_code(&mismatch), (FailureKind::IdempotencyMismatch, "idempotency_mismatch"));
        assert!(mismatch.message().contains(&first.id().to_string()), "{mismatch}");
    }
    settle().await;
    assert_eq!((log.lines().len(), jobs(&runtime).await.len()), (1, 1));
}

async fn r25_a_key_given_by_call_overrides_the_key_of_the_command(world: World) {
    let Running { runtime, .. } = start(&world).await;
    let first = runtime.publish(paid("p", 5)).idempotency_key("till-7").await.unwrap();
    let again = runtime.publish(paid("p", 5)).idempotency_key("till-7").await.unwrap();
    let by_field = runtime.publish(paid("p", 5)).await.unwrap();
    assert_eq!(first.id(), again.id());
    assert_ne!(first.id(), by_field.id());
}

async fn r25_without_a_key_each_request_is_a_new_job(world: World) {
    let Running { runtime, log, .. } = start(&world).await;
    for _ in 0..2 {
        runtime.execute(Pay { payment: None, cents: 1 }).await.unwrap();
    }
    assert_eq!(log.lines(), ["pay 1", "pay 1"]);
}

async fn r25_a_key_is_known_after_a_restart(world: World) {
    let first = start(&world).await;
    let id = first.runtime.publish(paid("p", 5)).await.unwrap().id();
    reaches(&first.runtime, id, JobState::Succeeded).await;
    drop(first);
    let second = start(&world).await;
    assert_eq!(second.runtime.publish(paid("p", 5)).await.unwrap().id(), id);
    assert_eq!(second.runtime.execute(paid("p", 5)).await.unwrap(), 5);
    assert!(second.log.lines().is_empty());
}

async fn r25_concurrent_requests_with_one_key_make_one_job(world: World) {
    let here = start(&world).await;
    let elsewhere = start(&world).await;
    let mut tasks = Vec::new();
    for number in 0..60 {
        let runtime = if number % 2 == 0 { &here.runtime } else { &elsewhere.runtime }.clone();
        tasks.push(tokio::spawn(async move {
            if number % 3 == 0 {
                runtime.execute(paid("p", 5)).await.unwrap();
            } else {
                runtime.publish(paid("p", 5)).await.unwrap();
            }
        }));
    }
    // An execution whose job runs in the other process polls for its end.
    let clock = world.clock.clone();
    let ticking = tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(5)).await;
            clock.advance(Duration::from_millis(1001));
        }
    });
    for task in tasks {
        task.await.unwrap();
    }
    ticking.abort();
    let [only] = &*jobs(&here.runtime).await else { panic!("one job") };
    reaches(&here.runtime, only.id, JobState::Succeeded).await;
    assert_eq!(here.log.lines().len() + elsewhere.log.lines().len(), 1);
}

async fn r25_a_staged_request_is_stored_once_too(world: World) {
    let Running { runtime, log, .. } = start(&world).await;
    runtime.execute(paid("p", 5)).await.unwrap();
    for by_call in [true, true, false] {
        let payment = if by_call { "q" } else { "p" }.to_owned();
        runtime.execute(Arrange { payment, cents: 5, by_call }).await.unwrap();
    }
    until("payment `q` is made", async || log.lines().len() >= 2).await;
    settle().await;
    assert_eq!(log.lines(), ["pay 5", "pay 5"]);
    assert_eq!(jobs_of(&runtime, "Pay").await.len(), 2);
}

async fn r25_a_staged_request_with_another_payload_fails_the_execution(world: World) {
    let Running { runtime, .. } = start(&world).await;
    runtime.execute(paid("p", 5)).await.unwrap();
    let failure =
        runtime.execute(Arrange { payment: "p".to_owned(), cents: 6, by_call: false }).await.unwrap_err();
    assert_eq!(failure.code(), "idempotency_mismatch");
    assert_eq!(jobs_of(&runtime, "Pay").await.len(), 1);
    assert_eq!(jobs_of(&runtime, "Arrange").await[0].state, JobState::Failed);
}

async fn r25_publish_all_stores_a_repeated_request_once(world: World) {
    let Running { runtime, .. } = start(&world).await;
    let requests = [paid("p", 5), paid("q", 1), paid("p", 5), paid("p", 6)].map(|pay| runtime.publish(pay));
    let results = runtime.publish_all(requests).await;
    let ids: Vec<_> = results.iter().map(|result| result.as_ref().map(JobHandle::id)).collect();
    assert_eq!(ids[0].as_ref().unwrap(), ids[2].as_ref().unwrap());
    assert_ne!(ids[0].as_ref().unwrap(), ids[1].as_ref().unwrap());
    assert_eq!(ids[3].as_ref().unwrap_err().kind(), FailureKind::IdempotencyMismatch);
    assert_eq!(jobs(&runtime).await.len(), 2);
}

/// Lets the steps pass one by one and asserts that at most one of them runs at a time.
async fn pass_one_by_one(runtime: &Runtime, gate: &Gate, steps: usize) {
    for _ in 0..steps {
        gate.arrival().await;
        settle().await;
        assert_eq!(gate.arrivals(), 0, "two steps are running");
        let running =
            jobs_of(runtime, "March").await.iter().filter(|job| job.state == JobState::Running).count();
        assert_eq!(running, 1);
        gate.open();
    }
}

async fn r26_a_lane_runs_one_at_a_time_in_the_order_of_publishing(world: World) {
    let Running { runtime, gate, log } = start(&world).await;
    let mut last = None;
    for number in 1..=5 {
        last = Some(runtime.publish(step("a", number)).await.unwrap());
    }
    pass_one_by_one(&runtime, &gate, 5).await;
    assert_eq!(last.unwrap().outcome().await.unwrap(), 5);
    assert_eq!(log.lines(), ["a-1", "a-2", "a-3", "a-4", "a-5"]);
}

async fn r26_lanes_do_not_wait_for_each_other(world: World) {
    let Running { runtime, gate, .. } = start(&world).await;
    let mut published = Vec::new();
    for lane in ["a", "b", "c"] {
        for number in 1..=2 {
            published.push(runtime.publish(step(lane, number)).await.unwrap());
        }
    }
    published.push(runtime.publish(March { lane: None, number: 1 }).await.unwrap());
    published.push(runtime.publish(March { lane: None, number: 2 }).await.unwrap());
    // The heads of the three lanes and both jobs without a lane.
    for _ in 0..5 {
        gate.arrival().await;
    }
    settle().await;
    assert_eq!(gate.arrivals(), 0);
    let mut states = Vec::new();
    for job in &published {
        states.push(job.state().await.unwrap());
    }
    let [runs, waits] = [JobState::Running, JobState::Waiting];
    assert_eq!(states, [runs, waits, runs, waits, runs, waits, runs, runs]);
    gate.open_wide();
    for job in published {
        job.outcome().await.unwrap();
    }
}

async fn r26_a_lane_continues_after_a_failed_job(world: World) {
    let Running { runtime, gate, log } = start(&world).await;
    let unlucky = runtime.publish(step("a", 13)).await.unwrap();
    let next = runtime.publish(step("a", 14)).await.unwrap();
    gate.open_wide();
    assert_eq!(unlucky.outcome().await.unwrap_err().kind(), FailureKind::Denied);
    assert_eq!(next.outcome().await.unwrap(), 14);
    assert_eq!(log.lines(), ["a-13", "a-14"]);
}

async fn r26_a_retry_stays_at_the_head_of_its_lane(world: World) {
    let Running { runtime, gate, log } = start(&world).await;
    gate.open_wide();
    let stumbling = runtime.publish(step("a", 7)).await.unwrap();
    let next = runtime.publish(step("a", 8)).await.unwrap();
    reaches(&runtime, stumbling.id(), JobState::Waiting).await;
    settle().await;
    assert_eq!(next.state().await.unwrap(), JobState::Waiting);
    assert_eq!(log.lines(), ["a-7"]);
    world.advance(Duration::from_secs(10));
    assert_eq!(next.outcome().await.unwrap(), 8);
    assert_eq!(log.lines(), ["a-7", "a-7", "a-8"]);
}

async fn r26_an_execution_does_not_wait_in_a_lane(world: World) {
    let Running { runtime, gate, log } = start(&world).await;
    let published = runtime.publish(step("a", 1)).await.unwrap();
    gate.arrival().await;
    let waiting = runtime.publish(step("a", 2)).await.unwrap();
    let execution = tokio::spawn(runtime.execute(step("a", 3)).into_future());
    // The execution arrives beside the running job and before the waiting one.
    gate.arrival().await;
    assert_eq!(state(&runtime, waiting.id()).await, JobState::Waiting);
    gate.open_wide();
    assert_eq!(execution.await.unwrap().unwrap(), 3);
    published.outcome().await.unwrap();
    waiting.outcome().await.unwrap();
    assert_eq!(log.lines().iter().collect::<BTreeSet<_>>().len(), 3);
}

async fn r26_no_job_of_a_lane_waits_for_an_execution(world: World) {
    let Running { runtime, gate, .. } = start(&world).await;
    let execution = tokio::spawn(runtime.execute(step("a", 1)).into_future());
    gate.arrival().await;
    let [executed] = &*jobs(&runtime).await else { panic!("one job") };
    assert_eq!(executed.order_key, None);
    let published = runtime.publish(step("a", 2)).await.unwrap();
    // The published job arrives while the execution is still held.
    gate.arrival().await;
    assert_eq!(published.job().await.unwrap().spec.order_key.unwrap().as_str(), "a");
    gate.open_wide();
    assert_eq!((execution.await.unwrap().unwrap(), published.outcome().await.unwrap()), (1, 2));
}

async fn r26_a_lane_given_by_call_overrides_the_lane_of_the_command(world: World) {
    let Running { runtime, gate, log } = start(&world).await;
    for (lane, number) in [("a", 1), ("b", 2), ("c", 3)] {
        runtime.publish(step(lane, number)).ordered_by("one").await.unwrap();
    }
    pass_one_by_one(&runtime, &gate, 3).await;
    until("all steps have run", async || log.lines().len() == 3).await;
    assert_eq!(log.lines(), ["a-1", "b-2", "c-3"]);
}

async fn r26_staged_commands_keep_their_order(world: World) {
    let Running { runtime, gate, log } = start(&world).await;
    runtime.execute(CommandThree { lane: "a".to_owned() }).await.unwrap();
    pass_one_by_one(&runtime, &gate, 3).await;
    until("all steps have run", async || log.lines().len() == 3).await;
    assert_eq!(log.lines(), ["none-1", "none-2", "none-3"]);
}

async fn r26_publish_all_keeps_the_order_of_its_requests(world: World) {
    let Running { runtime, gate, log } = start(&world).await;
    gate.open_wide();
    let results = runtime.publish_all((1..=6).map(|number| runtime.publish(step("a", number)))).await;
    for result in results {
        result.unwrap().outcome().await.unwrap();
    }
    assert_eq!(log.lines(), (1..=6).map(|number| format!("a-{number}")).collect::<Vec<_>>());
}

async fn r26_two_runtimes_keep_the_order_of_a_lane(world: World) {
    let here = start(&world).await;
    let elsewhere = start(&world).await;
    let gates = [&here.gate, &elsewhere.gate];
    let mut ids = Vec::new();
    for number in 1..=6 {
        let runtime = if number % 2 == 0 { &here.runtime } else { &elsewhere.runtime };
        ids.push(runtime.publish(step("a", number)).await.unwrap().id());
    }
    for id in ids {
        // Either runtime may claim it, but only the head of the lane runs.
        reaches(&here.runtime, id, JobState::Running).await;
        settle().await;
        let running: Vec<_> =
            jobs(&here.runtime).await.into_iter().filter(|job| job.state == JobState::Running).collect();
        assert_eq!(running.iter().map(|job| job.id).collect::<Vec<_>>(), [id]);
        until("the step has arrived at a gate", async || {
            gates.iter().map(|gate| gate.arrivals()).sum::<usize>() == 1
        })
        .await;
        for gate in gates {
            if gate.arrivals() == 1 {
                gate.arrival().await;
                gate.open();
            }
        }
        reaches(&here.runtime, id, JobState::Succeeded).await;
        world.advance(Duration::from_millis(1500));
    }
}

on_every_store!(
    r25_the_same_key_and_payload_return_the_existing_job,
    r25_a_repeated_request_returns_the_failure_of_its_failed_job,
    r25_the_same_key_with_another_payload_is_a_mismatch,
    r25_a_key_given_by_call_overrides_the_key_of_the_command,
    r25_without_a_key_each_request_is_a_new_job,
    r25_a_key_is_known_after_a_restart,
    r25_concurrent_requests_with_one_key_make_one_job,
    r25_a_staged_request_is_stored_once_too,
    r25_a_staged_request_with_another_payload_fails_the_execution,
    r25_publish_all_stores_a_repeated_request_once,
    r26_a_lane_runs_one_at_a_time_in_the_order_of_publishing,
    r26_lanes_do_not_wait_for_each_other,
    r26_a_lane_continues_after_a_failed_job,
    r26_a_retry_stays_at_the_head_of_its_lane,
    r26_an_execution_does_not_wait_in_a_lane,
    r26_no_job_of_a_lane_waits_for_an_execution,
    r26_a_lane_given_by_call_overrides_the_lane_of_the_command,
    r26_staged_commands_keep_their_order,
    r26_publish_all_keeps_the_order_of_its_requests,
    r26_two_runtimes_keep_the_order_of_a_lane,
);
