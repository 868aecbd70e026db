//! The command line: its arguments, and one file for each group of commands.

mod accounts;
mod args;
mod database;
mod execute;
mod files;
mod jobs;
mod notifier;
mod operate;
mod output;
mod parse;
mod replay;
mod signals;
mod tree;
mod watch;
mod wiring;
mod work;

use std::io::Write;

use anyhow::Result;

pub(crate) use args::Cli;
use args::Command;
pub(crate) use output::one_line;

/// Runs the command that the command line names.
pub(crate) async fn run(cli: Cli, out: &mut impl Write) -> Result<()> {
    let Cli { command, json } = cli;
    let Some(command) = command else {
        return replay::bundled(json, out).await;
    };
    match command {
        Command::Replay { file, runtime } => replay::file(&file, &runtime, json, out).await,
        Command::Open { account, holder, runtime } => {
            execute::open(account, holder, &runtime, json, out).await
        }
        Command::Deposit(args) => execute::deposit(args, json, out).await,
        Command::Withdraw(args) => execute::withdraw(args, json, out).await,
        Command::Transfer { from, to, cents, id, runtime } => {
            execute::transfer(from, to, cents, id, &runtime, json, out).await
        }
        Command::Balances { csv, database } => accounts::balances(&database.db, csv, json, out).await,
        Command::Transfers { id, database } => accounts::transfers(id, &database.db, json, out).await,
        Command::Work(args) => work::work(&args, out).await,
        Command::Jobs(args) => jobs::list(args, json, out).await,
        Command::Job { id, database } => jobs::show(id, &database.db, json, out).await,
        Command::Tree { id, database } => tree::tree(id, &database.db, json, out).await,
        Command::Watch { database } => watch::watch(&database.db, out).await,
        Command::Retry(args) => operate::retry(args, json, out).await,
        Command::Cancel { id, database } => operate::cancel(id, &database.db, json, out).await,
        Command::Orphans { database } => operate::orphans(&database.db, json, out).await,
        Command::Prune(args) => operate::prune(&args, json, out).await,
        Command::Backup { file, database } => files::backup(&file, &database.db, json, out).await,
        Command::Restore { file, database } => files::restore(&file, &database.db, json, out),
        Command::Check { database } => files::check(&database.db, json, out).await,
        Command::Wiring { mermaid } => wiring::wiring(mermaid, json, out).await,
        Command::Schema { name } => wiring::schema(name.as_deref(), out).await,
    }
}
