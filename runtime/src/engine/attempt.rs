//! One attempt of a job, from its first step to its stored end.

use std::any::Any;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::OwnedSemaphorePermit;
use tracing::Instrument;

use super::arrival::{Arrival, Begun, Candidate, NotBegun};
use super::batches::SharedPermit;
use super::company::{self, Place};
use super::engine::Engine;
use super::entity_locks::EntityLock;
use super::faults::{Point, is_crash};
use super::lifecycle::{Discarded, Execution};
use super::long_polls;
use super::losses::{LOST, Losses, SHUT_DOWN};
use super::waiters::ended;
use crate::context::ExecutionContext;
use crate::model::clock::add_saturating;
use crate::model::{
    AnyValue, Attempt, Failure, FailureKind, HealthPart, Job, JobKind, JobState, Json, LogText, Places, Step,
    StoredName, StrategyChoice, drop_caught, panic_text,
};
use crate::store::{Commit, CommitError, Committed, Next, Release, RunningJob, StoreError, unreadable_job};
use crate::wiring::JobPlan;

/// The first and the longest pause before the end of an attempt is written again, after the store has failed.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(100);
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How often the full record of an attempt is tried before a reduced one is.
const FULL_TRIES: u32 = 3;

/// How long a job that this program cannot run is left to other programs before it is claimed again.
const PUT_BACK: Duration = Duration::from_secs(60);

/// An attempt so far.
pub(super) struct Progress {
    pub(super) attempt: Attempt,
    /// Whether it has begun in the store. A job in line for its entity has not.
    pub(super) has_begun: bool,
    /// The batch whose next job gets its permit.
    batch: Weak<SharedPermit>,
    /// Since when it has its entity under a permit, in elapsed time.
    pub(super) entity_since: Option<Duration>,
    /// Of the job's earlier attempts.
    pub(super) losses: Losses,
    /// The command as it was read from the job's payload, if it was.
    command: Option<AnyValue>,
}

impl Progress {
    /// Whether the handler may have been called.
    fn has_reached_handler(&self) -> bool {
        self.has_begun && self.attempt.reached >= Some(Step::Handle)
    }
}

/// Runs the next attempt of a stored job, and stores its end. It is one span; its `command` is the handler's name for a job of an
/// event handler. If the caller has read the job's command from its payload, it is not read again.
pub(crate) async fn run(engine: Arc<Engine>, mut job: Job, arrival: Arrival, command: Option<AnyValue>) {
    // Only jobs of names that this program knows are claimed or started.
    let Some(plan) = engine.plans.job(&job.name) else { return };
    let (has_begun, batch) = (arrival.has_begun(), arrival.batch());
    job.attempts += u32::from(!has_begun);
    // It may run in the caller's task. What encloses that is not a part of the attempt, which may also go on elsewhere.
    let span = tracing::info_span!(
        parent: None,
        "attempt",
        job = %job.id,
        attempt = job.attempts,
        command = &*job.name,
        correlation = %job.correlation,
        causation = job.cause.as_ref().map(tracing::field::display),
    );
    let attempt = Attempt::begun(job.attempts, engine.worker.clone(), engine.clock.now());
    let mut progress =
        Progress { attempt, has_begun, batch, entity_since: None, losses: Losses::default(), command };
    let registered = engine.running.register(&job);
    let candidate = Candidate { engine: &engine, plan, job: &job, registered: &registered };
    async {
        tokio::select! {
            biased;
            () = engine.dead.cancelled(), if engine.faults.is_some() => {}
            () = engine.abort.cancelled() => Box::pin(release(&candidate, progress)).await,
            () = run_to_end(&engine, &candidate, &mut progress, arrival) => {}
        }
    }
    .instrument(span)
    .await;
}

