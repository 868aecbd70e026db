//! `backup`, `restore` and `check`: the database as a file.

use std::io::Write;
use std::path::Path;

use anyhow::{Result, bail};
use enact_sqlite::SqliteStore;
use serde_json::json;

use super::database::{Database, open_existing_file};
use super::output::write_json;

pub(crate) async fn backup(file: &Path, db: &Database, json: bool, out: &mut impl Write) -> Result<()> {
    open_existing_file(db.file()?)?.backup(file).await?;
    if json {
        return write_json(out, &json!({ "backup": file }));
    }
    Ok(writeln!(out, "backed up `{db}` to `{}`", file.display())?)
}

pub(crate) fn restore(file: &Path, db: &Database, json: bool, out: &mut impl Write) -> Result<()> {
    let path = db.file()?;
    let replaced = SqliteStore::restore(file, path)?;
    if json {
        return write_json(out, &json!({ "database": path, "replaced": replaced }));
    }
    writeln!(out, "restored `{db}` from `{}`", file.display())?;
    if let Some(replaced) = replaced {
        writeln!(out, "the database that was there is kept as `{}`", replaced.display())?;
    }
    Ok(())
}

pub(crate) async fn check(db: &Database, json: bool, out: &mut impl Write) -> Result<()> {
    let problems = open_existing_file(db.file()?)?.check().await?;
    if json {
        write_json(out, &json!({ "problems": problems }))?;
    } else if problems.is_empty() {
        writeln!(out, "`{db}` is whole")?;
    } else {
        for problem in &problems {
            writeln!(out, "{problem}")?;
        }
    }
    if !problems.is_empty() {
        bail!("`{db}` has {} problems; restore a backup with `bank restore`", problems.len());
    }
    Ok(())
}
