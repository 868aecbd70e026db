//! What a job belongs to, drawn: who caused whom.

use std::collections::HashMap;
use std::io::Write;

use anyhow::{Context, Result};
use enact::wiring::Wiring;
use enact::{Cause, Job, JobId, JobKind, JobTreeNode};

use super::Database;
use super::database::bank_that_runs_nothing;
use super::output::{explain, write_json};

pub(crate) async fn tree(id: JobId, database: &Database, json: bool, out: &mut impl Write) -> Result<()> {
    let bank = bank_that_runs_nothing(&database.db).await?;
    let job = bank.jobs().get(id).await?;
    let job = job.with_context(|| format!("there is no job {id}; `bank jobs` lists them"))?;
    let branches = bank.jobs().tree(&job.correlation).await?;
    if json {
        return write_json(out, &branches);
    }
    writeln!(out, "{}", job.correlation)?;
    let handled = events_by_handler(bank.wiring());
    for (branch, lines) in branches.iter().zip(lines(&branches)) {
        writeln!(out, "{lines}{}", describe(&branch.job, &handled))?;
    }
    Ok(())
}

/// The name of the event that each event handler handles.
fn events_by_handler(wiring: &Wiring) -> HashMap<&str, &str> {
    let handlers = wiring
        .events
        .iter()
        .flat_map(|event| event.handlers.iter().map(|handler| (handler.name, event.name)));
    handlers.collect()
}

/// `route_transfer 0193… succeeded after 2 attempts, of TransferStarted`.
fn describe(job: &Job, handled: &HashMap<&str, &str>) -> String {
    let Job { id, name, state, .. } = job;
    let attempts = match job.attempts {
        1 => String::new(),
        attempts => format!(" after {attempts} attempts"),
    };
    let cause = match (job.cause, job.kind) {
        (None, _) => String::new(),
        (Some(Cause::Event(_)), JobKind::EventHandler) => {
            format!(", of {}", handled.get(&**name).copied().unwrap_or("an event"))
        }
        (Some(_), _) => ", published".to_owned(),
    };
    let failure = job.failure.as_ref().map_or_else(String::new, |failure| format!(": {}", explain(failure)));
    format!("{name} {id} {state}{attempts}{cause}{failure}")
}

/// The lines before each job, which lead down to it from the one that caused it.
fn lines(branches: &[JobTreeNode]) -> Vec<String> {
    let mut is_last = vec![true; branches.len()];
    // Which depths have another job below, before one that stands higher.
    let mut more: Vec<bool> = Vec::new();
    for (branch, is_last) in branches.iter().zip(&mut is_last).rev() {
        more.resize(branch.depth + 1, false);
        *is_last = !std::mem::replace(&mut more[branch.depth], true);
    }
    let mut trunk: Vec<&str> = Vec::new();
    let lines = branches.iter().zip(is_last).map(|(branch, is_last)| {
        trunk.truncate(branch.depth);
        let line = trunk.concat() + if is_last { "└── " } else { "├── " };
        trunk.push(if is_last { "    " } else { "│   " });
        line
    });
    lines.collect()
}
