//! `replay`: replays a ledger and prints a report.

use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context, Result};
use bank::ledger::Ledger;
use bank::replay::{Progress, Summary, replay};
use enact::prelude::*;
use enact::{Cursor, JobCount, RuntimeBuilder};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::args::RuntimeArgs;
use super::database::{Database, close_bank, start_bank};
use super::output::{align_right, table, write_json};

/// The ledger that is part of the program: three months of a small bank, with invalid rows of each kind.
const BUNDLED: &[u8] = include_bytes!("../../ledger.csv");

/// The number of events that are read at a time.
const PAGE: usize = 1000;

/// The outcome of a replay, and the contents of the database after it.
#[derive(Serialize)]
struct Report {
    ledger: String,
    #[serde(flatten)]
    summary: Summary,
    jobs: Vec<Jobs>,
    events: u64,
}

/// The number of jobs with this name in this state.
#[derive(Serialize)]
struct Jobs {
    name: String,
    state: JobState,
    count: u64,
}

/// Replays the bundled ledger into a temporary database.
pub(crate) async fn bundled(json: bool, out: &mut impl Write) -> Result<()> {
    let directory = tempfile::tempdir().context("cannot create a directory for the temporary database")?;
    let args = RuntimeArgs {
        db: Database::File(directory.path().join("bank.db")),
        lease: RuntimeBuilder::DEFAULT_LEASE,
    };
    let bank = start_bank(&args).await?;
    let report = run(&bank, "the bundled ledger", Ledger::new(BUNDLED)?, BUNDLED.len() as u64).await;
    let closed = close_bank(bank).await;
    report?.write(json, out)?;
    closed
}

pub(crate) async fn file(file: &Path, args: &RuntimeArgs, json: bool, out: &mut impl Write) -> Result<()> {
    let name = file.display().to_string();
    let context = || format!("`{name}`");
    // Opened before the database, so that an invalid ledger creates none.
    let ledger = Ledger::open(file).with_context(context)?;
    let bytes = file.metadata().with_context(context)?.len();
    let bank = start_bank(args).await?;
    let report = run(&bank, &name, ledger, bytes).await.with_context(context);
    let closed = close_bank(bank).await;
    report?.write(json, out)?;
    closed
}

async fn run<R: Read>(bank: &Runtime, name: &str, ledger: Ledger<R>, bytes: u64) -> Result<Report> {
    // Drawn only if stderr is a terminal.
    let style = "{wide_bar} {percent} %, {msg} rows, {elapsed} of {duration}";
    let bar = ProgressBar::new(bytes).with_style(ProgressStyle::with_template(style)?);
    let show = |Progress { rows, bytes }| {
        bar.set_position(bytes);
        bar.set_message(rows.to_string());
    };
    let correlation = format!("replay/{}", Path::new(name).file_name().unwrap_or_default().display());
    let summary = replay(bank, &correlation, ledger, show).await;
    bar.finish_and_clear();
    let summary = summary?;
    let jobs = bank.jobs().count().await?.into_iter().map(|JobCount { name, state, count, .. }| Jobs {
        name: name.to_string(),
        state,
        count,
    });
    let jobs = jobs.collect();
    Ok(Report { ledger: name.to_owned(), summary, jobs, events: count_events(bank).await? })
}

/// Counts all stored events, page by page.
async fn count_events(bank: &Runtime) -> Result<u64> {
    let (mut cursor, mut count) = (Cursor::START, 0);
    loop {
        let page = bank.events().list(&cursor, PAGE).await?;
        let Some(last) = page.last() else { return Ok(count) };
        cursor = last.cursor.clone();
        count += page.len() as u64;
    }
}

impl Report {
    fn write(&self, json: bool, out: &mut impl Write) -> Result<()> {
        if json { write_json(out, self) } else { self.write_tables(out) }
    }

    fn write_tables(&self, out: &mut impl Write) -> Result<()> {
        let Summary { rows, new_jobs, existing_jobs, rejected, succeeded, seconds, .. } = &self.summary;
        writeln!(out, "{}", self.ledger)?;
        writeln!(out, "  rows           {rows:>9}")?;
        writeln!(out, "    new jobs     {new_jobs:>9}")?;
        writeln!(
            out,
            "    existing jobs{existing_jobs:>9}   transaction already has a job; not applied again"
        )?;
        writeln!(out, "    rejected     {rejected:>9}   no job; listed below")?;
        writeln!(out, "  succeeded      {succeeded:>9}")?;
        writeln!(out, "  refused        {:>9}", rows - succeeded)?;
        writeln!(out, "  seconds        {seconds:>9.2}")?;
        if let Some(rate) = self.summary.rows_per_second {
            writeln!(out, "  rows per second{rate:>9.0}")?;
        }
        self.write_refusals(out)?;
        self.write_rejected_lines(out)?;
        self.write_database(out)
    }

    fn write_refusals(&self, out: &mut impl Write) -> Result<()> {
        if self.summary.refused.is_empty() {
            return Ok(());
        }
        let mut refusals = table(["refused as", "code", "rows", "first row"]);
        for refusal in &self.summary.refused {
            let first = format!("line {}: {}", refusal.line, refusal.message);
            refusals.add_row([
                refusal.kind.to_owned(),
                refusal.code.clone(),
                refusal.count.to_string(),
                first,
            ]);
        }
        align_right(&mut refusals, 2);
        Ok(writeln!(out, "\n{refusals}")?)
    }

    fn write_rejected_lines(&self, out: &mut impl Write) -> Result<()> {
        let Summary { rejected, rejected_lines, .. } = &self.summary;
        if rejected_lines.is_empty() {
            return Ok(());
        }
        let mut lines = table(["rejected line", "column", "reason"]);
        for rejected in rejected_lines {
            lines.add_row([
                rejected.line.to_string(),
                rejected.column.unwrap_or_default().to_owned(),
                rejected.reason.clone(),
            ]);
        }
        align_right(&mut lines, 0);
        writeln!(out, "\n{lines}")?;
        let more = rejected - rejected_lines.len() as u64;
        if more > 0 {
            writeln!(out, "and {more} more")?;
        }
        Ok(())
    }

    fn write_database(&self, out: &mut impl Write) -> Result<()> {
        let mut rows = table(["in the database", "state", "count"]);
        for Jobs { name, state, count } in &self.jobs {
            rows.add_row([format!("job {name}"), state.to_string(), count.to_string()]);
        }
        rows.add_row(["events".to_owned(), String::new(), self.events.to_string()]);
        align_right(&mut rows, 2);
        Ok(writeln!(out, "\n{rows}")?)
    }
}
