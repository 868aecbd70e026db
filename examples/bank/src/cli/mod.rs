//! What the command line offers: one file for what reads, one for what acts, one for replays, one for the domain itself.

mod act;
mod database;
mod domain;
mod output;
mod read;
mod replay;

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use bank::domain::{AccountId, TransactionId, TransferId};
use clap::{Args, Parser, Subcommand};
use enact::{JobId, JobState};

pub(crate) use output::one_line;

/// A bank on enact. Without a command it replays the ledger that it ships, into a database that it throws away.
///
/// Exit code: 0 if what was asked for was done, 1 if not, 2 if the command line is wrong. With the variable
/// `RUST_LOG` set to `info` (or `debug`, …) it logs to stderr.
#[derive(Debug, Parser)]
#[command(name = "bank", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    /// Write JSON, for programs.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Replay a ledger: every row becomes a deposit or a withdrawal.
    ///
    /// Interrupted, it goes on where it was when it is started again; done again, it changes nothing.
    Replay {
        /// The ledger, a CSV file with the columns
        /// `transaction,account,date,direction,operation,purpose,amount_cents,stated_balance_cents`.
        file: PathBuf,
        #[command(flatten)]
        bank: Bank,
    },
    /// Open an account.
    Open {
        account: AccountId,
        /// Whom it belongs to.
        holder: String,
        #[command(flatten)]
        bank: Bank,
    },
    /// Pay money into an account. The first deposit opens it.
    Deposit(Movement),
    /// Take money out of an account.
    Withdraw(Movement),
    /// Send money from one account to another, and wait until it has arrived or is back.
    Transfer {
        from: AccountId,
        to: AccountId,
        #[arg(allow_negative_numbers = true)]
        cents: i64,
        /// The transfer's name: one of a name is carried out once. A new one if not given.
        #[arg(long)]
        id: Option<TransferId>,
        #[command(flatten)]
        bank: Bank,
    },
    /// List the accounts and what is on them.
    Balances {
        /// Write CSV.
        #[arg(long, conflicts_with = "json")]
        csv: bool,
        #[command(flatten)]
        database: Database,
    },
    /// List the transfers and how far they have come, or look one up.
    Transfers {
        id: Option<TransferId>,
        #[command(flatten)]
        database: Database,
    },
    /// List jobs, latest first.
    Jobs {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        database: Database,
    },
    /// Show a job: its attempts, which strategies they chose, why it failed, and what it emitted.
    Job {
        id: JobId,
        #[command(flatten)]
        database: Database,
    },
    /// Show what the bank is made of: commands, what they act on, and what they lead to.
    Wiring {
        /// Write a Mermaid flowchart.
        #[arg(long, conflicts_with = "json")]
        mermaid: bool,
    },
    /// Show the JSON Schema of a command or an event, or of all of them by name.
    ///
    /// It says what a command may be sent as, and is what the bank validates it by. Always JSON.
    Schema {
        /// The command or event, as `bank wiring` names it.
        name: Option<String>,
    },
}

#[derive(Debug, Args)]
struct Movement {
    account: AccountId,
    #[arg(allow_negative_numbers = true)]
    cents: i64,
    /// The booking that says so: it is carried out once, however often it is sent.
    #[arg(long)]
    transaction: Option<TransactionId>,
    /// For which tenant: what looks like fraud depends on it (`enterprise`, or anybody else).
    #[arg(long)]
    tenant: Option<String>,
    #[command(flatten)]
    bank: Bank,
}

/// Which jobs to list.
#[derive(Debug, Args)]
struct Which {
    /// In this state; may be given several times.
    #[arg(long = "state")]
    states: Vec<JobState>,
    /// Of the command or event handler of this name.
    #[arg(long)]
    name: Option<String>,
    /// Of this matter.
    #[arg(long)]
    correlation: Option<String>,
    /// How many at most.
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

/// A database that is read.
#[derive(Debug, Args)]
struct Database {
    /// The database file.
    #[arg(long)]
    db: PathBuf,
}

/// A database that a bank runs on.
#[derive(Debug, Args)]
struct Bank {
    /// The database file. It is made if it does not exist.
    #[arg(long)]
    db: PathBuf,
    /// For how many seconds this process is believed to be alive after it was last heard of. When it is killed, what
    /// it was working on is taken up again after this time.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = lease)]
    lease: Duration,
}

fn lease(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "it is no number of seconds".to_owned())?;
    let lease = Duration::try_from_secs_f64(seconds).map_err(|_| "it is no number of seconds".to_owned())?;
    if !(Duration::from_millis(100)..=Duration::from_hours(24)).contains(&lease) {
        return Err("it must be between 0.1 seconds and a day".to_owned());
    }
    Ok(lease)
}

/// Does what the command line says.
pub(crate) async fn run(cli: Cli, out: &mut impl Write) -> Result<()> {
    let Cli { command, json } = cli;
    match command {
        None => replay::shipped(json, out).await,
        Some(Command::Replay { file, bank }) => replay::file(&file, &bank, json, out).await,
        Some(Command::Open { account, holder, bank }) => act::open(account, holder, &bank, json, out).await,
        Some(Command::Deposit(deposit)) => act::deposit(deposit, json, out).await,
        Some(Command::Withdraw(withdrawal)) => act::withdraw(withdrawal, json, out).await,
        Some(Command::Transfer { from, to, cents, id, bank }) => {
            act::transfer(from, to, cents, id, &bank, json, out).await
        }
        Some(Command::Balances { csv, database }) => read::balances(&database, csv, json, out).await,
        Some(Command::Transfers { id, database }) => read::transfers(id, &database, json, out).await,
        Some(Command::Jobs { which, database }) => read::jobs(which, &database, json, out).await,
        Some(Command::Job { id, database }) => read::job(id, &database, json, out).await,
        Some(Command::Wiring { mermaid }) => domain::wiring(mermaid, json, out).await,
        Some(Command::Schema { name }) => domain::schema(name.as_deref(), out).await,
    }
}
