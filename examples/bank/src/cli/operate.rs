//! `retry`, `cancel` and `prune`. They change jobs in the database, but run none: that is left to `bank work`.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result};
use enact::clock::{Clock, SystemClock};
use enact::prelude::*;
use enact::{CorrelationId, JobId, Retention};
use serde::Serialize;

use super::args::{EndState, PruneArgs, RetryArgs};
use super::database::{Database, start_without_worker};
use super::output::{table, write_json};

/// The JSON output of a command that changes a job.
#[derive(Serialize)]
struct Changed {
    job: JobId,
    state: JobState,
}

pub(crate) async fn retry(args: RetryArgs, json: bool, out: &mut impl Write) -> Result<()> {
    let RetryArgs { selection, name, correlation, database } = args;
    let bank = start_without_worker(&database.db).await?;
    if let Some(id) = selection.id {
        bank.jobs().retry(id).await?;
        return report(&bank, id, json, out).await;
    }
    let correlation = correlation.map(CorrelationId::new);
    let mut query = JobQuery::new().limit(usize::MAX);
    query.name = name;
    query.correlation = correlation;
    let retried = bank.jobs().retry_all(&query).await?;
    if json {
        write_json(out, &serde_json::json!({ "retried": retried }))
    } else {
        Ok(writeln!(out, "retried {retried} failed jobs; `bank work` runs them")?)
    }
}

pub(crate) async fn cancel(id: JobId, db: &Database, json: bool, out: &mut impl Write) -> Result<()> {
    let bank = start_without_worker(db).await?;
    bank.jobs().cancel(id).await?;
    report(&bank, id, json, out).await
}

pub(crate) async fn orphans(db: &Database, json: bool, out: &mut impl Write) -> Result<()> {
    let bank = start_without_worker(db).await?;
    let orphans = bank.jobs().orphans().await?;
    if json {
        let counts: BTreeMap<_, _> = orphans.iter().map(|live| (&*live.name, live.count)).collect();
        return write_json(out, &counts);
    }
    let mut rows = table(["name", "jobs"]);
    for live in &orphans {
        rows.add_row([live.name.to_string(), live.count.to_string()]);
    }
    Ok(writeln!(out, "{rows}")?)
}

/// Prints the state of a job after a change.
async fn report(bank: &Runtime, id: JobId, json: bool, out: &mut impl Write) -> Result<()> {
    let job = bank.jobs().get(id).await?;
    let job = job.with_context(|| format!("job {id} was deleted by another process in the meantime"))?;
    let (name, state) = (&job.name, job.state);
    if json {
        return write_json(out, &Changed { job: id, state });
    }
    let next = if state.has_ended() { "" } else { "; `bank work` runs it" };
    Ok(writeln!(out, "job {id} ({name}) is {state}{next}")?)
}

/// The JSON output of `prune`.
#[derive(Serialize)]
struct Deleted {
    jobs: u64,
    events: u64,
}

pub(crate) async fn prune(args: &PruneArgs, json: bool, out: &mut impl Write) -> Result<()> {
    let PruneArgs { older_than, states, events, database } = args;
    let bank = start_without_worker(&database.db).await?;
    let jobs = bank.jobs().prune(&retention(*older_than, states)).await?;
    let events = if *events { prune_events(&bank, *older_than).await? } else { 0 };
    if json {
        return write_json(out, &Deleted { jobs, events });
    }
    Ok(writeln!(out, "deleted {jobs} jobs and {events} events")?)
}

/// Keeps jobs in these states for this long. No states means all of them.
fn retention(age: Duration, states: &[EndState]) -> Retention {
    if states.is_empty() {
        return Retention::new().ended(age);
    }
    states.iter().fold(Retention::new(), |retention, state| match state {
        EndState::Succeeded => retention.succeeded(age),
        EndState::Failed => retention.failed(age),
        EndState::Cancelled => retention.cancelled(age),
    })
}

async fn prune_events(bank: &Runtime, older_than: Duration) -> Result<u64> {
    let before = SystemClock
        .now()
        .checked_sub(older_than)
        .context("--older-than: the age is out of range; use a smaller one, such as `30d`")?;
    Ok(bank.events().prune(before).await?)
}
