//! The latency of a job, published until it has ended, beside counts, listings and prunes:
//! `cargo bench -p enact-tests --bench beside`.
//!
//! The database holds a million ended jobs (`-- --ended N` sets the number, `-- --jobs N` the jobs a figure). The figures alternate
//! in rounds of fifty jobs, so that other load on the machine affects all of them alike.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark that cannot go on panics")]

mod domain;
mod load;
mod raw;

use std::pin::Pin;
use std::time::Instant;

use enact::Retention;
use enact::prelude::*;
use enact_sqlite::SqliteStore;

use domain::Deposit;
use load::{account, option, percentile};
use raw::RawRows;

/// The pause between two jobs.
const PAUSE: Duration = Duration::from_millis(2);

const JOBS_IN_A_ROUND: usize = 50;

/// The age of the jobs that are in the database at first.
const AGE: Duration = Duration::from_hours(1);

type Load = fn(Runtime) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// What goes on beside the jobs: nothing, or a load that is repeated.
const FIGURES: [(&str, Load); 8] = [
    ("nothing", |_| Box::pin(std::future::pending())),
    ("a count", |bank| Box::pin(async move { drop(bank.jobs().count().await.unwrap()) })),
    ("the first page", |bank| Box::pin(list(bank, JobQuery::new()))),
    ("a name without jobs", |bank| Box::pin(list(bank, JobQuery::new().name("DepositOnce")))),
    ("succeeded, latest first", |bank| {
        Box::pin(list(bank, JobQuery::new().state(JobState::Succeeded).latest_first()))
    }),
    ("failed of a name", |bank| {
        Box::pin(list(bank, JobQuery::new().state(JobState::Failed).name("Deposit")))
    }),
    ("the last second", |bank| {
        let from = jiff::Timestamp::now() - Duration::from_secs(1);
        Box::pin(list(bank, JobQuery::new().created_from(from)))
    }),
    ("a prune", |bank| {
        Box::pin(async move {
            // The next round goes on.
            let retention = Retention::new().ended(AGE / 2);
            bank.jobs().prune(&retention).await.unwrap();
        })
    }),
];

async fn list(bank: Runtime, query: JobQuery) {
    drop(bank.jobs().list(&query).await.unwrap());
}

fn main() {
    let jobs = option("--jobs").unwrap_or(1_000);
    let ended = option("--ended").unwrap_or(1_000_000);
    let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bank");
    let rows = RawRows::in_file(&path);
    for start in (0..ended).step_by(10_000) {
        rows.write(start..(start + 10_000).min(ended));
    }
    rows.date_back(AGE);
    tokio.block_on(async {
        let bank = Runtime::builder(SqliteStore::open(&path).unwrap()).start().await.unwrap();
        measure(&bank, jobs.div_ceil(JOBS_IN_A_ROUND), ended).await;
        bank.shutdown(Duration::from_mins(1)).await.unwrap();
    });
}

async fn measure(bank: &Runtime, rounds: usize, ended: usize) {
    let mut taken: [Vec<Duration>; FIGURES.len()] = std::array::from_fn(|_| Vec::new());
    let mut calls = taken.clone();
    for _ in 0..rounds {
        for (index, (_, load)) in FIGURES.iter().enumerate() {
            let repeat = async {
                loop {
                    let began = Instant::now();
                    load(bank.clone()).await;
                    calls[index].push(began.elapsed());
                }
            };
            tokio::select! {
                () = repeat => {}
                times = run_jobs(bank) => taken[index].extend(times),
            }
        }
    }
    println!(
        "\nmicroseconds from publish until the job has ended, {ended} ended jobs; the last column is the median of the load itself\n"
    );
    println!(
        "{:28} {:>9} {:>9} {:>9} {:>12} {:>12}",
        "beside", "p50", "p99", "max", "p50 / idle", "load p50"
    );
    let idle = percentile(&mut taken[0].clone(), 50);
    for (((label, _), mut times), mut calls) in FIGURES.into_iter().zip(taken).zip(calls) {
        let [p50, p99, max] = [50, 99, 100].map(|percent| percentile(&mut times, percent));
        let ratio = p50.as_secs_f64() / idle.as_secs_f64();
        let load = if calls.is_empty() { 0 } else { percentile(&mut calls, 50).as_micros() };
        println!(
            "{label:28} {:>9} {:>9} {:>9} {ratio:>12.2} {load:>12}",
            p50.as_micros(),
            p99.as_micros(),
            max.as_micros()
        );
    }
}

async fn run_jobs(bank: &Runtime) -> Vec<Duration> {
    let mut times = Vec::with_capacity(JOBS_IN_A_ROUND);
    for number in 0..JOBS_IN_A_ROUND {
        tokio::time::sleep(PAUSE).await;
        let began = Instant::now();
        let job = bank.publish(Deposit { account: account(number), cents: 5 }).await.unwrap();
        job.outcome().await.unwrap();
        times.push(began.elapsed());
    }
    times
}
