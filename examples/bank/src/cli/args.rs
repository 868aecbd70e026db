//! The command line's commands and options. The doc comments are its help texts.

use std::path::PathBuf;
use std::time::Duration;

use bank::domain::{AccountId, TransactionId, TransferId};
use clap::{Args, Parser, Subcommand, ValueEnum};
use enact::{JobId, JobState, RuntimeBuilder};

use super::database::Database;
use super::parse;

/// A bank on enact. Without a command, replays the bundled ledger into a temporary database.
///
/// Exit codes: 0 on success, 1 on failure, 2 if the command line is invalid. Set `RUST_LOG` to `info` or `debug` to log
/// to stderr.
#[derive(Debug, Parser)]
#[command(name = "bank", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(super) command: Option<Command>,

    /// Print JSON
    #[arg(long, global = true)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Replay a ledger: publish a deposit or a withdrawal for each row
    ///
    /// An interrupted replay continues when it is started again. Rows that were applied before are not applied again.
    Replay {
        /// The ledger: a CSV file with the columns
        /// `transaction,account,date,direction,operation,purpose,amount_cents,stated_balance_cents`
        file: PathBuf,
        #[command(flatten)]
        runtime: RuntimeArgs,
    },
    /// Open an account
    Open {
        /// The number of the new account
        account: AccountId,
        /// The holder's name
        holder: String,
        #[command(flatten)]
        runtime: RuntimeArgs,
    },
    /// Deposit money into an account; the first deposit opens it
    Deposit(MovementArgs),
    /// Withdraw money from an account
    Withdraw(MovementArgs),
    /// Transfer money between two accounts, and wait until it is completed or refunded
    Transfer {
        /// The sender's account
        from: AccountId,
        /// The recipient's account
        to: AccountId,
        /// The amount in cents
        #[arg(allow_negative_numbers = true)]
        cents: i64,
        /// The transfer's id; a transfer with the same id is carried out once [default: a new id]
        #[arg(long)]
        id: Option<TransferId>,
        #[command(flatten)]
        runtime: RuntimeArgs,
    },
    /// List accounts and their balances
    Balances {
        /// Print CSV
        #[arg(long, conflicts_with = "json")]
        csv: bool,
        #[command(flatten)]
        database: DatabaseArgs,
    },
    /// List transfers and their states, or show one
    Transfers {
        /// The transfer to show
        id: Option<TransferId>,
        #[command(flatten)]
        database: DatabaseArgs,
    },
    /// Run jobs until Ctrl-C
    ///
    /// Several of these can share a database. The first Ctrl-C (or SIGTERM) lets running jobs finish within `--grace`,
    /// and releases the rest. The second exits at once.
    Work(WorkArgs),
    /// List jobs, latest first
    Jobs(JobsArgs),
    /// Show a job: its attempts, strategy choices, failure and events
    Job {
        /// The job to show
        id: JobId,
        #[command(flatten)]
        database: DatabaseArgs,
    },
    /// Show the tree of jobs that a job belongs to
    Tree {
        /// Any job of the tree
        id: JobId,
        #[command(flatten)]
        database: DatabaseArgs,
    },
    /// Watch job counts, rates and failures; runs no jobs
    ///
    /// Press `q` or Ctrl-C to quit. Prints a line per second if the output is not a terminal.
    Watch {
        #[command(flatten)]
        database: DatabaseArgs,
    },
    /// Retry a failed job, or all failed jobs
    Retry(RetryArgs),
    /// Cancel a job
    ///
    /// A running job is interrupted, and commits nothing.
    Cancel {
        /// The job to cancel
        id: JobId,
        #[command(flatten)]
        database: DatabaseArgs,
    },
    /// Count the jobs that this version of the bank cannot run
    ///
    /// Jobs of a command or an event handler that was renamed or removed. They wait until they are cancelled.
    Orphans {
        #[command(flatten)]
        database: DatabaseArgs,
    },
    /// Delete old jobs, with their attempts and idempotency keys
    Prune(PruneArgs),
    /// Back up the database, also while other processes use it
    Backup {
        /// The file to write; it must not exist
        file: PathBuf,
        #[command(flatten)]
        database: DatabaseArgs,
    },
    /// Put a backup to the place of the database, which no process may use meanwhile
    ///
    /// The database that was there is kept under another name, which is printed.
    Restore {
        /// The backup
        file: PathBuf,
        #[command(flatten)]
        database: DatabaseArgs,
    },
    /// Read the whole database and report damage
    ///
    /// Exits with 1 if there is any.
    Check {
        #[command(flatten)]
        database: DatabaseArgs,
    },
    /// Show the bank's commands, events, handlers and entities
    Wiring {
        /// Print a Mermaid flowchart
        #[arg(long, conflicts_with = "json")]
        mermaid: bool,
    },
    /// Print the JSON Schema of a command or event, or of all of them
    Schema {
        /// The name of the command or event, as in `bank wiring`
        name: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(super) struct MovementArgs {
    /// The account
    pub(super) account: AccountId,
    /// The amount in cents
    #[arg(allow_negative_numbers = true)]
    pub(super) cents: i64,
    /// The transaction's id; a transaction is applied once
    #[arg(long)]
    pub(super) transaction: Option<TransactionId>,
    /// The tenant, which selects the fraud assessment: `enterprise`, or any other
    #[arg(long)]
    pub(super) tenant: Option<String>,
    #[command(flatten)]
    pub(super) runtime: RuntimeArgs,
}

#[derive(Debug, Args)]
pub(super) struct JobsArgs {
    /// Only jobs in this state; can be repeated
    #[arg(long = "state", value_name = "STATE")]
    pub(super) states: Vec<JobState>,
    /// Only jobs of this command or event handler
    #[arg(long)]
    pub(super) name: Option<String>,
    /// Only jobs with this correlation id
    #[arg(long, value_name = "ID")]
    pub(super) correlation: Option<String>,
    /// The maximum number of jobs
    #[arg(long, default_value_t = 50)]
    pub(super) limit: usize,
    #[command(flatten)]
    pub(super) database: DatabaseArgs,
}

#[derive(Debug, Args)]
pub(super) struct RetryArgs {
    #[command(flatten)]
    pub(super) selection: RetrySelection,
    /// Only failed jobs of this command or event handler
    #[arg(long, requires = "failed")]
    pub(super) name: Option<String>,
    /// Only failed jobs with this correlation id
    #[arg(long, value_name = "ID", requires = "failed")]
    pub(super) correlation: Option<String>,
    #[command(flatten)]
    pub(super) database: DatabaseArgs,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct RetrySelection {
    /// The job to retry
    pub(super) id: Option<JobId>,
    /// Retry all failed jobs
    #[arg(long)]
    pub(super) failed: bool,
}

#[derive(Debug, Args)]
pub(super) struct PruneArgs {
    /// Delete jobs that ended longer ago than this, such as `30d`, `12h` or `90m`
    #[arg(long, value_name = "AGE", value_parser = parse::age)]
    pub(super) older_than: Duration,
    /// Only jobs that ended in this state; can be repeated
    #[arg(long = "state", value_name = "STATE")]
    pub(super) states: Vec<EndState>,
    /// Delete events of that age as well
    #[arg(long)]
    pub(super) events: bool,
    #[command(flatten)]
    pub(super) database: DatabaseArgs,
}

/// The states in which a job has ended.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum EndState {
    Succeeded,
    Failed,
    Cancelled,
}

#[derive(Debug, Args)]
pub(super) struct WorkArgs {
    #[command(flatten)]
    pub(super) runtime: RuntimeArgs,
    /// The number of jobs that run at a time, apart from the queue `mail`
    #[arg(long, value_name = "NUMBER", default_value_t = RuntimeBuilder::DEFAULT_CONCURRENCY)]
    pub(super) concurrency: usize,
    /// How long each notification takes, to simulate slow mail
    #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = parse::seconds)]
    pub(super) mail_delay: Duration,
    /// How long running jobs may take to finish after the first Ctrl-C
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = parse::seconds)]
    pub(super) grace: Duration,
}

/// Options of commands that inspect a database or change its jobs, and run none.
#[derive(Debug, Args)]
pub(super) struct DatabaseArgs {
    /// The database: a file of SQLite, or `postgres://user:password@host/database`
    #[arg(long)]
    pub(super) db: Database,
}

/// Options of commands that run jobs.
#[derive(Debug, Args)]
pub(crate) struct RuntimeArgs {
    /// The database: a file of SQLite, or `postgres://user:password@host/database`; `replay`, `open`, `deposit` and `work` create it
    #[arg(long)]
    pub(super) db: Database,
    /// How long after this process dies other processes take over its jobs
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = parse::lease)]
    pub(super) lease: Duration,
}
