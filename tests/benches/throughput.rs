//! Jobs per second on SQLite, compared with writing the same rows directly: `cargo bench -p enact-tests --bench throughput`.
//!
//! Each figure is measured on a database that is empty at first and on one that holds a million ended jobs (`-- --ended N` sets
//! the number, `-- --jobs N` the jobs per round, `-- --rounds N` the rounds, `-- --accounts N` the number of entities, 1000 by
//! default). A round measures all figures in turn, and the median of the rounds is printed, so that other load on the machine
//! affects all figures alike. The last two columns are of a command without a retry policy, whose attempts begin only when their
//! start is on disk.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark that cannot go on panics")]

mod domain;
mod load;
mod raw;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use enact::HasOneHandler;
use enact::prelude::*;
use enact_sqlite::SqliteStore;
use tempfile::TempDir;

use domain::{Deposit, DepositOnce};
use load::{account, option};
use raw::RawRows;

const CONCURRENCY: usize = 64;

fn main() {
    let jobs = option("--jobs").unwrap_or(50_000);
    let ended = option("--ended").unwrap_or(1_000_000);
    let rounds = option("--rounds").unwrap_or(5);
    let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();

    let mut databases = [0, ended].map(Databases::with);
    for _ in 0..rounds {
        for databases in &mut databases {
            databases.round(&tokio, jobs);
        }
    }

    println!(
        "\njobs per second (relative to raw rows), median of {rounds} rounds of {jobs} jobs, {CONCURRENCY} at a time\n"
    );
    print!("{:28}", "database");
    for figure in FIGURES {
        print!(" {figure:>15}");
    }
    println!();
    let [empty, full] = databases.map(Databases::rates);
    print("empty", &empty);
    print(&format!("with {ended} ended jobs"), &full);
    print!("{:28}", "second / first");
    for (empty, full) in empty.into_iter().zip(full) {
        print!(" {:>15.2}", full / empty);
    }
    println!();
}

fn print(database: &str, rates: &[f64; 5]) {
    print!("{database:28}");
    for rate in rates {
        print!(" {rate:>8.0} ({:.2})", rate / rates[0]);
    }
    println!();
}

const FIGURES: [&str; 5] = ["raw rows", "execute", "publish", "execute once", "publish once"];

/// A database for each figure.
struct Databases {
    _folder: TempDir,
    paths: [PathBuf; 5],
    /// Jobs per second of each round.
    taken: [Vec<f64>; 5],
}

impl Databases {
    fn with(ended: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let paths = FIGURES.map(|figure| folder.path().join(figure));
        if ended > 0 {
            write_raw(&paths[0], ended, 10_000);
            for copy in &paths[1..] {
                std::fs::copy(&paths[0], copy).unwrap();
                // Otherwise the system writes the copies to disk during the rounds.
                std::fs::File::open(copy).unwrap().sync_all().unwrap();
            }
        }
        Self { _folder: folder, paths, taken: Default::default() }
    }

    fn round(&mut self, tokio: &tokio::runtime::Runtime, jobs: usize) {
        let Self { paths, taken, .. } = self;
        #[expect(clippy::cast_precision_loss, reason = "a rate is an estimate")]
        let mut rate = |which: usize, act: &mut dyn FnMut(&Path)| {
            let start = Instant::now();
            act(&paths[which]);
            taken[which].push(jobs as f64 / start.elapsed().as_secs_f64());
        };
        rate(0, &mut |path| write_raw(path, jobs, CONCURRENCY));
        rate(1, &mut |path| tokio.block_on(execute_all(path, jobs, deposit)));
        rate(2, &mut |path| tokio.block_on(publish_all(path, jobs, deposit)));
        rate(3, &mut |path| tokio.block_on(execute_all(path, jobs, deposit_once)));
        rate(4, &mut |path| tokio.block_on(publish_all(path, jobs, deposit_once)));
    }

    fn rates(self) -> [f64; 5] {
        self.taken.map(median)
    }
}

fn deposit(number: usize) -> Deposit {
    Deposit { account: account(number), cents: 5 }
}

fn deposit_once(number: usize) -> DepositOnce {
    DepositOnce { account: account(number), cents: 5 }
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// Writes the rows of `jobs` jobs, `group` in each transaction.
fn write_raw(path: &Path, jobs: usize, group: usize) {
    let mut rows = RawRows::in_file(path);
    for start in (0..jobs).step_by(group) {
        rows.write(start..(start + group).min(jobs));
    }
}

async fn execute_all<C: HasOneHandler<Output = ()>>(path: &Path, jobs: usize, command: fn(usize) -> C) {
    let bank = Runtime::builder(SqliteStore::open(path).unwrap()).start().await.unwrap();
    let executor = bank.clone();
    each(jobs, move |number| {
        let executed = executor.execute(command(number));
        async move { executed.await.unwrap() }
    })
    .await;
    bank.shutdown(Duration::from_mins(1)).await.unwrap();
}

/// Publishes all jobs while the worker runs them, and waits until the last one has ended.
async fn publish_all<C: HasOneHandler>(path: &Path, jobs: usize, command: fn(usize) -> C) {
    let bank =
        Runtime::builder(SqliteStore::open(path).unwrap()).concurrency(CONCURRENCY).start().await.unwrap();
    let publisher = bank.clone();
    each(jobs, move |number| {
        let request = publisher.publish(command(number));
        async move { drop(request.await.unwrap()) }
    })
    .await;
    for state in [JobState::Waiting, JobState::Ready, JobState::Running] {
        let live = JobQuery::new().state(state).limit(1);
        while !bank.jobs().list(&live).await.unwrap().jobs.is_empty() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
    bank.shutdown(Duration::from_mins(1)).await.unwrap();
}

/// Calls `act` for each number, [`CONCURRENCY`] at a time.
async fn each<F: Future<Output = ()> + Send>(count: usize, act: impl Fn(usize) -> F + Send + Sync + 'static) {
    let shared = Arc::new((AtomicUsize::new(0), act));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..CONCURRENCY {
        let shared = shared.clone();
        tasks.spawn(async move {
            let (next, act) = &*shared;
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
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
