//! The states of a job and the table of legal transitions (r20).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{Gate, World, kind_and_code, on_every_store, reaches};
use enact::JobId;
use enact::prelude::*;

#[test]
fn r20_the_legal_transitions_are_exactly_these() {
    use JobState::{Cancelled, Failed, Ready, Running, Succeeded, Waiting};
    let table = [
        // to:        Waiting Ready  Running Succeeded Failed Cancelled
        (Waiting, [false, true, false, false, false, true]),
        (Ready, [false, false, true, false, false, true]),
        (Running, [true, true, false, true, true, true]),
        (Succeeded, [false; 6]),
        (Failed, [true, true, false, false, false, false]),
        (Cancelled, [false; 6]),
    ];
    assert_eq!(table.map(|row| row.0), JobState::ALL);
    for (from, row) in table {
        for (to, legal) in JobState::ALL.iter().copied().zip(row) {
            assert_eq!(from.may_become(to), legal, "{from} to {to}");
        }
        assert_eq!(from.has_ended(), [Succeeded, Failed, Cancelled].contains(&from), "{from}");
    }
}

#[test]
fn r20_the_table_says_when_each_transition_happens_and_lists_none_twice() {
    let transitions = JobState::TRANSITIONS;
    for (index, transition) in transitions.iter().enumerate() {
        assert!(!transition.when.is_empty(), "{} to {}", transition.from, transition.to);
        assert!(
            transitions[..index]
                .iter()
                .all(|other| (other.from, other.to) != (transition.from, transition.to))
        );
    }
}

#[test]
fn r20_states_are_written_and_parsed_by_name() {
    let names: Vec<_> = JobState::ALL.iter().map(|state| state.as_str()).collect();
    assert_eq!(names, ["waiting", "ready", "running", "succeeded", "failed", "cancelled"]);
    for &state in JobState::ALL {
        assert_eq!(state.as_str().parse::<JobState>().unwrap(), state);
        assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
    }
    let error = "done".parse::<JobState>().unwrap_err().to_string();
    assert!(names.iter().all(|name| error.contains(name)) && error.contains("`done`"), "{error}");
}

/// Wait at the gate, then succeed or fail.
#[command]
struct End {
    well: bool,
}

#[command]
async fn end(end: End, gate: Arc<Gate>) -> Result<(), String> {
    gate.pass().await;
    if end.well { Ok(()) } else { Err("as asked".to_owned()) }
}

async fn start(world: &World) -> (Runtime, Arc<Gate>) {
    let gate = Gate::new();
    (world.builder().concurrency(1).provide(gate.clone()).start().await.unwrap(), gate)
}

/// Brings one job into each state.
async fn in_every_state(runtime: &Runtime, gate: &Gate) -> Vec<(JobState, JobId)> {
    gate.open();
    gate.open();
    let succeeded = runtime.publish(End { well: true }).await.unwrap();
    succeeded.outcome().await.unwrap();
    let failed = runtime.publish(End { well: false }).await.unwrap();
    failed.outcome().await.unwrap_err();
    let waiting = runtime.publish(End { well: true }).delay(Duration::from_mins(1)).await.unwrap();
    let cancelled = runtime.publish(End { well: true }).delay(Duration::from_mins(1)).await.unwrap();
    runtime.jobs().cancel(cancelled.id()).await.unwrap();
    let running = runtime.publish(End { well: true }).await.unwrap();
    reaches(runtime, running.id(), JobState::Running).await;
    let ready = runtime.publish(End { well: true }).await.unwrap();
    let jobs = [waiting.id(), ready.id(), running.id(), succeeded.id(), failed.id(), cancelled.id()];
    JobState::ALL.iter().copied().zip(jobs).collect()
}

async fn r20_an_illegal_transition_is_refused_and_the_failure_names_the_legal_states(world: World) {
    let (runtime, gate) = start(&world).await;
    let refused = (FailureKind::Refused, "illegal_transition");
    for (state, job) in in_every_state(&runtime, &gate).await {
        assert_eq!(runtime.jobs().get(job).await.unwrap().unwrap().state, state);
        if state != JobState::Failed {
            let failure = runtime.jobs().retry(job).await.unwrap_err();
            assert_eq!(kind_and_code(&failure), refused);
            let begins = format!("job {job} is {state}, and cannot be retried: only a failed job can");
            assert!(failure.message().starts_with(&begins), "{failure}");
        }
        let cancelled = runtime.jobs().cancel(job).await;
        if [JobState::Succeeded, JobState::Failed].contains(&state) {
            let failure = cancelled.unwrap_err();
            assert_eq!(kind_and_code(&failure), refused);
            assert!(failure.message().contains("cannot be cancelled: it has ended already"), "{failure}");
            assert_eq!(runtime.jobs().get(job).await.unwrap().unwrap().state, state);
        } else {
            cancelled.unwrap();
            assert_eq!(runtime.jobs().get(job).await.unwrap().unwrap().state, JobState::Cancelled);
        }
    }
    gate.open_wide();
}

async fn r20_an_unknown_job_can_neither_be_cancelled_nor_retried(world: World) {
    let (runtime, _) = start(&world).await;
    let unknown: JobId = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
    for refused in [runtime.jobs().cancel(unknown).await, runtime.jobs().retry(unknown).await] {
        assert_eq!(kind_and_code(&refused.unwrap_err()), (FailureKind::NotFound, "no_such_job"));
    }
}

on_every_store!(
    r20_an_illegal_transition_is_refused_and_the_failure_names_the_legal_states,
    r20_an_unknown_job_can_neither_be_cancelled_nor_retried,
);
