//! Running the bank until it is told to stop. Several such processes on one database work as a fleet.

use std::io::Write;

use anyhow::Result;
use enact::FailureKind;

use super::Work;
use super::database::{self, Post};
use super::stop::Stop;

pub(crate) async fn work(options: &Work, out: &mut impl Write) -> Result<()> {
    let Work { bank, jobs_at_a_time, mail_takes, grace } = options;
    // Listened for first, so that there is no moment at which a signal would end the program in the middle of something.
    let mut stop = Stop::listen()?;
    let post = Post { takes: *mail_takes };
    let builder = database::bank_in(&bank.db, bank.lease, post)?;
    let runtime = builder.concurrency(*jobs_at_a_time).start().await?;
    say(out, &format!("works on {}; Ctrl-C stops", bank.db.display()))?;

    stop.asked().await;
    stop.at_once_if_asked_again();
    say(out, &format!("stops: what runs may end within {grace:?}; Ctrl-C again ends it at once"))?;
    match runtime.shutdown(*grace).await {
        Ok(()) => say(out, "stopped"),
        Err(late) if late.kind() == FailureKind::TimedOut => {
            say(out, &format!("stopped: {late}, and were given back"))
        }
        Err(failure) => Err(failure.into()),
    }
}

/// Writes a line for whoever watches, at once.
fn say(out: &mut impl Write, line: &str) -> Result<()> {
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}
