//! Jobs per second on SQLite, compared with writing rows directly: `cargo bench -p enact-tests --bench throughput`.
//!
//! Each scenario is a load, or what the database holds beforehand. A round measures in turn:
//!
//! - lean rows: the least that a job could write, in a schema of its own ([`baseline`]);
//! - raw rows: the rows of a succeeded job in the store's schema;
//! - execute: 64 callers at a time, each until its command has been executed;
//! - publish: 64 callers at a time, and a worker that runs 64 jobs at a time, until the last job has ended.
//!
//! "In line" means that a transaction begins only after the fsync of the one before. Otherwise both overlap, as in the store. Rows are
//! written in transactions of 64 jobs. That favours them: of 64 callers, some wait for an fsync while the others are in the next
//! transaction. With `-- --group 21` the rows in flight are as many as the callers.
//!
//! The table has the slowest, the median and the fastest round, and the median of the rounds' ratios to raw rows with overlapped
//! waits: other load on the machine affects all figures of a round alike. Opening and closing the database is not measured.
//!
//! `-- --jobs N` sets the jobs per round (a tenth of them if all have one account), `-- --rounds N` the rounds, `-- --ended N` and
//! `-- --waiting N` the jobs in the databases of these scenarios (a million; with 0 the scenario is left out).
//! Any of `--accounts N`, `--account-bytes N` and `--names N` (up to 100) runs one scenario of this shape instead of all, and
//! then `--ended` and `--waiting` apply to it.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark that cannot go on panics")]

mod baseline;
mod domain;
mod load;
mod named;
mod raw;

use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use enact::prelude::*;
use enact::{Execute, Publish};
use enact_sqlite::SqliteStore;

use baseline::{LeanRows, fill, write_in_line, write_overlapped};
use domain::{Deposit, DepositOnce};
use load::option;
use raw::{RawRows, Shape};

const CONCURRENCY: usize = 64;

fn main() {
    let load = Load {
        jobs: option("--jobs").unwrap_or(10_000),
        rounds: option("--rounds").unwrap_or(5).max(1),
        group: option("--group").unwrap_or(CONCURRENCY).max(1),
    };
    let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    println!(
        "\njobs per second in {} rounds of {} jobs; rows in transactions of {}\n",
        load.rounds, load.jobs, load.group
    );
    println!("{:28} {:>9} {:>9} {:>9} {:>18}", "", "min", "median", "max", "ratio to raw rows");
    for scenario in scenarios() {
        println!("{}", scenario.title);
        let rates = scenario.measure(&tokio, load);
        for (figure, rates_of_figure) in FIGURES.into_iter().zip(&rates) {
            let ratios = rates_of_figure.iter().zip(&rates[RAW_ROWS]).map(|(rate, raw)| rate / raw).collect();
            let [min, median, max] = min_median_max(rates_of_figure.clone());
            let [_, ratio, _] = min_median_max(ratios);
            println!("  {figure:26} {min:>9.0} {median:>9.0} {max:>9.0} {ratio:>18.2}");
        }
    }
}

#[derive(Clone, Copy)]
struct Load {
    jobs: usize,
    rounds: usize,
    /// The number of jobs in a transaction of rows.
    group: usize,
}

const FIGURES: [&str; 6] =
    ["lean rows, in line", "lean rows", "raw rows, in line", "raw rows", "execute", "publish"];

/// What ratios refer to.
const RAW_ROWS: usize = 3;

struct Scenario {
    title: String,
    shape: Shape,
    commands: Commands,
    /// How many jobs of the database have ended.
    ended: usize,
    /// How many jobs of the database wait for a time.
    waiting: usize,
}

#[derive(Clone, Copy)]
enum Commands {
    /// One, with a retry policy.
    Deposit,
    /// One, without a retry policy: an attempt begins only when its start is durable.
    DepositOnce,
    /// As many as there are names.
    Named,
}

fn scenarios() -> Vec<Scenario> {
    let shape = |accounts, account_bytes| Shape { accounts, account_bytes, names: 1 };
    let scenario = |title: &str, shape| Scenario {
        title: title.to_owned(),
        shape,
        commands: Commands::Deposit,
        ended: 0,
        waiting: 0,
    };
    let [accounts, account_bytes, names] = ["--accounts", "--account-bytes", "--names"].map(option);
    let [ended, waiting] = ["--ended", "--waiting"].map(option);
    let small = shape(1000, 0);
    if accounts.or(account_bytes).or(names).is_some() {
        let shape = Shape {
            accounts: accounts.unwrap_or(small.accounts).max(1),
            account_bytes: account_bytes.unwrap_or(small.account_bytes),
            names: names.unwrap_or(small.names).clamp(1, named::COUNT),
        };
        let [ended, waiting] = [ended, waiting].map(Option::unwrap_or_default);
        let title = format!(
            "{} accounts of {} B, {} names, {ended} ended and {waiting} waiting jobs",
            shape.accounts, shape.account_bytes, shape.names
        );
        let commands = if shape.names == 1 { Commands::Deposit } else { Commands::Named };
        return vec![Scenario { commands, ended, waiting, ..scenario(&title, shape) }];
    }
    let [ended, waiting] = [ended, waiting].map(|jobs| jobs.unwrap_or(1_000_000));
    let mut all = vec![
        scenario("1000 accounts", small),
        scenario("10000 accounts of 180 B", shape(10_000, 180)),
        scenario("100000 accounts of 180 B", shape(100_000, 180)),
        scenario("one account", shape(1, 0)),
        Scenario {
            commands: Commands::Named,
            ..scenario("100 names", Shape { names: named::COUNT, ..small })
        },
        Scenario { commands: Commands::DepositOnce, ..scenario("without a retry policy", small) },
    ];
    if waiting > 0 {
        all.push(Scenario { waiting, ..scenario(&format!("{waiting} waiting jobs"), small) });
    }
    if ended > 0 {
        all.push(Scenario { ended, ..scenario(&format!("{ended} ended jobs"), small) });
    }
    all
}

