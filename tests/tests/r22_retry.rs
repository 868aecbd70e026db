//! Retries (r22): pauses, policies per failure kind, pauses that a failure asks for, deadlines, and retries by hand.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::sync::atomic::{AtomicU32, Ordering};

use common::{World, job, kind_and_code, on_every_store, reaches, settle, until};
use enact::prelude::*;
use enact::{Job, JobId};

fn some_job() -> JobId {
    "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap()
}

#[test]
fn r22_pauses_are_fixed_or_double_up_to_an_hour() {
    let pauses = |retry: Retry, count: u32| -> Vec<Option<u64>> {
        let failure = Failure::new(FailureKind::Error, "error", "no");
        let pause = |number| retry.pause_after(some_job(), number, &failure);
        (1..=count).map(|number| pause(number).map(|pause| pause.as_secs())).collect()
    };
    assert_eq!(pauses(Retry::none(), 2), [None, None]);
    assert_eq!(pauses(Retry::default(), 1), [None]);
    assert_eq!(pauses(Retry::fixed(0, Duration::from_secs(1)), 1), [None]);
    assert_eq!(pauses(Retry::fixed(3, Duration::from_secs(7)), 4), [Some(7), Some(7), None, None]);
    assert_eq!(pauses(Retry::fixed(2, Duration::from_mins(150)), 1), [Some(9000)]);
    assert_eq!(pauses(Retry::exponential(4, Duration::from_secs(3)), 4), [Some(3), Some(6), Some(12), None]);
    let long = pauses(Retry::exponential(u32::MAX, Duration::from_secs(1000)), 100);
    assert_eq!(long[..4], [Some(1000), Some(2000), Some(3600), Some(3600)]);
    assert_eq!(long[99], Some(3600));
    assert_eq!(pauses(Retry::exponential(9, Duration::from_mins(150)), 3), [Some(9000); 3]);
}

#[test]
fn r22_no_policy_retries_a_permanent_failure() {
    let retry = Retry::fixed(9, Duration::from_secs(1));
    for kind in [FailureKind::Error, FailureKind::Conflict, FailureKind::TimedOut, FailureKind::Panicked] {
        let failure = Failure::new(kind, "code", "message");
        assert_eq!(retry.pause_after(some_job(), 1, &failure), Some(Duration::from_secs(1)));
        assert_eq!(retry.pause_after(some_job(), 1, &failure.permanent()), None);
    }
}

#[test]
fn r22_longest_pause_caps_the_pauses() {
    let failure = Failure::new(FailureKind::Error, "error", "no");
    let capped = Retry::exponential(9, Duration::from_secs(1)).longest_pause(Duration::from_secs(3));
    let pauses = [1, 2, 3, 8].map(|number| capped.pause_after(some_job(), number, &failure).unwrap());
    assert_eq!(pauses, [1, 2, 3, 3].map(Duration::from_secs));
}

#[test]
fn r22_jitter_spreads_pauses_between_half_and_full_length() {
    let failure = Failure::new(FailureKind::Error, "error", "no");
    let jittered = Retry::exponential_with_jitter(9, Duration::from_secs(1));
    let whole = Retry::exponential(9, Duration::from_secs(1));
    let mut shares = Vec::new();
    for number in 1..=8 {
        for low in 0..50 {
            let job: JobId = format!("01890a5d-ac96-774b-bcce-b3020990{low:04}").parse().unwrap();
            let pause = jittered.pause_after(job, number, &failure).unwrap();
            assert_eq!(jittered.pause_after(job, number, &failure), Some(pause), "jitter is deterministic");
            let longest = whole.pause_after(job, number, &failure).unwrap();
            assert!(longest / 2 <= pause && pause <= longest, "{pause:?} of {longest:?}");
            shares.push(pause.as_secs_f64() / longest.as_secs_f64());
        }
    }
    shares.sort_by(f64::total_cmp);
    assert!(
        shares[0] < 0.55 && shares[shares.len() / 2] > 0.7 && shares[shares.len() - 1] > 0.95,
        "{shares:?}"
    );
}

