//! What looks into the database. It reads the store itself, page by page, and starts no bank.

use std::io::{self, Write};

use anyhow::{Context, Result};
use bank::domain::{Account, Transfer, TransferId};
use enact::store::{Cursor, EntityKey, JobQuery, Store, StoredEvent};
use enact::{Attempt, CorrelationId, Entity, EventId, Job, JobId, Json, Key, StrategyChoice};
use enact_sqlite::SqliteStore;
use serde::Serialize;

use super::database::open_to_read;
use super::output::{JsonArray, align_right, explain, table, write_failure, write_json};
use super::{Database, Which};

/// How much is read at a time.
const PAGE: usize = 500;

pub(crate) async fn balances(database: &Database, csv: bool, json: bool, out: &mut impl Write) -> Result<()> {
    let store = open_to_read(&database.db)?;
    if json {
        return list_as_json::<Account>(&store, out).await;
    }
    if csv {
        writeln!(out, "account,balance_cents")?;
        let mut write = |Account { id, balance_cents, .. }| Ok(writeln!(out, "{id},{balance_cents}")?);
        return each(&store, &mut write).await;
    }
    let mut accounts = table(["account", "holder", "balance (cents)"]);
    let mut add = |Account { id, holder, balance_cents }| {
        accounts.add_row([id.to_string(), holder.unwrap_or_default(), balance_cents.to_string()]);
        Ok(())
    };
    each(&store, &mut add).await?;
    align_right(&mut accounts, 2);
    Ok(writeln!(out, "{accounts}")?)
}

pub(crate) async fn transfers(
    id: Option<TransferId>,
    database: &Database,
    json: bool,
    out: &mut impl Write,
) -> Result<()> {
    let store = open_to_read(&database.db)?;
    let Some(id) = id else {
        if json {
            return list_as_json::<Transfer>(&store, out).await;
        }
        let mut found = Vec::new();
        each(&store, &mut |transfer| {
            found.push(transfer);
            Ok(())
        })
        .await?;
        return write_transfers(found, out);
    };
    let key = Key::of(&id).with_context(|| format!("`{id}` names no transfer"))?;
    let stored = store.entity(&EntityKey { entity: Transfer::NAME, id: key }).await?;
    let stored =
        stored.with_context(|| format!("there is no transfer `{id}`; `bank transfers` lists them"))?;
    let transfer: Transfer = stored.body.parse()?;
    if json { write_json(out, &transfer) } else { write_transfers(vec![transfer], out) }
}

fn write_transfers(transfers: Vec<Transfer>, out: &mut impl Write) -> Result<()> {
    let mut list = table(["transfer", "from", "to", "cents", "state"]);
    for Transfer { id, from, to, cents, state } in transfers {
        list.add_row([
            id.to_string(),
            from.to_string(),
            to.to_string(),
            cents.to_string(),
            state.to_string(),
        ]);
    }
    align_right(&mut list, 3);
    Ok(writeln!(out, "{list}")?)
}

pub(crate) async fn jobs(which: Which, database: &Database, json: bool, out: &mut impl Write) -> Result<()> {
    let store = open_to_read(&database.db)?;
    let mut list = table(["job", "name", "state", "attempts", "target", "why it failed"]);
    let mut array = if json { Some(JsonArray::begin(out)?) } else { None };
    let mut left = which.limit;
    let mut query = JobQuery {
        states: which.states,
        name: which.name,
        correlation: which.matter.map(CorrelationId::new),
        latest_first: true,
        ..JobQuery::default()
    };
    while left > 0 {
        query.limit = left.min(PAGE);
        let page = store.jobs(&query).await?;
        left -= page.jobs.len();
        for job in &page.jobs {
            match &mut array {
                Some(array) => array.push(job)?,
                None => drop(list.add_row(summary_of(job))),
            }
        }
        query.after = page.next;
        if query.after.is_none() {
            break;
        }
    }
    match array {
        Some(array) => Ok(array.end()?),
        None => Ok(writeln!(out, "{list}")?),
    }
}

fn summary_of(job: &Job) -> [String; 6] {
    [
        job.id.to_string(),
        job.name.to_string(),
        job.state.to_string(),
        job.attempts.to_string(),
        job.target.as_ref().map_or_else(String::new, ToString::to_string),
        job.failure.as_ref().map_or_else(String::new, explain),
    ]
}

/// A job, and everything that is known about what it did.
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

