//! The limit of a chain of jobs, each of which causes the next ([r08](crate::rules#r08)).

use std::collections::VecDeque;

use super::engine::Engine;
use crate::model::{Cause, EventId, Failure, FailureKind, Job, SizeLimits};
use crate::store::JobQuery;

/// How many jobs of a chain its failure names.
const LINKS: usize = 8;

/// Among how many of the latest jobs the one that emitted an event is looked for.
const EMITTERS: usize = 100;

/// The failure of an execution that would cause the job `next`. Names the jobs that led to it, as far as they are found.
pub(super) async fn too_long(engine: &Engine, job: &Job, next: &str) -> Failure {
    let mut links = VecDeque::from([job.name.clone()]);
    let mut first = job.clone();
    while links.len() < LINKS
        && let Some(earlier) = cause(engine, &first).await
    {
        links.push_front(earlier.name.clone());
        first = earlier;
    }
    let mut chain =
        if first.cause.is_some() { "the chain … → ".to_owned() } else { "the chain ".to_owned() };
    for name in links {
        chain.extend(["`", &name, "` → "]);
    }
    failure(&engine.size_limits, &format!("{chain}`{next}`"))
}

/// The job that caused this one; `None` if it is not found.
async fn cause(engine: &Engine, job: &Job) -> Option<Job> {
    match job.cause.as_ref()? {
        Cause::Job(id) => engine.store.job(*id).await.ok()?,
        Cause::Event(event) => emitter(engine, job, *event).await,
        Cause::Unknown(_) => None,
    }
}

/// The job that emitted the event that this job handles. It is likely one of the latest.
async fn emitter(engine: &Engine, handling: &Job, event: EventId) -> Option<Job> {
    let latest = JobQuery::new().correlation(handling.correlation.clone()).latest_first().limit(EMITTERS);
    for job in engine.store.jobs(&latest).await.ok()?.jobs {
        if job.depth.checked_add(1) != Some(handling.depth) {
            continue;
        }
        let attempts = engine.store.attempts(job.id).await.ok()?;
        if attempts.iter().any(|attempt| attempt.events.contains(&event)) {
            return Some(job);
        }
    }
    None
}

impl SizeLimits {
    /// Refuses a job to which more jobs led than the limit allows.
    pub(crate) fn check_depth(&self, name: &str, depth: u32) -> Result<(), Failure> {
        if depth <= self.chain {
            Ok(())
        } else {
            Err(failure(self, &format!("the chain that leads to `{name}`")))
        }
    }
}

fn failure(limits: &SizeLimits, chain: &str) -> Failure {
    let message = format!(
        "{chain} is too long: at most {} jobs may lead to a job, each of which causes the next; end the loop by a condition, or raise \
         `max_chain` on the builder",
        limits.chain
    );
    Failure::new(FailureKind::Error, "chain_too_long", message).permanent()
}