#[test]
fn r22_the_longest_pauses_do_not_overflow() {
    let failure = Failure::new(FailureKind::Error, "error", "failed");
    let years = |years: u32| Duration::from_hours(24 * 365) * years;
    for base in [years(500), years(1_000), years(1_000_000), Duration::MAX] {
        for number in [1, 2, 33, 34, u32::MAX - 1] {
            let job: JobId = "00000000-0000-7000-8000-000000000001".parse().unwrap();
            for policy in [
                Retry::exponential(u32::MAX, base),
                Retry::exponential_with_jitter(u32::MAX, base),
                Retry::exponential_with_jitter(u32::MAX, base).longest_pause(Duration::MAX),
            ] {
                let pause = policy.pause_after(job, number, &failure).unwrap();
                assert!(pause >= base / 2, "{policy}: {pause:?}");
            }
        }
    }
}

#[test]
fn r22_a_failure_kind_can_have_a_policy_of_its_own() {
    let retry = Retry::fixed(3, Duration::from_secs(9))
        .on(FailureKind::Conflict, Retry::fixed(5, Duration::ZERO))
        .on(FailureKind::TimedOut, Retry::none());
    let pause = |kind, number| retry.pause_after(some_job(), number, &Failure::new(kind, "code", "message"));
    assert_eq!(pause(FailureKind::Error, 2), Some(Duration::from_secs(9)));
    assert_eq!(pause(FailureKind::Error, 3), None);
    assert_eq!(pause(FailureKind::Conflict, 4), Some(Duration::ZERO));
    assert_eq!(pause(FailureKind::Conflict, 5), None);
    assert_eq!(pause(FailureKind::TimedOut, 1), None);
    assert_eq!(pause(FailureKind::Violated, 1), None);
}

#[test]
#[should_panic(
    expected = "only failures of the kinds Error, Conflict, TimedOut, Panicked and Lost can be retried"
)]
fn r22_a_policy_for_a_kind_that_is_never_retried_is_refused() {
    let _ = Retry::none().on(FailureKind::Violated, Retry::fixed(2, Duration::ZERO));
}

#[test]
fn r22_a_failure_can_ask_for_a_pause() {
    let failure =
        Failure::new(FailureKind::Error, "busy", "come back later").retry_in(Duration::from_secs(77));
    let retry = Retry::fixed(2, Duration::from_secs(1));
    assert_eq!(retry.pause_after(some_job(), 1, &failure), Some(Duration::from_secs(77)));
    assert_eq!(retry.pause_after(some_job(), 2, &failure), None, "the budget still holds");
    assert_eq!(retry.pause_after(some_job(), 1, &failure.clone().permanent()), None);
    let read: Failure = serde_json::from_value(serde_json::to_value(&failure).unwrap()).unwrap();
    assert_eq!((read.retry_after(), &read), (Some(Duration::from_secs(77)), &failure));
}

/// Call a line that is busy at first.
#[command]
struct Call {
    number: u32,
}

/// The number of calls that still find the line busy.
struct Line(AtomicU32);

impl Line {
    fn busy(times: u32) -> Arc<Self> {
        Arc::new(Self(AtomicU32::new(times)))
    }

    fn becomes_free(&self) {
        self.0.store(0, Ordering::SeqCst);
    }
}

#[command(retry = Retry::fixed(2, Duration::from_secs(10)))]
async fn call(call: Call, line: Arc<Line>) -> Result<u32, Failure> {
    let busy = line.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
    let failure = Failure::new(FailureKind::Error, "busy", "the line is busy");
    if busy { Err(failure.retry_in(Duration::from_secs(30))) } else { Ok(call.number) }
}

async fn start(world: &World, line: &Arc<Line>) -> Runtime {
    world.builder().provide(line.clone()).start().await.unwrap()
}

async fn publish(runtime: &Runtime, number: u32) -> JobHandle<u32> {
    runtime.publish(Call { number }).await.unwrap()
}

/// Advances the clock until the job has used up its attempts.
async fn exhaust(world: &World, runtime: &Runtime, id: JobId) -> Job {
    until("the job has used up its attempts", async || {
        world.advance(Duration::from_secs(30));
        job(runtime, id).await.state == JobState::Failed
    })
    .await;
    job(runtime, id).await
}

