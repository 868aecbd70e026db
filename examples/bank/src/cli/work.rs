//! `work`: runs jobs until the program is asked to stop.

use std::io::Write;

use anyhow::Result;
use enact::FailureKind;

use super::args::WorkArgs;
use super::database;
use super::notifier::LogNotifier;
use super::signals::StopSignals;

pub(crate) async fn work(args: &WorkArgs, out: &mut impl Write) -> Result<()> {
    // Listens before the first job starts, so that no signal ends the program while a job runs.
    let mut stop = StopSignals::listen()?;
    let notifier = LogNotifier { delay: args.mail_delay };
    let bank =
        database::builder(&args.runtime, notifier).await?.concurrency(args.concurrency).start().await?;
    print(out, &format!("running jobs in {}; press Ctrl-C to stop", args.runtime.db))?;

    stop.recv().await;
    stop.exit_on_next();
    let grace = args.grace;
    print(out, &format!("stopping: running jobs have {grace:?} to finish; press Ctrl-C again to exit now"))?;
    match bank.shutdown(grace).await {
        Ok(()) => print(out, "stopped"),
        Err(late) if late.kind() == FailureKind::TimedOut => {
            print(out, &format!("stopped before all jobs finished: {late}"))
        }
        Err(failure) => Err(failure.into()),
    }
}

/// Prints a line and flushes it, so that a reader sees it at once.
fn print(out: &mut impl Write, line: &str) -> Result<()> {
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}
