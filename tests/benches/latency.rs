//! The latency of a single job on SQLite without other load, compared with writing the same rows directly, and the CPU time
//! of an idle runtime: `cargo bench -p enact-tests --bench latency`.
//!
//! `-- --jobs N` sets the number of jobs, `-- --idle N` the seconds of idleness. The measurements alternate, so that other load
//! on the machine affects all of them alike. The CPU time is read from `/proc`, which exists on Linux only.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark that cannot go on panics")]

mod domain;
mod load;
mod raw;

use std::path::Path;
use std::time::Instant;

use enact::prelude::*;
use enact_sqlite::SqliteStore;

use domain::{Deposit, DepositOnce};
use load::percentile;
use raw::RawRows;

/// The pause between two jobs.
const PAUSE: Duration = Duration::from_millis(2);

/// The number of jobs that are not counted, while caches are cold.
const WARM_UP: usize = 50;

fn main() {
    let jobs = load::option("--jobs").unwrap_or(1_000);
    let idle = load::option("--idle").unwrap_or(5);
    let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    tokio.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        measure_latency(folder.path(), jobs).await;
        measure_idleness(folder.path(), Duration::from_secs(idle as u64)).await;
    });
}

async fn measure_latency(folder: &Path, jobs: usize) {
    let raw_rows = RawRows::in_file(&folder.join("raw"));
    let bank = Runtime::builder(SqliteStore::open(folder.join("bank")).unwrap()).start().await.unwrap();
    let mut taken: [(&str, Vec<Duration>); 5] = [
        ("raw rows, in one transaction", Vec::new()),
        ("publish, until it returns", Vec::new()),
        ("publish, until the job has ended", Vec::new()),
        ("the same, without a retry policy", Vec::new()),
        ("execute", Vec::new()),
    ];
    for number in 0..WARM_UP + jobs {
        let mut round = [Duration::ZERO; 5];
        let account = || load::account(number);

        tokio::time::sleep(PAUSE).await;
        let began = Instant::now();
        raw_rows.write([number]);
        round[0] = began.elapsed();

        tokio::time::sleep(PAUSE).await;
        let began = Instant::now();
        let job = bank.publish(Deposit { account: account(), cents: 5 }).await.unwrap();
        round[1] = began.elapsed();
        job.outcome().await.unwrap();
        round[2] = began.elapsed();

        tokio::time::sleep(PAUSE).await;
        let began = Instant::now();
        let job = bank.publish(DepositOnce { account: account(), cents: 5 }).await.unwrap();
        job.outcome().await.unwrap();
        round[3] = began.elapsed();

        tokio::time::sleep(PAUSE).await;
        let began = Instant::now();
        bank.execute(Deposit { account: account(), cents: 5 }).await.unwrap();
        round[4] = began.elapsed();

        if number >= WARM_UP {
            taken.iter_mut().zip(round).for_each(|((_, taken), time)| taken.push(time));
        }
    }
    bank.shutdown(Duration::from_mins(1)).await.unwrap();

    println!("\nmicroseconds, {jobs} jobs, one at a time, with a pause between\n");
    println!("{:32} {:>9} {:>9} {:>9}", "", "p50", "p99", "p50 / raw");
    let raw = percentile(&mut taken[0].1.clone(), 50);
    for (label, mut times) in taken {
        let (p50, p99) = (percentile(&mut times, 50), percentile(&mut times, 99));
        let ratio = p50.as_secs_f64() / raw.as_secs_f64();
        println!("{label:32} {:>9} {:>9} {ratio:>9.2}", p50.as_micros(), p99.as_micros());
    }
}

/// Measures the CPU time of an idle runtime on a database that is not empty.
async fn measure_idleness(folder: &Path, idle: Duration) {
    let bank = Runtime::builder(SqliteStore::open(folder.join("bank")).unwrap()).start().await.unwrap();
    bank.execute(Deposit { account: load::account(0), cents: 5 }).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = cpu_time();
    tokio::time::sleep(idle).await;
    match before.zip(cpu_time()) {
        Some((before, after)) => {
            let taken = after.saturating_sub(before);
            let share = 100.0 * taken.as_secs_f64() / idle.as_secs_f64();
            println!("\nidle for {idle:?}: {taken:?} of CPU time, {share:.2} % of a core");
        }
        None => println!("\nidle: no /proc to read the CPU time from"),
    }
    bank.shutdown(Duration::from_mins(1)).await.unwrap();
}

/// The CPU time of all threads of this process.
fn cpu_time() -> Option<Duration> {
    let threads = std::fs::read_dir("/proc/self/task").ok()?;
    let of_thread = |thread: std::fs::DirEntry| {
        let schedstat = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        schedstat.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
    };
    threads.map(|thread| of_thread(thread.ok()?)).sum()
}
