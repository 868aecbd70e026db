//! Who caused whom (r32).

use std::collections::HashMap;

use serde::Serialize;

use crate::engine::Engine;
use crate::store::{JobPage, JobQuery, StoreError};
use crate::{Cause, CorrelationId, EventId, Failure, Job, JobId};

/// How many jobs are read at a time.
const PAGE: usize = 1000;

/// A job, and what it has caused.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JobTree {
    /// The job.
    pub job: Job,
    /// The jobs that it has published, and those that handle the events that it has emitted, in the order of record.
    pub caused: Vec<JobTree>,
}

impl JobTree {
    /// The job and all below it, each before what it has caused, with how deep it is: 0 for this one.
    pub fn walk(&self) -> impl Iterator<Item = (usize, &Job)> {
        let mut left = vec![(0, self)];
        std::iter::from_fn(move || {
            let (depth, tree) = left.pop()?;
            left.extend(tree.caused.iter().rev().map(|below| (depth + 1, below)));
            Some((depth, &tree.job))
        })
    }
}

/// The trees of a matter.
pub(crate) async fn of(engine: &Engine, correlation: &CorrelationId) -> Result<Vec<JobTree>, Failure> {
    let jobs = all(engine, correlation).await?;
    let emitters = emitters(engine, &jobs).await?;
    let known: HashMap<JobId, ()> = jobs.iter().map(|job| (job.id, ())).collect();
    let mut below: HashMap<Option<JobId>, Vec<Job>> = HashMap::new();
    for job in jobs {
        let cause = match job.cause {
            Some(Cause::Job(cause)) => Some(cause),
            Some(Cause::Event(event)) => emitters.get(&event).copied(),
            None => None,
        };
        // What was caused by a job that was pruned, or belongs to another matter, begins a tree of its own.
        let cause = cause.filter(|cause| known.contains_key(cause));
        below.entry(cause).or_default().push(job);
    }
    Ok(grow(&mut below))
}

async fn all(engine: &Engine, correlation: &CorrelationId) -> Result<Vec<Job>, StoreError> {
    let mut query = JobQuery { correlation: Some(correlation.clone()), limit: PAGE, ..JobQuery::default() };
    let mut all = Vec::new();
    loop {
        let JobPage { jobs, next } = engine.store.jobs(&query).await?;
        all.extend(jobs);
        if next.is_none() {
            return Ok(all);
        }
        query.after = next;
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

/// Puts every job below its cause. A chain of causes may be long: nothing here calls itself.
fn grow(below: &mut HashMap<Option<JobId>, Vec<Job>>) -> Vec<JobTree> {
    struct Open {
        of: Option<Job>,
        left: std::vec::IntoIter<Job>,
        grown: Vec<JobTree>,
    }
    let mut take = |job: Option<JobId>| below.remove(&job).unwrap_or_default().into_iter();
    let mut path = vec![Open { of: None, left: take(None), grown: Vec::new() }];
    loop {
        let Some(top) = path.last_mut() else { return Vec::new() };
        if let Some(job) = top.left.next() {
            let left = take(Some(job.id));
            path.push(Open { of: Some(job), left, grown: Vec::new() });
            continue;
        }
        let Some(Open { of, grown, .. }) = path.pop() else { return Vec::new() };
        match (of, path.last_mut()) {
            (Some(job), Some(above)) => above.grown.push(JobTree { job, caused: grown }),
            _ => return grown,
        }
    }
}