async fn run_to_end(
    engine: &Arc<Engine>,
    candidate: &Candidate<'_>,
    progress: &mut Progress,
    arrival: Arrival,
) {
    let Candidate { plan, job, .. } = *candidate;
    if let JobKind::Unknown(kind) = job.kind {
        drop(arrival);
        return match begin_to_end(candidate, progress).await {
            Ok(()) => put_back(candidate, &progress.attempt, kind).await,
            Err(not_begun) => candidate.leave(not_begun).await,
        };
    }
    match Losses::before(engine, job, job.attempts).await {
        Ok(losses) => progress.losses = losses,
        Err(error) => {
            tracing::error!("cannot read the earlier attempts of the job: {}", Failure::from(error));
            drop(arrival);
            return candidate.give_back().await;
        }
    }
    if progress.losses.are_too_many(plan) {
        let message = "its worker died, and its retry policy allows no further attempt; a program that does not know the job released it";
        let failure = Failure::new(FailureKind::Lost, LOST, message);
        let permit = arrival.into_permit();
        if let Err(not_begun) = begin_to_end(candidate, progress).await {
            return candidate.leave(not_begun).await;
        }
        let failed = fail(candidate, progress.attempt.clone(), failure, progress.losses, permit);
        return Box::pin(failed).await;
    }
    let Some(Begun { lock, mut permit, place }) = candidate.begin(arrival, progress).await else {
        return;
    };
    let executed = execute(engine, candidate, progress, lock, &mut permit, place).await;
    let Some((executed, strategies)) = executed else { return };
    let failure = match executed {
        Ok(Ok(output)) => {
            tracing::debug!("attempt succeeded");
            return engine.waiters.announce(job.id, &Ok(output));
        }
        Ok(Err(Discarded::Failed(failure))) => failure,
        Ok(Err(Discarded::Unfounded)) => unreachable!("the loop executes such a job again"),
        Err(panic) if is_crash(&*panic) => return,
        Err(panic) => panicked(panic),
    };
    if let Some(since) = progress.entity_since.take() {
        engine.batch_size.note(engine.clock.elapsed().saturating_sub(since));
    }
    let attempt = Attempt { strategies, ..progress.attempt.clone() };
    // Boxed, so that an attempt that succeeds has no room for it.
    Box::pin(fail(candidate, attempt, failure, progress.losses, permit)).await;
}

/// Begins an attempt that is only to end: a held job has no attempt that could.
async fn begin_to_end(candidate: &Candidate<'_>, progress: &mut Progress) -> Result<(), NotBegun> {
    if progress.has_begun { Ok(()) } else { candidate.begin_held(progress).await }
}

/// Executes the job, and again if the commit that it follows is refused. Returns its outcome or panic, and the chosen strategies; `None` if
/// the job was cancelled while it waited to execute again. The attempt has its place until then, and not while its end is stored, which
/// may take long.
async fn execute(
    engine: &Arc<Engine>,
    candidate: &Candidate<'_>,
    progress: &mut Progress,
    mut lock: Option<EntityLock>,
    permit: &mut Option<OwnedSemaphorePermit>,
    place: Option<Place>,
) -> Option<(std::thread::Result<Result<Json, Discarded>>, Vec<StrategyChoice>)> {
    let Candidate { plan, job, registered, .. } = *candidate;
    let mut place = pin!(company::keep(place, &*engine.clock));
    let mut may_follow = plan.settings.retry.repeats();
    loop {
        let overrides = engine.overrides.of(job.id);
        let cancellation = registered.cancellation.clone();
        let context = ExecutionContext::of_attempt(engine.clone(), overrides, job, cancellation);
        let execution = Execution {
            engine,
            plan,
            job,
            command: progress.command.take(),
            context: &context,
            attempt: &mut progress.attempt,
            lock: lock.take(),
            may_follow,
            batch: &progress.batch,
            entity_since: &mut progress.entity_since,
            permit: &mut *permit,
        };
        let executed = {
            let _closing = CloseOnDrop(&context);
            let execution = pin!(context.scope(execution.execute()));
            let execution = long_polls::measure(engine, &job.name, registered, execution);
            // Unwind safe: a panic leaves only staged effects behind, and those are dropped with the attempt.
            let execution = AssertUnwindSafe(execution).catch_unwind();
            tokio::select! {
                biased;
                executed = execution => executed,
                never = &mut place => match never {},
            }
        };
        match executed {
            Ok(Err(Discarded::Unfounded)) => {
                tracing::debug!("the previous commit on the entity was refused; executing again");
                may_follow = false;
                // The next execution on the entity may have it, and wait for a place.
                place.set(company::keep(None, &*engine.clock));
                let joined;
                (lock, joined) = candidate.entity_and_place(&progress.losses).await?;
                place.set(company::keep(joined, &*engine.clock));
            }
            executed => return Some((executed, context.choices())),
        }
    }
}

