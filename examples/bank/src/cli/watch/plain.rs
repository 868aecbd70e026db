//! Where there is no terminal: a line at each look, for a file or another program.

use std::io::Write;

use anyhow::Result;
use enact::JobState;

use super::look::{Look, Onlooker};

/// Writes lines until nobody reads them any more, or the program is ended.
pub(super) async fn watch(mut onlooker: Onlooker, out: &mut impl Write) -> Result<()> {
    loop {
        let look = onlooker.look().await?;
        writeln!(out, "{}", line(&look))?;
        out.flush()?;
        tokio::time::sleep(look.pause).await;
    }
}

fn line(look: &Look) -> String {
    let time = look.at.strftime("%FT%TZ").to_string();
    let counts = JobState::ALL.iter().zip(look.totals()).map(|(state, count)| format!("{state} {count}"));
    let rates =
        look.rates.map(|rates| format!("published {:.0}/s  ended {:.0}/s", rates.published, rates.ended));
    std::iter::once(time).chain(counts).chain(rates).collect::<Vec<_>>().join("  ")
}
