//! `backup`, `restore` and `check`: the database as a file.

use std::io::Write;
use std::path::Path;

use anyhow::{Result, bail};
use enact_sqlite::SqliteStore;
use serde_json::json;

use super::database::open_existing;
use super::output::write_json;

pub(crate) async fn backup(file: &Path, db: &Path, json: bool, out: &mut impl Write) -> Result<()> {
    open_existing(db)?.backup(file).await?;
    if json {
        return write_json(out, &json!({ "backup": file }));
    }
    Ok(writeln!(out, "backed up `{}` to `{}`", db.display(), file.display())?)
}

pub(crate) fn restore(file: &Path, db: &Path, json: bool, out: &mut impl Write) -> Result<()> {
    let replaced = SqliteStore::restore(file, db)?;
    if json {
        return write_json(out, &json!({ "database": db, "replaced": replaced }));
    }
    writeln!(out, "restored `{}` from `{}`", db.display(), file.display())?;
    if let Some(replaced) = replaced {
        writeln!(out, "the database that was there is kept as `{}`", replaced.display())?;
    }
    Ok(())
}

pub(crate) async fn check(db: &Path, json: bool, out: &mut impl Write) -> Result<()> {
    let problems = open_existing(db)?.check().await?;
    if json {
        write_json(out, &json!({ "problems": problems }))?;
    } else if problems.is_empty() {
        writeln!(out, "`{}` is whole", db.display())?;
    } else {
        for problem in &problems {
            writeln!(out, "{problem}")?;
        }
    }
    if !problems.is_empty() {
        bail!("`{}` has {} problems; restore a backup with `bank restore`", db.display(), problems.len());
    }
    Ok(())
}