/// Puts back a job of a kind that this version does not know: another program may know it ([r07](crate::rules#r07)).
async fn put_back(candidate: &Candidate<'_>, attempt: &Attempt, kind: StoredName) {
    let Candidate { engine, job, .. } = *candidate;
    tracing::warn!(%kind, "the job is of a kind that this program does not know; it is left to another for {PUT_BACK:?}");
    let now = engine.clock.now();
    let next = Next::PutBack(add_saturating(now, PUT_BACK));
    let attempt = Attempt { ended_at: Some(now), ..attempt.clone() };
    match engine.store.commit(Commit::ending(job.id, attempt, next)).await {
        Ok(_) => {}
        Err(CommitError::Store(error)) => {
            let failure = Failure::from(error);
            tracing::error!("cannot put the job back; it ends as lost when the lease expires: {failure}");
        }
        Err(_) => end_fenced(candidate).await,
    }
}

/// Closes a context when its attempt ends, or is dropped.
struct CloseOnDrop<'a>(&'a ExecutionContext);

impl Drop for CloseOnDrop<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Ends a failed attempt, with a retry if the policy allows one. Tries until the store has stored it, or a reduced record if
/// the store refuses this one. If it refuses both and serves others, the attempt gives its permit back, and goes on trying.
async fn fail(
    candidate: &Candidate<'_>,
    attempt: Attempt,
    failure: Failure,
    losses: Losses,
    mut permit: Option<OwnedSemaphorePermit>,
) {
    let Candidate { engine, plan, job, .. } = *candidate;
    let failure = failure.cut(engine.size_limits.failure_bytes);
    log_failure(&attempt, &failure);
    let mut commit = failure_commit(engine, plan, job, attempt, job_failure(failure), losses);
    let mut pause = FIRST_PAUSE;
    let mut tries = 0;
    loop {
        tries += 1;
        // The full record first: the store may just have come back.
        let mut stored = store_failure(engine, job, &commit).await;
        if tries > FULL_TRIES && matches!(stored, Err(CommitError::Store(_))) {
            let reduced = reduced(commit.clone());
            stored = store_failure(engine, job, &reduced).await;
            if stored.is_ok() {
                commit = reduced;
            }
        }
        match stored {
            Ok(_) => {
                // A process that dies at this point has announced nothing; no other fault has an effect here.
                let _ = engine.pass(Point::Failed, job);
                return announce_failure(engine, job, &commit);
            }
            Err(CommitError::Store(error)) => {
                let failure = Failure::from(error);
                tracing::error!(retry_in = ?pause, "cannot store the end of the attempt; retrying: {failure}");
                engine.health.failed(&*engine.clock, HealthPart::Commits, failure.clone());
                // Callers that wait here fail now instead of when the store is back. The job ends then.
                engine.waiters.announce(job.id, &Err(failure));
                engine.clock.sleep_until(engine.clock.elapsed().saturating_add(pause)).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
                if tries > FULL_TRIES && engine.store.job(job.id).await.is_ok() {
                    drop(permit.take());
                }
            }
            Err(_) => return end_fenced(candidate).await,
        }
    }
}

