//! `wiring` and `schema`, which describe the bank's domain. They need no database and run no jobs.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::{Context, Result};
use serde_json::Value;

use super::database::start_in_memory;
use super::output::write_json;

pub(crate) async fn wiring(mermaid: bool, json: bool, out: &mut impl Write) -> Result<()> {
    let bank = start_in_memory().await?;
    let wiring = bank.wiring();
    match (mermaid, json) {
        (true, _) => write!(out, "{}", wiring.to_mermaid())?,
        (_, true) => write_json(out, wiring)?,
        _ => write!(out, "{wiring}")?,
    }
    Ok(())
}

pub(crate) async fn schema(name: Option<&str>, out: &mut impl Write) -> Result<()> {
    let bank = start_in_memory().await?;
    let commands = bank.wiring().commands.iter().map(|command| (command.name, &command.schema));
    let events = bank.wiring().events.iter().map(|event| (event.name, &event.schema));
    let schemas: BTreeMap<&str, &Value> = commands.chain(events).collect();
    let Some(name) = name else {
        return write_json(out, &schemas);
    };
    let schema = schemas.get(name).with_context(|| {
        let names: Vec<_> = schemas.keys().copied().collect();
        format!("no command or event is named `{name}`; use one of {}", names.join(", "))
    })?;
    write_json(out, schema)
}
