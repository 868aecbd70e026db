//! One attempt of a job, from its first step to its end on record.

use std::any::Any;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use jiff::Timestamp;
use tokio::sync::OwnedSemaphorePermit;
use tracing::Instrument;

use super::engine::Engine;
use super::faults::{Point, is_crash};
use super::lifecycle::{self, Execution};
use super::running_attempts::AttemptId;
use super::waiters::ended;
use crate::context::ExecutionContext;
use crate::model::clock::after;
use crate::model::{Attempt, Failure, FailureKind, Job, Retry};
use crate::store::{Commit, CommitError, Committed, Next, RunningJob, StoreError};
use crate::wiring::JobPlan;

/// How long to wait before the end of an attempt is written again, when the store could not take it: at first, and at
/// most.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Runs the attempt that has begun on record: executes the job, and ends it. All of it is one span; what handles an event
/// has its handler's name for a command.
pub(crate) async fn run(engine: Arc<Engine>, job: Job, permit: Option<OwnedSemaphorePermit>) {
    let span = tracing::info_span!(
        "attempt",
        job = %job.id,
        attempt = job.attempts,
        command = &*job.name,
        correlation = %job.correlation,
        causation = job.cause.map(tracing::field::display),
    );
    let mut attempt = Attempt::begun(job.attempts, engine.worker.clone(), engine.clock.now());
    async move {
        tokio::select! {
            biased;
            () = engine.dead.cancelled(), if engine.faults.is_some() => {}
            () = engine.abort.cancelled() => give_back(&engine, &job, attempt).await,
            () = run_to_end(&engine, &job, &mut attempt, permit) => {}
        }
    }
    .instrument(span)
    .await;
}

async fn run_to_end(
    engine: &Arc<Engine>,
    job: &Job,
    attempt: &mut Attempt,
    permit: Option<OwnedSemaphorePermit>,
) {
    // Only jobs of names that this program has are claimed or begun.
    let Some(plan) = engine.plans.job(&job.name) else { return };
    let context = ExecutionContext::of_attempt(engine.clone(), engine.overrides.of(job.id), job);
    let mut execution = Execution { engine, plan, job, context: &context, attempt, permit };
    let executed = {
        let _running = engine.running.enter(AttemptId { job: job.id, number: job.attempts }, &context);
        let _closing = Closing(&context);
        // What a panic leaves half-done is staged, and is dropped with the attempt.
        AssertUnwindSafe(context.scope(lifecycle::execute(&mut execution))).catch_unwind().await
    };
    match executed {
        Ok(Ok(output)) => {
            tracing::debug!("succeeded");
            engine.waiters.announce(job.id, &Ok(output));
        }
        Ok(Err(failure)) => fail(engine, plan, job, with_choices(attempt, &context), failure).await,
        Err(panic) if is_crash(&*panic) => {}
        Err(panic) => fail(engine, plan, job, with_choices(attempt, &context), panicked(&*panic)).await,
    }
}

