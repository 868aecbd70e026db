//! Finds the ends of the jobs that callers wait for here and other processes run.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use tokio_util::task::TaskTracker;

use super::engine::{Engine, POLL_INTERVAL};
use super::waiters::{Waiters, ended, no_such_job, shut_down};
use crate::model::{Failure, JobId, JobState};

/// How many jobs are looked up in one read, so that no other read waits long.
const PAGE: usize = 500;

/// How many ended jobs are read at once: each may wait for the disk, and together they wait once.
const READ_TOGETHER: usize = 64;

/// The share of the time that looking up jobs may take: one in so many.
const SHARE: u32 = 100;

/// The longest pause between two looks, however many jobs are waited for.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Announces the ends of the jobs that callers wait for. Once the runtime has stopped, waiting ends for the jobs that do not run;
/// when no attempt runs here any more, or the others are aborted, it ends for all.
///
/// One task reads for all callers, however many wait. What ends in this process is announced without it.
pub(crate) async fn announce_ends(engine: Arc<Engine>, dispatcher: TaskTracker) {
    // Waiting ends, too, if the task is dropped with its tokio runtime.
    let _closing = CloseOnDrop(&engine.waiters);
    tokio::select! {
        biased;
        () = engine.all_ended(&dispatcher) => {}
        () = engine.abort.cancelled() => {}
        () = announce_regularly(&engine, &dispatcher) => {}
    }
}

struct CloseOnDrop<'a>(&'a Waiters);

impl Drop for CloseOnDrop<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

async fn announce_regularly(engine: &Engine, dispatcher: &TaskTracker) {
    loop {
        let has_stopped = engine.stop.is_cancelled();
        if has_stopped {
            // Jobs that the dispatcher is claiming still run.
            dispatcher.wait().await;
        }
        let begin = engine.clock.elapsed();
        announce(engine, has_stopped).await;
        let took = engine.clock.elapsed().saturating_sub(begin);
        let pause = took.saturating_mul(SHARE).clamp(POLL_INTERVAL, LONGEST_PAUSE);
        tokio::select! {
            () = engine.stop.cancelled(), if !has_stopped => {}
            () = engine.clock.sleep_until(begin.saturating_add(pause)) => {}
        }
    }
}

/// Looks up the jobs that callers wait for, and announces those that have ended. After a stop, those that do not run, too.
async fn announce(engine: &Engine, has_stopped: bool) {
    let jobs = engine.waiters.stored();
    for page in jobs.chunks(PAGE) {
        match engine.store.states(page.to_vec()).await {
            Ok(states) => {
                stream::iter(page.iter().zip(states))
                    .for_each_concurrent(READ_TOGETHER, |(job, state)| {
                        announce_state(engine, *job, state, has_stopped)
                    })
                    .await;
            }
            Err(error) => {
                let failure = Failure::from(error);
                for job in page {
                    engine.waiters.announce(*job, &Err(failure.clone()));
                }
            }
        }
    }
}

async fn announce_state(engine: &Engine, id: JobId, state: Option<JobState>, has_stopped: bool) {
    match state {
        Some(JobState::Waiting | JobState::Ready) if has_stopped => {
            engine.waiters.announce(id, &Err(shut_down()));
        }
        Some(JobState::Waiting | JobState::Ready | JobState::Running | JobState::Unknown(_)) => {}
        Some(JobState::Succeeded | JobState::Failed | JobState::Cancelled) | None => {
            let ended = match engine.store.job(id).await {
                // A job that is missing now has ended and was pruned.
                Ok(None) => Some(Err(no_such_job(id))),
                // It may have been retried by hand meanwhile.
                Ok(Some(job)) => ended(job),
                Err(error) => Some(Err(error.into())),
            };
            if let Some(ended) = ended {
                engine.waiters.announce(id, &ended);
            }
        }
    }
}
