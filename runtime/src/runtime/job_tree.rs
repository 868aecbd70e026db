//! The tree of the jobs of one correlation.

use std::collections::HashMap;

use serde::Serialize;

use crate::engine::Engine;
use crate::model::{Cause, CorrelationId, EventId, Failure, Job, JobId};
use crate::store::{JobPage, JobQuery, StoreError};

/// How many jobs, and the attempts of how many, are read at once.
const PAGE: usize = 1000;

/// A job in the tree of its correlation.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct JobTreeNode {
    /// The number of its ancestors: 0 for a root, which no stored job has caused.
    pub depth: usize,
    /// The job.
    #[serde(flatten)]
    pub job: Job,
}

/// The jobs of a correlation, each followed by those that it has caused.
pub(crate) async fn of(engine: &Engine, correlation: &CorrelationId) -> Result<Vec<JobTreeNode>, Failure> {
    let jobs = all(engine, correlation).await?;
    let emitters = emitters(engine, &jobs).await?;
    let indexes: HashMap<JobId, usize> =
        jobs.iter().enumerate().map(|(index, job)| (job.id, index)).collect();
    let mut roots = Vec::new();
    let mut children = vec![Vec::new(); jobs.len()];
    for (index, job) in jobs.iter().enumerate() {
        let cause = match &job.cause {
            Some(Cause::Job(cause)) => Some(*cause),
            Some(Cause::Event(event)) => emitters.get(event).copied(),
            Some(Cause::Unknown(_)) | None => None,
        };
        // A job whose cause was pruned, has another correlation or an unknown form, is a root.
        match cause.and_then(|cause| indexes.get(&cause)) {
            Some(cause) => children[*cause].push(index),
            None => roots.push(index),
        }
    }
    Ok(depth_first(jobs, &roots, &children))
}

/// The jobs in depth-first order. Chains of causes may be long, so this is not recursive.
fn depth_first(jobs: Vec<Job>, roots: &[usize], children: &[Vec<usize>]) -> Vec<JobTreeNode> {
    let mut jobs: Vec<_> = jobs.into_iter().map(Some).collect();
    let mut stack: Vec<_> = roots.iter().rev().map(|root| (0, *root)).collect();
    let mut nodes = Vec::with_capacity(jobs.len());
    while let Some((depth, index)) = stack.pop() {
        stack.extend(children[index].iter().rev().map(|child| (depth + 1, *child)));
        nodes.extend(jobs[index].take().map(|job| JobTreeNode { depth, job }));
    }
    nodes
}

async fn all(engine: &Engine, correlation: &CorrelationId) -> Result<Vec<Job>, StoreError> {
    let mut query = JobQuery::new().correlation(correlation.clone()).limit(PAGE);
    let mut all = Vec::new();
    loop {
        let JobPage { jobs, next } = engine.store.jobs(&query).await?;
        all.extend(jobs);
        if next.is_none() {
            return Ok(all);
        }
        query.page = next;
    }
}

/// The job that emitted each event which one of these jobs handles.
async fn emitters(engine: &Engine, jobs: &[Job]) -> Result<HashMap<EventId, JobId>, StoreError> {
    let mut emitters = HashMap::new();
    if !jobs.iter().any(|job| matches!(job.cause, Some(Cause::Event(_)))) {
        return Ok(emitters);
    }
    for page in jobs.chunks(PAGE) {
        let ids: Vec<JobId> = page.iter().map(|job| job.id).collect();
        let attempts = engine.store.attempts_of_jobs(ids.clone()).await?;
        for (job, attempts) in ids.into_iter().zip(attempts) {
            let events = attempts.into_iter().flat_map(|attempt| attempt.events);
            emitters.extend(events.map(|event| (event, job)));
        }
    }
    Ok(emitters)
}