async fn r22_a_job_waits_for_the_pause_that_its_failure_asks_for(world: World) {
    let line = Line::busy(1);
    let runtime = start(&world, &line).await;
    let call = publish(&runtime, 7).await;
    let waiting = reaches(&runtime, call.id(), JobState::Waiting).await;
    assert_eq!(waiting.due_at, Some(world.now() + Duration::from_secs(30)));
    world.advance(Duration::from_secs(30));
    assert_eq!(call.outcome().await.unwrap(), 7);
}

async fn r22_a_job_that_is_retried_by_hand_has_a_fresh_budget_and_keeps_its_attempts(world: World) {
    let line = Line::busy(100);
    let runtime = start(&world, &line).await;
    let call = publish(&runtime, 7).await;
    let failed = exhaust(&world, &runtime, call.id()).await;
    assert_eq!((failed.attempts, failed.failure.unwrap().code().to_owned()), (2, "busy".to_owned()));

    runtime.jobs().retry(call.id()).await.unwrap();
    let again = exhaust_again(&world, &runtime, call.id(), 4).await;
    assert_eq!(again.attempts, 4, "the fresh budget is two attempts");

    line.becomes_free();
    runtime.jobs().retry(call.id()).await.unwrap();
    assert_eq!(call.outcome().await.unwrap(), 7);
    let attempts = runtime.jobs().attempts(call.id()).await.unwrap();
    let failures: Vec<_> =
        attempts.iter().map(|attempt| (attempt.number, attempt.failure.is_some())).collect();
    assert_eq!(failures, [(1, true), (2, true), (3, true), (4, true), (5, false)]);
}

/// Advances the clock until the job has failed with at least `attempts` attempts.
async fn exhaust_again(world: &World, runtime: &Runtime, id: JobId, attempts: u32) -> Job {
    until("the job has failed again", async || {
        world.advance(Duration::from_secs(30));
        let job = job(runtime, id).await;
        job.state == JobState::Failed && job.attempts >= attempts
    })
    .await;
    job(runtime, id).await
}

async fn r22_a_fresh_budget_survives_a_restart(world: World) {
    let line = Line::busy(100);
    let first = start(&world, &line).await;
    let id = publish(&first, 7).await.id();
    exhaust(&world, &first, id).await;
    first.jobs().retry(id).await.unwrap();
    until("the third attempt has failed", async || job(&first, id).await.attempts == 3).await;
    reaches(&first, id, JobState::Waiting).await;
    assert_eq!(job(&first, id).await.spent, 2);
    first.shutdown(Duration::from_secs(1)).await.unwrap();
    drop(first);

    let second = start(&world, &line).await;
    assert_eq!(job(&second, id).await.spent, 2);
    assert_eq!(exhaust(&world, &second, id).await.attempts, 4);
}

async fn r22_failed_jobs_are_retried_by_filter(world: World) {
    let line = Line::busy(1000);
    let runtime = start(&world, &line).await;
    let mut calls = Vec::new();
    for number in 0..6 {
        let seed = ContextSeed::new().with_correlation(if number < 4 { "mine" } else { "others" });
        calls.push(runtime.scope(seed, async { publish(&runtime, number).await }).await);
        world.advance(Duration::from_millis(1));
    }
    for call in &calls {
        exhaust(&world, &runtime, call.id()).await;
    }
    line.becomes_free();
    let mine = JobQuery::new().correlation(enact::CorrelationId::new("mine"));
    assert_eq!(runtime.jobs().retry_all(&mine.clone().limit(3)).await.unwrap(), 3);
    for (number, call) in calls.iter().enumerate().take(3) {
        assert_eq!(call.outcome().await.unwrap(), u32::try_from(number).unwrap());
    }
    assert_eq!(runtime.jobs().retry_all(&mine).await.unwrap(), 1, "succeeded jobs are not retried");
    assert_eq!(calls[3].outcome().await.unwrap(), 3);
    settle().await;
    for call in &calls[4..] {
        assert_eq!(call.state().await.unwrap(), JobState::Failed, "the filter excludes them");
    }
    assert_eq!(runtime.jobs().retry_all(&JobQuery::default()).await.unwrap(), 2);
    assert_eq!(runtime.jobs().retry_all(&JobQuery::default()).await.unwrap(), 0);
}

