//! `jobs` and `job`. They read the store page by page, without starting the bank.

use std::io::{self, Write};

use anyhow::{Context, Result};
use enact::store::Store;
use enact::{
    Attempt, CorrelationId, Cursor, EventId, Job, JobId, JobQuery, Json, StoredEvent, StrategyChoice,
};
use serde::Serialize;

use super::args::JobsArgs;
use super::database::{Database, open_existing};
use super::output::{JsonArray, describe, table, write_failure, write_json};

/// The number of jobs or events that are read at a time.
const PAGE: usize = 500;

pub(crate) async fn list(args: JobsArgs, json: bool, out: &mut impl Write) -> Result<()> {
    let JobsArgs { states, name, correlation, limit, database } = args;
    let store = open_existing(&database.db).await?;
    let mut query = JobQuery::new().states(states).latest_first();
    query.name = name;
    query.correlation = correlation.map(CorrelationId::new);
    if json {
        let mut array = JsonArray::begin(out)?;
        for_each(&*store, query, limit, |job| Ok(array.push(job)?)).await?;
        return Ok(array.end()?);
    }
    let mut rows = table(["job", "name", "state", "attempts", "target", "failure"]);
    for_each(&*store, query, limit, |job| {
        rows.add_row(job_row(job));
        Ok(())
    })
    .await?;
    Ok(writeln!(out, "{rows}")?)
}

/// Calls `action` with each job that a query matches, up to `limit` jobs.
async fn for_each(
    store: &dyn Store,
    mut query: JobQuery,
    limit: usize,
    mut action: impl FnMut(&Job) -> Result<()>,
) -> Result<()> {
    let mut left = limit;
    while left > 0 {
        query.limit = left.min(PAGE);
        let page = store.jobs(&query).await?;
        left -= page.jobs.len();
        page.jobs.iter().try_for_each(&mut action)?;
        query.page = page.next;
        if query.page.is_none() {
            break;
        }
    }
    Ok(())
}

fn job_row(job: &Job) -> [String; 6] {
    [
        job.id.to_string(),
        job.name.to_string(),
        job.state.to_string(),
        job.attempts.to_string(),
        job.target.as_ref().map_or_else(String::new, ToString::to_string),
        job.failure.as_ref().map_or_else(String::new, describe),
    ]
}

/// A job with its attempts and events.
#[derive(Serialize)]
struct JobReport {
    job: Job,
    attempts: Vec<Attempt>,
    events: Vec<EmittedEvent>,
}

#[derive(Serialize)]
struct EmittedEvent {
    id: EventId,
    name: String,
    payload: Json,
}

pub(crate) async fn show(id: JobId, db: &Database, json: bool, out: &mut impl Write) -> Result<()> {
    let store = open_existing(db).await?;
    let job = store.job(id).await?;
    let job = job.with_context(|| format!("job {id} not found; list jobs with `bank jobs`"))?;
    let attempts = store.attempts(id).await?;
    let events = events_of(&*store, &attempts).await?;
    let report = JobReport { job, attempts, events };
    if json { write_json(out, &report) } else { write_report(&report, out) }
}

/// Returns the events that the attempts emitted. Reads all events until they are found, as there is no index by job.
async fn events_of(store: &dyn Store, attempts: &[Attempt]) -> Result<Vec<EmittedEvent>> {
    let wanted: Vec<EventId> = attempts.iter().flat_map(|attempt| attempt.events.iter().copied()).collect();
    let mut found = Vec::with_capacity(wanted.len());
    let mut cursor = Cursor::START;
    while found.len() < wanted.len() {
        let page = store.events(&cursor, PAGE).await?;
        let Some(last) = page.last() else { break };
        cursor = last.cursor.clone();
        found.extend(page.into_iter().filter(|event| wanted.contains(&event.id)).map(|event| {
            let StoredEvent { id, name, payload, .. } = event;
            EmittedEvent { id, name: name.to_string(), payload }
        }));
    }
    Ok(found)
}

fn write_report(report: &JobReport, out: &mut impl Write) -> Result<()> {
    let JobReport { job, attempts, events } = report;
    write_request(job, out)?;
    write_progress(job, out)?;
    if let Some(failure) = &job.failure {
        write_failure(failure, out)?;
    }
    let mut rows = table(["attempt", "process", "started", "ended", "step", "version", "outcome"]);
    for attempt in attempts {
        rows.add_row(attempt_row(attempt));
    }
    writeln!(out, "{rows}")?;
    for Attempt { number, strategies, .. } in attempts {
        for StrategyChoice { strategy, variant, .. } in strategies {
            writeln!(out, "attempt {number} chose {variant} for {strategy}")?;
        }
    }
    for EmittedEvent { id, name, payload } in events {
        writeln!(out, "emitted {name} {id}: {payload}")?;
    }
    Ok(())
}

/// Writes what was published, and how.
fn write_request(job: &Job, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "job          {}", job.id)?;
    writeln!(out, "name         {}", job.name)?;
    writeln!(out, "payload      {}", job.payload)?;
    let keys = [("target", &job.target), ("order by", &job.order_key), ("idempotency", &job.idempotency_key)];
    for (label, key) in keys {
        if let Some(key) = key {
            writeln!(out, "{label:<13}{key}")?;
        }
    }
    writeln!(out, "correlation  {}", job.correlation)?;
    if let Some(cause) = &job.cause {
        writeln!(out, "caused by    {cause}")?;
    }
    let context = serde_json::to_string(&*job.context)?;
    if context != "{}" {
        writeln!(out, "context      {context}")?;
    }
    if job.priority != 0 {
        writeln!(out, "priority     {}", job.priority)?;
    }
    for predecessor in &job.after {
        writeln!(out, "after        {predecessor}")?;
    }
    if let Some(deadline) = job.deadline {
        writeln!(out, "deadline     {deadline}")?;
    }
    Ok(())
}

/// Writes the state of the job, and what led to it.
fn write_progress(job: &Job, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "created      {}", job.created_at)?;
    writeln!(out, "state        {}", job.state)?;
    if let Some(due) = job.due_at {
        writeln!(out, "due          {due}")?;
    }
    if let Some(ended) = job.ended_at {
        writeln!(out, "ended        {ended}")?;
    }
    if job.spent > 0 {
        writeln!(out, "retried      by hand after attempt {}", job.spent)?;
    }
    for part in &job.unreadable {
        writeln!(out, "unreadable   {part}")?;
    }
    if let Some(output) = job.output.as_ref().filter(|output| output.as_str() != "null") {
        writeln!(out, "output       {output}")?;
    }
    Ok(())
}

fn attempt_row(attempt: &Attempt) -> [String; 7] {
    let outcome = match (&attempt.failure, attempt.ended_at) {
        (Some(failure), _) => describe(failure),
        (None, Some(_)) => "succeeded".to_owned(),
        (None, None) => "running".to_owned(),
    };
    let outcome = match attempt.late_effects {
        0 => outcome,
        late => format!("{outcome}; {late} effects came too late and are lost"),
    };
    // The name of a worker starts with its process id.
    let worker = attempt.worker.as_str();
    let process = worker.split_once('-').map_or(worker, |(process, _)| process);
    [
        attempt.number.to_string(),
        process.to_owned(),
        attempt.started_at.to_string(),
        attempt.ended_at.map_or_else(String::new, |ended| ended.to_string()),
        attempt.reached.map_or_else(String::new, |step| step.to_string()),
        attempt.version_written.map_or_else(String::new, |version| version.to_string()),
        outcome,
    ]
}
