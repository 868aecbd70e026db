//! The output without a terminal: a line per snapshot.

use std::io::Write;

use anyhow::Result;
use enact::JobState;

use super::snapshot::{Sampler, Snapshot};

/// Writes lines until the output is closed or the program is stopped.
pub(super) async fn watch(mut sampler: Sampler, out: &mut impl Write) -> Result<()> {
    loop {
        let snapshot = sampler.take().await?;
        writeln!(out, "{}", line(&snapshot))?;
        out.flush()?;
        tokio::time::sleep(snapshot.pause).await;
    }
}

fn line(snapshot: &Snapshot) -> String {
    let time = snapshot.at.strftime("%FT%TZ").to_string();
    let counts = JobState::ALL.iter().zip(snapshot.totals()).map(|(state, count)| format!("{state} {count}"));
    let rates =
        snapshot.rates.map(|rates| format!("published {:.0}/s  ended {:.0}/s", rates.published, rates.ended));
    std::iter::once(time).chain(counts).chain(rates).collect::<Vec<_>>().join("  ")
}