/// The record of an attempt that has failed, with the strategies that it has drawn.
fn with_choices(attempt: &Attempt, context: &ExecutionContext) -> Attempt {
    Attempt { strategies: context.choices(), ..attempt.clone() }
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
    let commit = failed(&plan.settings.retry, job, attempt, on_record(failure), engine.clock.now(), None);
    let mut pause = FIRST_PAUSE;
    loop {
        match put_on_record(engine, job, &commit).await {
            Ok(_) => {
                // Whoever dies here has told nobody; there is nothing left that could fail.
                let _ = engine.pass(Point::Failed, job);
                return settled(engine, job, &commit);
            }
            Err(CommitError::Store(error)) => {
                tracing::error!("cannot record how the attempt ended, and tries again: {error}");
                // Those who wait are told what they can be told now. The job ends on record once the store is back.
                engine.waiters.announce(job.id, &Err(error.into()));
                engine.clock.sleep_until(engine.clock.elapsed() + pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Err(_) => return superseded(engine, job).await,
        }
    }
}

/// Writes how a failed attempt has ended. A store that panics is one that could not answer.
async fn put_on_record(engine: &Engine, job: &Job, commit: &Commit) -> Result<Committed, CommitError> {
    let record = async {
        engine.pass(Point::Failing, job).map_err(|failure| StoreError::new(failure.to_string()))?;
        engine.store.commit(commit.clone()).await
    };
    match AssertUnwindSafe(record).catch_unwind().await {
        Ok(recorded) => recorded,
        Err(panic) if is_crash(&*panic) => resume_unwind(panic),
        Err(panic) => Err(StoreError::new(panicked(&*panic).to_string()).into()),
    }
}

/// Ends an attempt that a shutdown has dropped. If the policy allows another, it may begin at once, wherever there is a
/// worker.
async fn give_back(engine: &Engine, job: &Job, attempt: Attempt) {
    tracing::warn!("dropped by a shutdown");
    let Some(plan) = engine.plans.job(&job.name) else { return };
    let failure = Failure::new(FailureKind::Lost, "shut_down", "it was under way when its worker shut down")
        .retry_in(Duration::ZERO);
    let commit = failed(&plan.settings.retry, job, attempt, failure, engine.clock.now(), None);
    match engine.store.commit(commit.clone()).await {
        Ok(_) => settled(engine, job, &commit),
        Err(CommitError::Store(error)) => {
            tracing::error!("cannot be given back; its job ends as lost once its lease has ended: {error}");
        }
        Err(_) => superseded(engine, job).await,
    }
}

/// The failure as it stands on record: there, what a handler has met at a boundary is an error like any other (r27). What
/// was asked for wrongly will be wrong the next time, too.
fn on_record(failure: Failure) -> Failure {
    use FailureKind::{Error, IdempotencyMismatch, QueueFull, Refused, Unavailable, UnknownName};
    match failure.kind() {
        IdempotencyMismatch | Refused => failure.of_kind(Error).permanent(),
        UnknownName | Unavailable | QueueFull => failure.of_kind(Error),
        _ => failure,
    }
}

/// Ends the attempt of a worker that is no longer heard of (r23), and had renewed its lease so often when it last was.
pub(crate) async fn give_up(engine: &Engine, lost: RunningJob, renewals: u64) -> Result<(), StoreError> {
    let RunningJob { job, worker, started_at } = lost;
    // Another program's job is for another program's worker to judge.
    let Some(plan) = engine.plans.job(&job.name) else { return Ok(()) };
    let now = engine.clock.now();
    let message = format!("worker {worker} is no longer heard of, and its lease has ended");
    let failure = Failure::new(FailureKind::Lost, "lost", message);
    let attempt = Attempt::begun(job.attempts, worker, started_at);
    let commit = failed(&plan.settings.retry, &job, attempt, failure, now, Some(renewals));
    match engine.store.commit(commit.clone()).await {
        Ok(_) => {
            tracing::warn!(job = %job.id, attempt = job.attempts, worker = %commit.attempt.worker, "lost");
            settled(engine, &job, &commit);
            Ok(())
        }
        Err(CommitError::Store(error)) => Err(error),
        // It has ended after all, or another process was faster.
        Err(_) => Ok(()),
    }
}

/// The commit that ends a failed attempt.
fn failed(
    retry: &Retry,
    job: &Job,
    attempt: Attempt,
    failure: Failure,
    now: Timestamp,
    lapsed: Option<u64>,
) -> Commit {
    // What was spent before a retry by hand counts no more.
    let number = attempt.number.saturating_sub(job.spent);
    let again = retry.pause_after(job.id, number, &failure).map(|pause| after(now, pause));
    let next = match again {
        Some(due_at) if job.effective_deadline().is_none_or(|deadline| due_at < deadline) => {
            Next::Retry(due_at)
        }
        _ => Next::Failed,
    };
    let attempt = Attempt { ended_at: Some(now), failure: Some(failure), ..attempt };
    Commit { job: job.id, attempt, lapsed, next, write: None, events: Vec::new(), jobs: Vec::new() }
}

/// After an attempt's failure is on record: tells those who wait, or the dispatcher that there is more to do.
fn settled(engine: &Engine, job: &Job, commit: &Commit) {
    if commit.next == Next::Failed
        && let Some(failure) = &commit.attempt.failure
    {
        engine.waiters.announce(job.id, &Err(failure.clone()));
    }
    engine.work.notify_one();
}

/// The attempt was given up while it ran. What its job has come to by now is what counts.
async fn superseded(engine: &Engine, job: &Job) {
    tracing::warn!("cancelled or given up while it ran; its effects are dropped");
    if let Ok(Some(job)) = engine.store.job(job.id).await {
        let id = job.id;
        if let Some(ended) = ended(job) {
            engine.waiters.announce(id, &ended);
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
