//! `watch`: a live view of the jobs in a database. It only reads.

mod plain;
mod screen;
mod snapshot;

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use anyhow::Result;

use super::database::{Database, open_existing};
use snapshot::Sampler;

/// The minimum pause between two snapshots.
const INTERVAL: Duration = Duration::from_secs(1);

pub(crate) async fn watch(db: &Database, out: &mut impl Write) -> Result<()> {
    let sampler = Sampler::new(open_existing(db).await?);
    if io::stdout().is_terminal() && io::stdin().is_terminal() {
        screen::watch(sampler, &db.to_string()).await
    } else {
        plain::watch(sampler, out).await
    }
}
