//! A live view of the bank at work. It only reads, so it can run beside banks that work on the same database.

mod look;
mod plain;
mod screen;

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use anyhow::Result;

use super::Database;
use super::database::open_to_read;
use look::Onlooker;

/// How often to look.
const INTERVAL: Duration = Duration::from_secs(1);

pub(crate) async fn watch(database: &Database, out: &mut impl Write) -> Result<()> {
    let onlooker = Onlooker::new(open_to_read(&database.db)?);
    if io::stdout().is_terminal() && io::stdin().is_terminal() {
        screen::watch(onlooker, &database.db.display().to_string()).await
    } else {
        plain::watch(onlooker, out).await
    }
}
