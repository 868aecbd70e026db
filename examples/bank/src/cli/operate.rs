//! What looks after jobs by hand. None of it runs a job: that is left to `bank work`, and to whatever else works on the database.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result};
use enact::clock::{Clock, SystemClock};
use enact::prelude::*;
use enact::store::JobQuery;
use enact::{CorrelationId, JobId, Retention};
use serde::Serialize;

use super::database::bank_that_runs_nothing;
use super::output::write_json;
use super::{Database, Ended, PruneWhich, RetryWhich};

/// What a job stands at after it was changed.
#[derive(Serialize)]
struct Changed {
    job: JobId,
    state: JobState,
}

pub(crate) async fn retry(
    which: RetryWhich,
    database: &Database,
    json: bool,
    out: &mut impl Write,
) -> Result<()> {
    let bank = bank_that_runs_nothing(&database.db).await?;
    let RetryWhich { one_or_all, name, matter } = which;
    let Some(id) = one_or_all.id else {
        let mut query = JobQuery::new().limit(usize::MAX);
        query.name = name;
        query.correlation = matter.map(CorrelationId::new);
        let retried = bank.jobs().retry_all(&query).await?;
        return if json {
            write_json(out, &serde_json::json!({ "retried": retried }))
        } else {
            Ok(writeln!(out, "{retried} failed jobs run again; `bank work` runs them")?)
        };
    };
    bank.jobs().retry(id).await?;
    report(&bank, id, json, out).await
}

pub(crate) async fn cancel(id: JobId, database: &Database, json: bool, out: &mut impl Write) -> Result<()> {
    let bank = bank_that_runs_nothing(&database.db).await?;
    bank.jobs().cancel(id).await?;
    report(&bank, id, json, out).await
}

/// Says what a job has come to.
async fn report(bank: &Runtime, id: JobId, json: bool, out: &mut impl Write) -> Result<()> {
    let job = bank.jobs().get(id).await?.context("the job has been deleted meanwhile")?;
    let (name, state) = (&job.name, job.state);
    if json {
        return write_json(out, &Changed { job: id, state });
    }
    let what_next = if state.has_ended() { "" } else { "; `bank work` runs it" };
    Ok(writeln!(out, "job {id} ({name}) is {state}{what_next}")?)
}

/// What was deleted.
#[derive(Serialize)]
struct Deleted {
    jobs: u64,
    events: u64,
}

pub(crate) async fn prune(
    which: &PruneWhich,
    database: &Database,
    json: bool,
    out: &mut impl Write,
) -> Result<()> {
    let PruneWhich { older_than, states, events } = which;
    let bank = bank_that_runs_nothing(&database.db).await?;
    let of_state = |retention: Retention, state: &Ended| match state {
        Ended::Succeeded => retention.succeeded(*older_than),
        Ended::Failed => retention.failed(*older_than),
        Ended::Cancelled => retention.cancelled(*older_than),
    };
    let retention = match &states[..] {
        [] => Retention::new().ended(*older_than),
        states => states.iter().fold(Retention::new(), of_state),
    };
    let jobs = bank.jobs().prune(&retention).await?;
    let events = if *events { prune_events(&bank, *older_than).await? } else { 0 };
    if json {
        return write_json(out, &Deleted { jobs, events });
    }
    Ok(writeln!(out, "deleted {jobs} jobs and {events} events")?)
}

async fn prune_events(bank: &Runtime, older_than: Duration) -> Result<u64> {
    let now = SystemClock.now();
    let before = now
        .checked_sub(older_than)
        .context("--older-than: so long ago there were no events; give a shorter age")?;
    Ok(bank.events().prune(before).await?)
}
