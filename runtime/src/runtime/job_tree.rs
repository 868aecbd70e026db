//! Who caused whom (r32).

use std::collections::HashMap;

use serde::Serialize;

use crate::engine::Engine;
use crate::model::{Cause, CorrelationId, EventId, Failure, Job, JobId};
use crate::store::{JobPage, JobQuery, StoreError};

/// How many jobs are read at a time.
const PAGE: usize = 1000;

/// A job in the tree of its matter.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JobTreeNode {
    /// How many jobs stand between it and the boundary: 0 for one that nothing on record has caused.
    pub depth: usize,
    /// The job.
    #[serde(flatten)]
    pub job: Job,
}

/// The jobs of a matter, each followed by those that it has caused.
pub(crate) async fn of(engine: &Engine, correlation: &CorrelationId) -> Result<Vec<JobTreeNode>, Failure> {
    let jobs = all(engine, correlation).await?;
    let emitters = emitters(engine, &jobs).await?;
    let places: HashMap<JobId, usize> = jobs.iter().enumerate().map(|(place, job)| (job.id, place)).collect();
    let mut roots = Vec::new();
    let mut caused = vec![Vec::new(); jobs.len()];
    for (place, job) in jobs.iter().enumerate() {
        let cause = match job.cause {
            Some(Cause::Job(cause)) => Some(cause),
            Some(Cause::Event(event)) => emitters.get(&event).copied(),
            None => None,
        };
        // What was caused by a job that was pruned, or belongs to another matter, begins a tree of its own.
        match cause.and_then(|cause| places.get(&cause)) {
            Some(cause) => caused[*cause].push(place),
            None => roots.push(place),
        }
    }
    Ok(in_order(jobs, &roots, &caused))
}

/// The jobs from the roots down. A chain of causes may be long: nothing here calls itself.
fn in_order(jobs: Vec<Job>, roots: &[usize], caused: &[Vec<usize>]) -> Vec<JobTreeNode> {
    let mut jobs: Vec<_> = jobs.into_iter().map(Some).collect();
    let mut left: Vec<_> = roots.iter().rev().map(|root| (0, *root)).collect();
    let mut nodes = Vec::with_capacity(jobs.len());
    while let Some((depth, place)) = left.pop() {
        left.extend(caused[place].iter().rev().map(|below| (depth + 1, *below)));
        nodes.extend(jobs[place].take().map(|job| JobTreeNode { depth, job }));
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

/// The job that has emitted each event which another of these jobs handles.
async fn emitters(engine: &Engine, jobs: &[Job]) -> Result<HashMap<EventId, JobId>, StoreError> {
    let mut emitters = HashMap::new();
    if !jobs.iter().any(|job| matches!(job.cause, Some(Cause::Event(_)))) {
        return Ok(emitters);
    }
    for job in jobs {
        for attempt in engine.store.attempts(job.id).await? {
            emitters.extend(attempt.events.into_iter().map(|event| (event, job.id)));
        }
    }
    Ok(emitters)
}