impl Scenario {
    /// Jobs per second of each figure in each round.
    fn measure(&self, tokio: &tokio::runtime::Runtime, load: Load) -> [Vec<f64>; FIGURES.len()] {
        let Self { shape, ended, waiting, .. } = *self;
        let folder = tempfile::tempdir().unwrap();
        // The store's own schema is one file, so that it holds the same for all figures.
        let (lean, bank) = (folder.path().join("lean"), folder.path().join("bank"));
        fill::<LeanRows>(&lean, shape, ended, waiting);
        fill::<RawRows>(&bank, shape, ended, waiting);
        let jobs = if shape.accounts == 1 { load.jobs.div_ceil(10) } else { load.jobs };
        let mut rates: [Vec<f64>; FIGURES.len()] = Default::default();
        for round in 0..load.rounds {
            let numbers = round * jobs..(round + 1) * jobs;
            let taken = [
                write_in_line::<LeanRows>(&lean, shape, numbers.clone(), load.group),
                write_overlapped::<LeanRows>(&lean, shape, numbers.clone(), load.group),
                write_in_line::<RawRows>(&bank, shape, numbers.clone(), load.group),
                write_overlapped::<RawRows>(&bank, shape, numbers.clone(), load.group),
                tokio.block_on(self.execute_all(&bank, numbers.clone())),
                tokio.block_on(self.publish_all(&bank, numbers)),
            ];
            #[expect(clippy::cast_precision_loss, reason = "a rate is an estimate")]
            for (rates, taken) in rates.iter_mut().zip(taken) {
                rates.push(jobs as f64 / taken.as_secs_f64());
            }
        }
        rates
    }

    async fn execute_all(&self, path: &Path, numbers: Range<usize>) -> Duration {
        let bank = start(path).await;
        let (executor, shape, commands) = (bank.clone(), self.shape, self.commands);
        let began = Instant::now();
        each(numbers, move |number| {
            let executed = commands.execute(&executor, shape, number);
            async move { executed.await.unwrap() }
        })
        .await;
        let taken = began.elapsed();
        bank.shutdown(Duration::from_mins(1)).await.unwrap();
        taken
    }

    /// Publishes all jobs while the worker runs them, and waits until the last one has ended.
    async fn publish_all(&self, path: &Path, numbers: Range<usize>) -> Duration {
        let bank = start(path).await;
        let (publisher, shape, commands) = (bank.clone(), self.shape, self.commands);
        let began = Instant::now();
        each(numbers, move |number| {
            let job = commands.publish(&publisher, shape, number);
            async move { drop(job.await.unwrap()) }
        })
        .await;
        for state in [JobState::Ready, JobState::Running] {
            let live = JobQuery::new().state(state).limit(1);
            while !bank.jobs().list(&live).await.unwrap().jobs.is_empty() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
        let taken = began.elapsed();
        bank.shutdown(Duration::from_mins(1)).await.unwrap();
        taken
    }
}

impl Commands {
    fn execute(self, bank: &Runtime, shape: Shape, number: usize) -> Execute<()> {
        let account = shape.account(number);
        match self {
            Self::Deposit => bank.execute(Deposit { account, cents: 5 }),
            Self::DepositOnce => bank.execute(DepositOnce { account, cents: 5 }),
            Self::Named => named::execute(bank, number % shape.names, account),
        }
    }

    fn publish(self, bank: &Runtime, shape: Shape, number: usize) -> Publish<()> {
        let account = shape.account(number);
        match self {
            Self::Deposit => bank.publish(Deposit { account, cents: 5 }),
            Self::DepositOnce => bank.publish(DepositOnce { account, cents: 5 }),
            Self::Named => named::publish(bank, number % shape.names, account),
        }
    }
}

async fn start(path: &Path) -> Runtime {
    let builder = Runtime::builder(SqliteStore::open(path).unwrap()).concurrency(CONCURRENCY);
    builder.max_queued(u64::MAX).start().await.unwrap()
}

/// Calls `act` for each number, [`CONCURRENCY`] at a time.
async fn each<F: Future<Output = ()> + Send>(
    numbers: Range<usize>,
    act: impl Fn(usize) -> F + Send + Sync + 'static,
) {
    let shared = Arc::new((AtomicUsize::new(numbers.start), act));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..CONCURRENCY {
        let shared = shared.clone();
        tasks.spawn(async move {
            let (next, act) = &*shared;
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= numbers.end {
                    break;
                }
                act(number).await;
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
}

fn min_median_max(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [values[0], values[values.len() / 2], values[values.len() - 1]]
}