/// The least that ends an attempt: of the failure the kind and the code.
fn reduced(commit: Commit) -> Commit {
    let failure = commit.attempt.failure.as_ref().map(|failure| {
        let message = "the store refused the failure's full record: see the log of the worker";
        let reduced = Failure::new(failure.kind(), failure.code().to_owned(), message);
        if failure.is_permanent() { reduced.permanent() } else { reduced }
    });
    Commit { attempt: Attempt { failure, strategies: Vec::new(), ..commit.attempt }, ..commit }
}

/// Logs the text of a handler's own error and of a panic. The messages of the other steps may name a key, and those of violations quote
/// values: of these only the kind, the code and the places are logged.
fn log_failure(attempt: &Attempt, failure: &Failure) {
    use FailureKind::{Cancelled, Lost, Panicked, TimedOut, Unavailable};
    let (kind, code) = (failure.kind(), failure.code());
    let is_own = attempt.reached == Some(Step::Handle);
    if is_own || matches!(kind, Cancelled | Lost | Panicked | TimedOut | Unavailable) {
        tracing::warn!(%kind, code, "attempt failed: {}", LogText(failure));
    } else {
        tracing::warn!(%kind, code, "attempt failed{}", Places(failure));
    }
}

/// Ends an attempt that is not running in the store: the job was cancelled, and is released now that the attempt has ended
/// ([r24](crate::rules#r24)); or the attempt was rescued; or its start was never stored, and this worker still holds the job.
pub(super) async fn end_fenced(candidate: &Candidate<'_>) {
    announce_fenced(candidate.engine, candidate.job).await;
    candidate.give_back().await;
}

/// Stores the end of a failed attempt. A store that panics counts as one that fails.
async fn store_failure(engine: &Engine, job: &Job, commit: &Commit) -> Result<Committed, CommitError> {
    let stored = async {
        engine.pass(Point::Failing, job).map_err(|failure| StoreError::new(failure.to_string()))?;
        engine.store.commit(commit.clone()).await
    };
    match AssertUnwindSafe(stored).catch_unwind().await {
        Ok(stored) => stored,
        Err(panic) if is_crash(&*panic) => resume_unwind(panic),
        Err(panic) => Err(StoreError::new(panicked(panic).to_string()).into()),
    }
}

/// Ends an attempt that a shutdown has aborted. If its handler was not called, or its policy allows a retry, any worker may start
/// it at once.
async fn release(candidate: &Candidate<'_>, progress: Progress) {
    let Candidate { engine, plan, job, .. } = *candidate;
    if !progress.has_reached_handler() {
        return candidate.give_back().await;
    }
    tracing::warn!("shutdown aborted the attempt");
    let message = "the attempt was aborted by the shutdown of its worker";
    let failure = Failure::new(FailureKind::Lost, SHUT_DOWN, message).retry_in(Duration::ZERO);
    let commit = failure_commit(engine, plan, job, progress.attempt, failure, progress.losses);
    match engine.store.commit(commit.clone()).await {
        Ok(_) => announce_failure(engine, job, &commit),
        Err(CommitError::Store(error)) => {
            let failure = Failure::from(error);
            tracing::error!("cannot release the attempt; it ends as lost when the lease expires: {failure}");
        }
        Err(_) => end_fenced(candidate).await,
    }
}