pub(crate) async fn job(id: JobId, database: &Database, json: bool, out: &mut impl Write) -> Result<()> {
    let store = open_to_read(&database.db)?;
    let job = store.job(id).await?;
    let job = job.with_context(|| format!("there is no job {id}; `bank jobs` lists them"))?;
    let attempts = store.attempts(id).await?;
    let events = events_of(&store, &attempts).await?;
    let report = JobReport { job, attempts, events };
    if json { write_json(out, &report) } else { write_report(&report, out) }
}

/// The events that the attempts have emitted. There is no index of events by their job, so all are gone through.
async fn events_of(store: &SqliteStore, attempts: &[Attempt]) -> Result<Vec<EmittedEvent>> {
    let wanted: Vec<EventId> = attempts.iter().flat_map(|attempt| attempt.events.iter().copied()).collect();
    let mut found = Vec::with_capacity(wanted.len());
    let mut cursor = Cursor::START;
    while found.len() < wanted.len() {
        let page = store.events(cursor, PAGE).await?;
        let Some(last) = page.last() else { break };
        cursor = last.cursor;
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
    write_standing(job, out)?;
    if let Some(failure) = &job.failure {
        write_failure(failure, out)?;
    }
    let mut list = table(["attempt", "process", "began", "ended", "reached", "version", "outcome"]);
    for attempt in attempts {
        list.add_row(outcome_of(attempt));
    }
    writeln!(out, "{list}")?;
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

/// What was asked for, by whom, and under which conditions.
fn write_request(job: &Job, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "job          {}", job.id)?;
    writeln!(out, "name         {}", job.name)?;
    writeln!(out, "payload      {}", job.payload)?;
    let keys = [("target", &job.target), ("in order of", &job.order_key), ("once for", &job.idempotency_key)];
    for (what, key) in keys {
        if let Some(key) = key {
            writeln!(out, "{what:<13}{key}")?;
        }
    }
    writeln!(out, "matter       {}", job.correlation)?;
    if let Some(cause) = job.cause {
        writeln!(out, "caused by    {cause}")?;
    }
    let context = serde_json::to_string(&*job.context)?;
    if context != "{}" {
        writeln!(out, "context      {context}")?;
    }
    if job.priority != 0 {
        writeln!(out, "priority     {}", job.priority)?;
    }
    for before in &job.after {
        writeln!(out, "after        {before}")?;
    }
    if let Some(deadline) = job.deadline {
        writeln!(out, "deadline     {deadline}")?;
    }
    Ok(())
}

/// How far it has come.
fn write_standing(job: &Job, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "created      {}", job.created_at)?;
    writeln!(out, "state        {}", job.state)?;
    if let Some(due) = job.due_at {
        writeln!(out, "not before   {due}")?;
    }
    if let Some(ended) = job.ended_at {
        writeln!(out, "ended        {ended}")?;
    }
    if job.spent > 0 {
        writeln!(out, "by hand      retried after {} attempts, which count no more", job.spent)?;
    }
    if let Some(output) = job.output.as_ref().filter(|output| output.as_str() != "null") {
        writeln!(out, "output       {output}")?;
    }
    Ok(())
}

fn outcome_of(attempt: &Attempt) -> [String; 7] {
    let outcome = match (&attempt.failure, attempt.ended_at) {
        (Some(failure), _) => explain(failure),
        (None, Some(_)) => "succeeded".to_owned(),
        (None, None) => "running".to_owned(),
    };
    // A worker's name begins with the number of its process.
    let (process, _) = attempt.worker.as_str().split_once('-').unwrap_or((attempt.worker.as_str(), ""));
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

async fn list_as_json<E: Entity>(store: &SqliteStore, out: &mut impl Write) -> Result<()> {
    let mut array = JsonArray::begin(out)?;
    each::<E>(store, &mut |entity| Ok(array.push(&entity)?)).await?;
    Ok(array.end()?)
}

/// Goes through the entities of a type, in the order of their ids.
async fn each<E: Entity>(store: &SqliteStore, act: &mut impl FnMut(E) -> Result<()>) -> Result<()> {
    let mut after = None;
    loop {
        let page = store.entities(E::NAME, after.as_ref(), PAGE).await?;
        let is_last = page.len() < PAGE;
        for (key, stored) in page {
            act(stored.body.parse().with_context(|| format!("{} {key} cannot be read", E::NAME))?)?;
            after = Some(key);
        }
        if is_last {
            return Ok(());
        }
    }
}
