//! What a job keeps of its attempts (r21), and when a failed attempt is retried (r22).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{Log, World, job, kind_and_code, on_every_store, reaches, settle, until};
use enact::prelude::*;
use enact::{JobId, Step};

/// Fail with a failure of this kind.
#[command]
struct Fail {
    #[schemars(with = "String")]
    kind: FailureKind,
}

mod kind {
    use enact::FailureKind;
    pub(super) const RETRIED: [FailureKind; 5] = [
        FailureKind::Error,
        FailureKind::Conflict,
        FailureKind::TimedOut,
        FailureKind::Panicked,
        FailureKind::Lost,
    ];
    pub(super) const FINAL: [FailureKind; 5] = [
        FailureKind::Invalid,
        FailureKind::Denied,
        FailureKind::NotFound,
        FailureKind::AlreadyExists,
        FailureKind::Violated,
    ];
}

#[command(retry = Retry::fixed(3, Duration::from_mins(1)))]
async fn fail(fail: Fail) -> Result<(), Failure> {
    assert_ne!(fail.kind, FailureKind::Panicked, "as asked");
    Err(Failure::new(fail.kind, "as_asked", "as asked"))
}

/// Fail without a retry policy.
#[command]
struct FailOnce {}

#[command]
async fn fail_once(_: FailOnce) -> Result<(), String> {
    Err("no".to_owned())
}

/// Fail until the given attempt. The retry pauses grow.
#[command]
struct Grow {
    succeeds_at: u32,
}

#[command(retry = Retry::exponential(4, Duration::from_secs(10)))]
async fn grow(grow: Grow, context: ExecutionContext, log: Arc<Log>) -> Result<u32, String> {
    let attempt = context.attempt().unwrap();
    log.note(format!("attempt {attempt}"));
    if attempt < grow.succeeds_at { Err(format!("attempt {attempt} fails")) } else { Ok(attempt) }
}

struct Running {
    runtime: Runtime,
    log: Arc<Log>,
}

async fn start(world: &World) -> Running {
    let log = Log::new();
    let runtime = world.builder().provide::<Log>(log.clone()).start().await.unwrap();
    Running { runtime, log }
}

async fn r21_a_job_keeps_every_attempt(world: World) {
    let Running { runtime, log, .. } = start(&world).await;
    let job = runtime.publish(Grow { succeeds_at: 3 }).await.unwrap();
    let begun = world.now();
    for pause in [10, 20] {
        let waiting = until_attempt_failed(&runtime, job.id(), log.lines().len().max(1)).await;
        assert_eq!(waiting.due_at, Some(world.now() + Duration::from_secs(pause)));
        assert_eq!(waiting.failure.unwrap().message(), format!("attempt {} fails", waiting.attempts));
        world.advance(Duration::from_secs(pause));
        until("the next attempt has begun", async || log.lines().len() > waiting.attempts as usize).await;
    }
    assert_eq!(job.outcome().await.unwrap(), 3);
    let ended = job.job().await.unwrap();
    assert_eq!((ended.attempts, ended.failure, ended.due_at), (3, None, None));
    let attempts = runtime.jobs().attempts(job.id()).await.unwrap();
    let summary: Vec<_> = attempts
        .iter()
        .map(|attempt| {
            (
                attempt.number,
                attempt.reached,
                attempt.failure.as_ref().map(|failure| failure.message().to_owned()),
            )
        })
        .collect();
    assert_eq!(
        summary,
        [
            (1, Some(Step::Handle), Some("attempt 1 fails".to_owned())),
            (2, Some(Step::Handle), Some("attempt 2 fails".to_owned())),
            (3, Some(Step::Commit), None),
        ]
    );
    let times: Vec<_> =
        attempts.iter().map(|attempt| (attempt.started_at, attempt.ended_at.unwrap())).collect();
    let at = |seconds| begun + Duration::from_secs(seconds);
    assert_eq!(times, [(at(0), at(0)), (at(10), at(10)), (at(30), at(30))]);
    assert!(attempts.iter().all(|attempt| attempt.worker == attempts[0].worker));
}

