//! What the command line offers: one file for what reads, one for what acts, one for what looks after jobs, one for each of
//! the greater things.

mod act;
mod database;
mod domain;
mod operate;
mod options;
mod output;
mod read;
mod replay;
mod stop;
mod tree;
mod watch;
mod work;

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use bank::domain::{AccountId, TransactionId, TransferId};
use clap::{Args, Parser, Subcommand, ValueEnum};
use enact::{JobId, JobState, RuntimeBuilder};

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
    /// Run jobs until told to stop. Several of these on one database work as a fleet.
    ///
    /// The first Ctrl-C (or SIGTERM) lets what runs end, within `--grace`, and gives back the rest at once; the second one
    /// ends the program at once.
    Work(Work),
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
    /// Show what a job belongs to: who caused whom.
    Tree {
        /// Any job of the matter.
        id: JobId,
        #[command(flatten)]
        database: Database,
    },
    /// Watch the bank work: how many jobs there are, how fast they go, and what has failed. Only looks.
    ///
    /// `q` or Ctrl-C ends it. Where the output is no terminal, it is a line a second.
    Watch {
        #[command(flatten)]
        database: Database,
    },
    /// Let a failed job run again, or all that have failed.
    Retry {
        #[command(flatten)]
        which: RetryWhich,
        #[command(flatten)]
        database: Database,
    },
    /// Call a job off. Nothing of it is committed any more.
    Cancel {
        id: JobId,
        #[command(flatten)]
        database: Database,
    },
    /// Delete jobs that ended long ago, with their attempts and their idempotency keys.
    Prune {
        #[command(flatten)]
        which: PruneWhich,
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
    /// Of this matter: its correlation id.
    #[arg(long, alias = "correlation")]
    matter: Option<String>,
    /// How many at most.
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

/// Which jobs to retry.
#[derive(Debug, Args)]
struct RetryWhich {
    #[command(flatten)]
    one_or_all: OneOrAll,
    /// Of the command or event handler of this name.
    #[arg(long, requires = "failed")]
    name: Option<String>,
    /// Of this matter: its correlation id.
    #[arg(long, requires = "failed")]
    matter: Option<String>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct OneOrAll {
    /// This one.
    id: Option<JobId>,
    /// All that have failed.
    #[arg(long)]
    failed: bool,
}

/// Which jobs to delete.
#[derive(Debug, Args)]
struct PruneWhich {
    /// Those that ended longer ago than this: `30d`, `12h`, `90m`.
    #[arg(long, value_name = "AGE", value_parser = options::age)]
    older_than: Duration,
    /// Those that ended in this state; may be given several times. In whatever state, if not given.
    #[arg(long = "state")]
    states: Vec<Ended>,
    /// Events of that age, too.
    #[arg(long)]
    events: bool,
}

/// How a job has ended.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Ended {
    Succeeded,
    Failed,
    Cancelled,
}

/// How a bank works that does nothing else.
#[derive(Debug, Args)]
struct Work {
    #[command(flatten)]
    bank: Bank,
    /// How many jobs run at a time. Letters have a queue of their own, and a limit of their own.
    #[arg(long, value_name = "NUMBER", default_value_t = RuntimeBuilder::DEFAULT_CONCURRENCY)]
    jobs_at_a_time: usize,
    /// How many seconds this bank's post office takes for a letter. It only writes to the log; real ones take their time.
    #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = options::seconds)]
    mail_takes: Duration,
    /// For how many seconds after it was told to stop what runs may go on.
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = options::seconds)]
    grace: Duration,
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
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = options::lease)]
    lease: Duration,
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
        Some(Command::Work(options)) => work::work(&options, out).await,
        Some(Command::Jobs { which, database }) => read::jobs(which, &database, json, out).await,
        Some(Command::Job { id, database }) => read::job(id, &database, json, out).await,
        Some(Command::Tree { id, database }) => tree::tree(id, &database, json, out).await,
        Some(Command::Watch { database }) => watch::watch(&database, out).await,
        Some(Command::Retry { which, database }) => operate::retry(which, &database, json, out).await,
        Some(Command::Cancel { id, database }) => operate::cancel(id, &database, json, out).await,
        Some(Command::Prune { which, database }) => operate::prune(&which, &database, json, out).await,
        Some(Command::Wiring { mermaid }) => domain::wiring(mermaid, json, out).await,
        Some(Command::Schema { name }) => domain::schema(name.as_deref(), out).await,
    }
}
