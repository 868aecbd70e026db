//! `tree`: draws the jobs with the same correlation id, each below the job that caused it.

use std::collections::HashMap;
use std::io::Write;

use anyhow::{Context, Result};
use enact::wiring::Wiring;
use enact::{Cause, Job, JobId, JobKind, JobTreeNode};

use super::database::{Database, start_without_worker};
use super::output::{describe, write_json};

pub(crate) async fn tree(id: JobId, db: &Database, json: bool, out: &mut impl Write) -> Result<()> {
    let bank = start_without_worker(db).await?;
    let job = bank.jobs().get(id).await?;
    let job = job.with_context(|| format!("job {id} not found; list jobs with `bank jobs`"))?;
    let nodes = bank.jobs().tree(&job.correlation).await?;
    if json {
        return write_json(out, &nodes);
    }
    writeln!(out, "{}", job.correlation)?;
    let events = events_by_handler(bank.wiring());
    for (node, prefix) in nodes.iter().zip(prefixes(&nodes)) {
        writeln!(out, "{prefix}{}", label(&node.job, &events))?;
    }
    Ok(())
}

/// Returns the name of the event that each event handler handles.
fn events_by_handler(wiring: &Wiring) -> HashMap<&str, &str> {
    let handlers = wiring
        .events
        .iter()
        .flat_map(|event| event.handlers.iter().map(|handler| (handler.name, event.name)));
    handlers.collect()
}

/// Formats a job as `route_transfer 0193… succeeded after 2 attempts, handles TransferStarted`.
fn label(job: &Job, events: &HashMap<&str, &str>) -> String {
    let (id, name, state) = (job.id, &job.name, job.state);
    let attempts = match job.attempts {
        1 => String::new(),
        attempts => format!(" after {attempts} attempts"),
    };
    let cause = match (&job.cause, job.kind) {
        (None, _) => String::new(),
        (Some(Cause::Event(_)), JobKind::EventHandler) => {
            format!(", handles {}", events.get(&**name).copied().unwrap_or("an event"))
        }
        (Some(_), _) => ", published".to_owned(),
    };
    let failure = job.failure.as_ref().map_or_else(String::new, |failure| format!(": {}", describe(failure)));
    format!("{name} {id} {state}{attempts}{cause}{failure}")
}

/// Returns the lines to draw before each node.
fn prefixes(nodes: &[JobTreeNode]) -> Vec<String> {
    let mut is_last = vec![true; nodes.len()];
    // From the end: at which depths a later sibling follows.
    let mut has_later: Vec<bool> = Vec::new();
    for (node, is_last) in nodes.iter().zip(&mut is_last).rev() {
        has_later.resize(node.depth + 1, false);
        *is_last = !std::mem::replace(&mut has_later[node.depth], true);
    }
    let mut trunk: Vec<&str> = Vec::new();
    let prefixes = nodes.iter().zip(is_last).map(|(node, is_last)| {
        trunk.truncate(node.depth);
        let prefix = trunk.concat() + if is_last { "└── " } else { "├── " };
        trunk.push(if is_last { "    " } else { "│   " });
        prefix
    });
    prefixes.collect()
}