/// Waits until attempt `number` or a later one has failed and the job waits for its retry.
async fn until_attempt_failed(runtime: &Runtime, id: JobId, number: usize) -> enact::Job {
    until("the attempt has failed", async || {
        let job = job(runtime, id).await;
        job.state == JobState::Waiting && job.attempts as usize >= number
    })
    .await;
    job(runtime, id).await
}

async fn r22_without_a_policy_nothing_is_retried(world: World) {
    let Running { runtime, .. } = start(&world).await;
    let job = runtime.publish(FailOnce {}).await.unwrap();
    let failure = job.outcome().await.unwrap_err();
    assert_eq!(kind_and_code(&failure), (FailureKind::Error, "error"));
    world.advance(Duration::from_secs(100_000));
    settle().await;
    let job = job.job().await.unwrap();
    assert_eq!((job.state, job.attempts, job.failure), (JobState::Failed, 1, Some(failure)));
}

async fn r22_a_transient_failure_is_retried_until_the_budget_is_used_up(world: World) {
    let Running { runtime, .. } = start(&world).await;
    for kind in kind::RETRIED {
        let job = runtime.publish(Fail { kind }).await.unwrap();
        for number in 1..=2 {
            let waiting = until_attempt_failed(&runtime, job.id(), number).await;
            assert_eq!(waiting.due_at, Some(world.now() + Duration::from_mins(1)), "{kind}");
            world.advance(Duration::from_mins(1));
        }
        let failure = job.outcome().await.unwrap_err();
        assert_eq!(failure.kind(), kind);
        let ended = job.job().await.unwrap();
        assert_eq!(
            (ended.state, ended.attempts, ended.failure.as_ref()),
            (JobState::Failed, 3, Some(&failure))
        );
        let attempts = runtime.jobs().attempts(job.id()).await.unwrap();
        assert_eq!(attempts.iter().map(|attempt| attempt.number).collect::<Vec<_>>(), [1, 2, 3]);
        assert!(
            attempts.iter().all(|attempt| attempt.failure.as_ref().unwrap().kind() == kind),
            "{attempts:?}"
        );
    }
}

async fn r22_a_failure_that_cannot_pass_is_never_retried(world: World) {
    let Running { runtime, .. } = start(&world).await;
    for kind in kind::FINAL {
        let job = runtime.publish(Fail { kind }).await.unwrap();
        assert_eq!(job.outcome().await.unwrap_err().kind(), kind);
        let ended = job.job().await.unwrap();
        assert_eq!((ended.state, ended.attempts), (JobState::Failed, 1), "{kind}");
    }
}

async fn r22_a_retry_does_not_run_before_it_is_due(world: World) {
    let Running { runtime, log, .. } = start(&world).await;
    let job = runtime.publish(Grow { succeeds_at: 2 }).await.unwrap();
    until_attempt_failed(&runtime, job.id(), 1).await;
    world.advance(Duration::from_millis(9_999));
    settle().await;
    assert_eq!(log.lines(), ["attempt 1"]);
    world.advance(Duration::from_millis(1));
    assert_eq!(job.outcome().await.unwrap(), 2);
}

async fn r22_a_pending_retry_survives_a_restart(world: World) {
    let first = start(&world).await;
    let id = first.runtime.publish(Grow { succeeds_at: 2 }).await.unwrap().id();
    until_attempt_failed(&first.runtime, id, 1).await;
    first.runtime.shutdown(Duration::from_secs(1)).await.unwrap();
    drop(first.runtime);

    let second = start(&world).await;
    settle().await;
    assert!(second.log.lines().is_empty());
    world.advance(Duration::from_secs(10));
    reaches(&second.runtime, id, JobState::Succeeded).await;
    assert_eq!(second.log.lines(), ["attempt 2"]);
    let attempts = second.runtime.jobs().attempts(id).await.unwrap();
    assert_eq!(attempts.len(), 2);
    assert_ne!(attempts[0].worker, attempts[1].worker);
}

on_every_store!(
    r21_a_job_keeps_every_attempt,
    r22_without_a_policy_nothing_is_retried,
    r22_a_transient_failure_is_retried_until_the_budget_is_used_up,
    r22_a_failure_that_cannot_pass_is_never_retried,
    r22_a_retry_does_not_run_before_it_is_due,
    r22_a_pending_retry_survives_a_restart,
);