/// Ends an attempt of a worker whose lease has expired, or releases its job, unless the worker has renewed it `renewals` times by then.
pub(crate) async fn rescue(engine: &Engine, running: RunningJob, renewals: u64) -> Result<(), StoreError> {
    let RunningJob { job, worker, started_at } = running;
    let number = match job.state {
        JobState::Cancelled => Some(job.attempts),
        // It was in line for its entity, and has not begun.
        JobState::Ready => Some(job.attempts.saturating_add(1)),
        _ => None,
    };
    if let Some(number) = number {
        let release = Release { job: job.id, worker, number, lapsed: Some(renewals), hold: false };
        if engine.store.release(release).await? {
            engine.work.notify_one();
        }
        return Ok(());
    }
    let attempt = Attempt::begun(job.attempts, worker, started_at);
    let commit = if job.unreadable.is_empty() {
        let message = format!("the lease of worker {} expired while the attempt ran", attempt.worker);
        let failure = Failure::new(FailureKind::Lost, LOST, message);
        let is_known = !matches!(job.kind, JobKind::Unknown(_));
        if let Some(plan) = engine.plans.job(&job.name).filter(|_| is_known) {
            let losses = Losses::before(engine, &job, job.attempts).await?;
            failure_commit(engine, plan, &job, attempt, failure, losses)
        } else {
            // A program that knows the job's policy decides whether it runs again, when it claims it.
            let now = engine.clock.now();
            let attempt = Attempt { ended_at: Some(now), failure: Some(failure), ..attempt };
            Commit::ending(job.id, attempt, Next::Retry(now))
        }
    } else {
        let failure = Some(unreadable_job(&job.unreadable));
        let attempt = Attempt { ended_at: Some(engine.clock.now()), failure, ..attempt };
        Commit::ending(job.id, attempt, Next::Failed)
    };
    let commit = Commit { lapsed: Some(renewals), ..commit };
    match engine.store.commit(commit.clone()).await {
        Ok(_) => {
            let worker = &commit.attempt.worker;
            tracing::warn!(job = %job.id, attempt = job.attempts, %worker, "lease expired; rescued the attempt");
            announce_failure(engine, &job, &commit);
            Ok(())
        }
        Err(CommitError::Store(error)) => Err(error),
        // The attempt has ended after all, or another process was faster.
        Err(_) => Ok(()),
    }
}

/// The failure as it is stored with the job: kinds of the boundary become `Error`. A request that was refused will be
/// refused again.
fn job_failure(failure: Failure) -> Failure {
    use FailureKind::{Error, IdempotencyMismatch, QueueFull, Refused, Unavailable, UnknownName};
    match failure.kind() {
        IdempotencyMismatch | Refused => failure.with_kind(Error).permanent(),
        UnknownName | Unavailable | QueueFull => failure.with_kind(Error),
        _ => failure,
    }
}

/// The commit that ends a failed attempt: the job is retried if its policy and its deadline allow it. The pause begins now.
fn failure_commit(
    engine: &Engine,
    plan: &JobPlan,
    job: &Job,
    attempt: Attempt,
    failure: Failure,
    losses: Losses,
) -> Commit {
    let now = engine.clock.now();
    let number = losses.number(job, attempt.number, &failure);
    let retry_at =
        plan.settings.retry.pause_after(job.id, number, &failure).map(|pause| add_saturating(now, pause));
    let next = match retry_at {
        Some(due_at) if job.effective_deadline().is_none_or(|deadline| due_at < deadline) => {
            Next::Retry(due_at)
        }
        _ => Next::Failed,
    };
    if let Next::Retry(due_at) = next {
        engine.pauses.hold(&*engine.clock, job.id, due_at);
    }
    let attempt = Attempt { ended_at: Some(now), failure: Some(failure), ..attempt };
    Commit::ending(job.id, attempt, next)
}

/// Announces the failure of the job, unless it is retried, and wakes the dispatcher.
fn announce_failure(engine: &Engine, job: &Job, commit: &Commit) {
    if commit.next == Next::Failed
        && let Some(failure) = &commit.attempt.failure
    {
        engine.waiters.announce(job.id, &Err(failure.clone()));
    }
    engine.work.notify_one();
}

/// Announces the stored outcome of the job: its attempt was cancelled or rescued while it ran.
async fn announce_fenced(engine: &Engine, job: &Job) {
    tracing::warn!("attempt was cancelled or rescued while it ran; dropped its effects");
    if let Ok(Some(job)) = engine.store.job(job.id).await {
        let id = job.id;
        if let Some(ended) = ended(job) {
            engine.waiters.announce(id, &ended);
        }
    }
}

fn panicked(panic: Box<dyn Any + Send>) -> Failure {
    let message = format!("panicked: {}", panic_text(&*panic));
    drop_caught(panic);
    Failure::new(FailureKind::Panicked, "panicked", message)
}
