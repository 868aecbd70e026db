//! Replays, and what is said about them.

use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context, Result};
use bank::ledger::Ledger;
use bank::replay::{Progress, Summary, replay};
use enact::RuntimeBuilder;
use enact::prelude::*;
use enact::store::{Cursor, JobCount};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::Bank;
use super::database::{close_bank, open_bank};
use super::output::{align_right, table, write_json};

/// The ledger that the example ships: a village bank's spring, with all in it that can go wrong.
const SHIPPED: &[u8] = include_bytes!("../../ledger.csv");

/// How many events are counted at a time.
const PAGE: usize = 1000;

/// What a replay has done, and what the database holds now.
#[derive(Serialize)]
struct Report {
    ledger: String,
    #[serde(flatten)]
    summary: Summary,
    jobs: Vec<Jobs>,
    events: u64,
}

/// How many jobs of a name are in a state.
#[derive(Serialize)]
struct Jobs {
    name: String,
    state: JobState,
    number: u64,
}

pub(crate) async fn shipped(json: bool, out: &mut impl Write) -> Result<()> {
    let place = tempfile::tempdir().context("there is no place for a temporary database")?;
    let bank = open_bank(&place.path().join("bank.db"), RuntimeBuilder::DEFAULT_LEASE).await?;
    let report =
        run(&bank, "the ledger that the example ships", Ledger::new(SHIPPED)?, SHIPPED.len() as u64).await;
    let closed = close_bank(bank).await;
    report?.write(json, out)?;
    closed
}

pub(crate) async fn file(file: &Path, options: &Bank, json: bool, out: &mut impl Write) -> Result<()> {
    let name = file.display().to_string();
    let of_file = || format!("`{name}`");
    // The ledger comes first: one that cannot be read leaves no database behind.
    let ledger = Ledger::open(file).with_context(of_file)?;
    let bytes = file.metadata().with_context(of_file)?.len();
    let bank = open_bank(&options.db, options.lease).await?;
    let report = run(&bank, &name, ledger, bytes).await.with_context(of_file);
    let closed = close_bank(bank).await;
    report?.write(json, out)?;
    closed
}

async fn run<R: Read>(bank: &Runtime, name: &str, ledger: Ledger<R>, bytes: u64) -> Result<Report> {
    // Shown only where stderr is a terminal.
    let style = "{wide_bar} {percent} %, {msg} rows, {elapsed} of {duration}";
    let bar = ProgressBar::new(bytes).with_style(ProgressStyle::with_template(style)?);
    let show = |Progress { rows, bytes }| {
        bar.set_position(bytes);
        bar.set_message(rows.to_string());
    };
    let matter = format!("replay/{}", Path::new(name).file_name().unwrap_or_default().display());
    let summary = replay(bank, &matter, ledger, show).await;
    bar.finish_and_clear();
    let summary = summary?;
    let jobs = bank.jobs().count().await?.into_iter().map(|JobCount { name, state, count, .. }| Jobs {
        name: name.to_string(),
        state,
        number: count,
    });
    let jobs = jobs.collect();
    Ok(Report { ledger: name.to_owned(), summary, jobs, events: count_events(bank).await? })
}

/// How many events are on record. All are gone through, page by page.
async fn count_events(bank: &Runtime) -> Result<u64> {
    let (mut cursor, mut count) = (Cursor::START, 0);
    loop {
        let page = bank.events().after(cursor, PAGE).await?;
        let Some(last) = page.last() else { return Ok(count) };
        cursor = last.cursor;
        count += page.len() as u64;
    }
}

impl Report {
    fn write(&self, json: bool, out: &mut impl Write) -> Result<()> {
        if json { write_json(out, self) } else { self.write_tables(out) }
    }

    fn write_tables(&self, out: &mut impl Write) -> Result<()> {
        let Summary { rows, applied, on_record, rejected, succeeded, seconds, .. } = &self.summary;
        writeln!(out, "{}", self.ledger)?;
        writeln!(out, "  rows           {rows:>9}")?;
        writeln!(out, "    new jobs     {applied:>9}")?;
        writeln!(
            out,
            "    on record    {on_record:>9}   their transaction had a job already: nothing is done twice"
        )?;
        writeln!(out, "    rejected     {rejected:>9}   no job: see the lines below")?;
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
        let mut refusals = table(["refused as", "code", "rows", "the first one"]);
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
        let mut lines = table(["line", "column", "why it has become no job"]);
        for line in rejected_lines {
            lines.add_row([
                line.line.to_string(),
                line.field.unwrap_or_default().to_owned(),
                line.reason.clone(),
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
        let mut jobs = table(["in the database", "state", "number"]);
        for Jobs { name, state, number } in &self.jobs {
            jobs.add_row([format!("job {name}"), state.to_string(), number.to_string()]);
        }
        jobs.add_row(["events".to_owned(), String::new(), self.events.to_string()]);
        align_right(&mut jobs, 2);
        Ok(writeln!(out, "\n{jobs}")?)
    }
}
