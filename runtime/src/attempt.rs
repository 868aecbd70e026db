//! One attempt of a job, from its first step to its end on record.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use jiff::Timestamp;
use tokio::sync::OwnedSemaphorePermit;
use tracing::Instrument;

use crate::clock::after;
use crate::context::ExecutionContext;
use crate::engine::{Engine, ended};
use crate::lifecycle::{self, Execution};
use crate::plans::JobPlan;
use crate::store::{Commit, CommitError, Next, RunningJob, StoreError};
use crate::{Attempt, Failure, FailureKind, Job, Retry};

/// How long to wait before the end of an attempt is written again, when the store could not take it: at first, and at
/// most.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Runs the attempt that has begun on record: executes the job, and ends it. All of it is one span; what handles an event
/// has its handler's name for a command.
pub(crate) async fn run(engine: Arc<Engine>, job: Job, slot: Option<OwnedSemaphorePermit>) {
    let span = tracing::info_span!(
        "attempt",
        job = %job.id,
        attempt = job.attempts,
        command = &*job.name,
        correlation = %job.correlation,
        causation = job.cause.map(tracing::field::display),
    );
    async move {
        tokio::select! {
            biased;
            () = run_to_end(&engine, &job, slot) => {}
            () = engine.abort.cancelled() => tracing::warn!("dropped by a shutdown; its job ends as lost"),
        }
    }
    .instrument(span)
    .await;
}

async fn run_to_end(engine: &Arc<Engine>, job: &Job, slot: Option<OwnedSemaphorePermit>) {
    let mut attempt = Attempt::begun(job.attempts, engine.worker.clone(), engine.clock.now());
    // Only jobs of names that this program has are claimed or begun.
    let Some(plan) = engine.plans.job(&job.name) else { return };
    let context = ExecutionContext::of_attempt(engine.clone(), job);
    let mut execution = Execution { engine, plan, job, context: &context, attempt: &mut attempt, slot };
    let executed = {
        let _closing = Closing(&context);
        // What a panic leaves half-done is staged, and is dropped with the attempt.
        AssertUnwindSafe(context.scope(lifecycle::execute(&mut execution))).catch_unwind().await
    };
    match executed.unwrap_or_else(|panic| Err(panicked(&*panic))) {
        Ok(output) => {
            tracing::debug!("succeeded");
            engine.endings.announce(job.id, &Ok(output));
        }
        Err(failure) => {
            attempt.strategies = context.choices();
            fail(engine, plan, job, attempt, failure).await;
        }
    }
}

/// Closes a context when its attempt ends, and when it is dropped on the way (r30).
struct Closing<'a>(&'a ExecutionContext);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Ends an attempt that has failed: with another one to come if the policy says so, or for good (r22).
async fn fail(engine: &Engine, plan: &JobPlan, job: &Job, attempt: Attempt, failure: Failure) {
    tracing::warn!(kind = %failure.kind(), code = failure.code(), "failed: {failure}");
    let commit = failed(plan.retry, job, attempt, on_record(failure), engine.clock.now(), None);
    let mut pause = FIRST_PAUSE;
    loop {
        match engine.store.commit(commit.clone()).await {
            Ok(()) => return settled(engine, job, &commit),
            Err(CommitError::Store(error)) => {
                tracing::error!("cannot record how the attempt ended, and tries again: {error}");
                // Those who wait are told what they can be told now. The job ends on record once the store is back.
                engine.endings.announce(job.id, &Err(error.into()));
                engine.clock.sleep_until(after(engine.clock.now(), pause)).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Err(CommitError::Fenced | CommitError::Conflict { .. } | CommitError::Mismatch { .. }) => {
                return superseded(engine, job).await;
            }
        }
    }
}

/// The failure as it stands on record: there, what a handler has met at a boundary is an error like any other (r27). What
/// was asked for wrongly will be wrong the next time, too.
fn on_record(failure: Failure) -> Failure {
    use FailureKind::{Error, IdempotencyMismatch, Refused, Unavailable, UnknownName};
    match failure.kind() {
        IdempotencyMismatch | Refused => failure.of_kind(Error).permanent(),
        UnknownName | Unavailable => failure.of_kind(Error),
        _ => failure,
    }
}

/// Ends the attempt of a worker that is no longer heard of (r23).
pub(crate) async fn give_up(engine: &Engine, lost: RunningJob) -> Result<(), StoreError> {
    let RunningJob { job, worker, started_at } = lost;
    // Another program's job is for another program's worker to judge.
    let Some(plan) = engine.plans.job(&job.name) else { return Ok(()) };
    let now = engine.clock.now();
    let message = format!("worker {worker} is no longer heard of, and its lease has ended");
    let failure = Failure::new(FailureKind::Lost, "lost", message);
    let commit =
        failed(plan.retry, &job, Attempt::begun(job.attempts, worker, started_at), failure, now, Some(now));
    match engine.store.commit(commit.clone()).await {
        Ok(()) => {
            tracing::warn!(job = %job.id, attempt = job.attempts, worker = %commit.attempt.worker, "lost");
            settled(engine, &job, &commit);
            Ok(())
        }
        Err(CommitError::Store(error)) => Err(error),
        // It has ended after all, or another process was faster.
        Err(CommitError::Fenced | CommitError::Conflict { .. } | CommitError::Mismatch { .. }) => Ok(()),
    }
}

/// The commit that ends a failed attempt.
fn failed(
    retry: Retry,
    job: &Job,
    attempt: Attempt,
    failure: Failure,
    now: Timestamp,
    lapsed_at: Option<Timestamp>,
) -> Commit {
    let next = match retry.pause_after(attempt.number, &failure) {
        Some(pause) => Next::Retry(after(now, pause)),
        None => Next::Failed,
    };
    let attempt = Attempt { ended_at: Some(now), failure: Some(failure), ..attempt };
    Commit { job: job.id, attempt, lapsed_at, next, write: None, events: Vec::new(), jobs: Vec::new() }
}

/// After an attempt's failure is on record: tells those who wait, or the dispatcher that there is more to do.
fn settled(engine: &Engine, job: &Job, commit: &Commit) {
    if commit.next == Next::Failed
        && let Some(failure) = &commit.attempt.failure
    {
        engine.endings.announce(job.id, &Err(failure.clone()));
    }
    engine.work.notify_one();
}

/// The attempt was given up while it ran. What its job has come to by now is what counts.
async fn superseded(engine: &Engine, job: &Job) {
    tracing::warn!("given up while it ran; its effects are dropped");
    if let Ok(Some(job)) = engine.store.job(job.id).await {
        let id = job.id;
        if let Some(ended) = ended(job) {
            engine.endings.announce(id, &ended);
        }
    }
}

fn panicked(panic: &(dyn Any + Send)) -> Failure {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("the panic carries no text");
    Failure::new(FailureKind::Panicked, "panicked", format!("panicked: {text}"))
}