/// Fail at once, without a retry policy.
#[command]
struct HangUp {}

#[command]
async fn hang_up(_: HangUp) -> Result<(), String> {
    Err("no answer".to_owned())
}

async fn r22_one_call_retries_a_job_once(world: World) {
    // More jobs than one page. Those of the first pages fail again while the call reads the later ones.
    const JOBS: u32 = 600;
    let runtime = start(&world, &Line::busy(0)).await;
    let failed = async |attempts| {
        let jobs = common::jobs_of(&runtime, "HangUp").await;
        jobs.iter().filter(|job| (job.state, job.attempts) == (JobState::Failed, attempts)).count()
    };
    let requests: Vec<_> = (0..JOBS).map(|_| runtime.publish(HangUp {})).collect();
    assert!(runtime.publish_all(requests).await.iter().all(Result::is_ok));
    until("all jobs have failed", async || failed(1).await == JOBS as usize).await;
    let everything = JobQuery::new().limit(usize::MAX);
    assert_eq!(runtime.jobs().retry_all(&everything).await.unwrap(), u64::from(JOBS));
    until("all jobs have failed again", async || failed(2).await == JOBS as usize).await;
}

async fn r22_after_its_deadline_a_job_ends_as_timed_out(world: World) {
    let line = Line::busy(0);
    let runtime = start(&world, &line).await;
    let deadline = world.now() + Duration::from_mins(1);
    let late = runtime.publish(Call { number: 1 }).delay(Duration::from_secs(50)).deadline(deadline);
    let late = late.await.unwrap();
    assert_eq!(late.job().await.unwrap().deadline, Some(deadline));
    // No worker runs it in time.
    runtime.shutdown(Duration::from_secs(1)).await.unwrap();
    world.advance(Duration::from_mins(1));
    let second = start(&world, &line).await;
    let failed = reaches(&second, late.id(), JobState::Failed).await;
    assert_eq!(kind_and_code(failed.failure.as_ref().unwrap()), (FailureKind::TimedOut, "deadline_passed"));
    assert_eq!(failed.attempts, 1, "a deadline overrides the retry policy");

    second.jobs().retry(late.id()).await.unwrap();
    reaches(&second, late.id(), JobState::Succeeded).await;
}

async fn r22_no_retry_is_scheduled_after_the_deadline(world: World) {
    let line = Line::busy(1);
    let runtime = start(&world, &line).await;
    let deadline = world.now() + Duration::from_secs(29);
    let call = runtime.publish(Call { number: 1 }).deadline(deadline).await.unwrap();
    let failure = call.outcome().await.unwrap_err();
    assert_eq!(kind_and_code(&failure), (FailureKind::Error, "busy"), "the failure is the handler's own");
}

async fn r22_a_deadline_that_cannot_be_met_is_refused(world: World) {
    let line = Line::busy(0);
    let runtime = start(&world, &line).await;
    let soon = world.now() + Duration::from_secs(10);
    let refused = (FailureKind::Refused, "deadline_before_start");
    let published = runtime.publish(Call { number: 1 }).delay(Duration::from_secs(10)).deadline(soon).await;
    assert_eq!(kind_and_code(&published.unwrap_err()), refused);
    let executed = runtime.execute(Call { number: 1 }).deadline(world.now()).await;
    assert_eq!(kind_and_code(&executed.unwrap_err()), refused);
    assert!(common::jobs(&runtime).await.is_empty());
}

on_every_store!(
    r22_a_job_waits_for_the_pause_that_its_failure_asks_for,
    r22_a_job_that_is_retried_by_hand_has_a_fresh_budget_and_keeps_its_attempts,
    r22_a_fresh_budget_survives_a_restart,
    r22_failed_jobs_are_retried_by_filter,
    r22_one_call_retries_a_job_once,
    r22_after_its_deadline_a_job_ends_as_timed_out,
    r22_no_retry_is_scheduled_after_the_deadline,
    r22_a_deadline_that_cannot_be_met_is_refused,
);
