//! `balances` and `transfers`. They read the store page by page, without starting the bank.

use std::io::Write;

use anyhow::{Context, Result};
use bank::domain::{Account, Transfer, TransferId};
use enact::store::{EntityKey, Store};
use enact::{Entity, Key};

use super::database::{Database, open_existing};
use super::output::{JsonArray, align_right, table, write_json};

/// The number of entities that are read at a time.
const PAGE: usize = 500;

pub(crate) async fn balances(db: &Database, csv: bool, json: bool, out: &mut impl Write) -> Result<()> {
    let store = open_existing(db).await?;
    if json {
        return write_all_as_json::<Account>(&*store, out).await;
    }
    if csv {
        writeln!(out, "account,balance_cents")?;
        return for_each(&*store, |Account { id, balance_cents, .. }| {
            Ok(writeln!(out, "{id},{balance_cents}")?)
        })
        .await;
    }
    let mut accounts = table(["account", "holder", "balance (cents)"]);
    for_each(&*store, |Account { id, holder, balance_cents }| {
        accounts.add_row([id.to_string(), holder.unwrap_or_default(), balance_cents.to_string()]);
        Ok(())
    })
    .await?;
    align_right(&mut accounts, 2);
    Ok(writeln!(out, "{accounts}")?)
}

pub(crate) async fn transfers(
    id: Option<TransferId>,
    db: &Database,
    json: bool,
    out: &mut impl Write,
) -> Result<()> {
    let store = open_existing(db).await?;
    match id {
        Some(id) => {
            let transfer = find_transfer(&*store, &id).await?;
            if json { write_json(out, &transfer) } else { write_transfers(vec![transfer], out) }
        }
        None if json => write_all_as_json::<Transfer>(&*store, out).await,
        None => {
            let mut transfers = Vec::new();
            for_each(&*store, |transfer| {
                transfers.push(transfer);
                Ok(())
            })
            .await?;
            write_transfers(transfers, out)
        }
    }
}

async fn find_transfer(store: &dyn Store, id: &TransferId) -> Result<Transfer> {
    let key = Key::of(id).with_context(|| format!("`{id}` is not a transfer id"))?;
    let stored = store.entity(&EntityKey { entity: Transfer::NAME, id: key }).await?;
    let stored =
        stored.with_context(|| format!("transfer `{id}` not found; list them with `bank transfers`"))?;
    Ok(stored.body.parse()?)
}

fn write_transfers(transfers: Vec<Transfer>, out: &mut impl Write) -> Result<()> {
    let mut rows = table(["transfer", "from", "to", "cents", "state"]);
    for Transfer { id, from, to, cents, state } in transfers {
        rows.add_row([
            id.to_string(),
            from.to_string(),
            to.to_string(),
            cents.to_string(),
            state.to_string(),
        ]);
    }
    align_right(&mut rows, 3);
    Ok(writeln!(out, "{rows}")?)
}

async fn write_all_as_json<E: Entity>(store: &dyn Store, out: &mut impl Write) -> Result<()> {
    let mut array = JsonArray::begin(out)?;
    for_each(store, |entity: E| Ok(array.push(&entity)?)).await?;
    Ok(array.end()?)
}

/// Calls `action` with each entity of a type, in the order of their ids.
async fn for_each<E: Entity>(store: &dyn Store, mut action: impl FnMut(E) -> Result<()>) -> Result<()> {
    let mut after = None;
    loop {
        let page = store.entities(E::NAME, after.as_ref(), PAGE).await?;
        let is_last = page.len() < PAGE;
        for (key, stored) in page {
            action(stored.body.parse().with_context(|| format!("cannot read {} {key}", E::NAME))?)?;
            after = Some(key);
        }
        if is_last {
            return Ok(());
        }
    }
}
