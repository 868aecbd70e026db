//! How long a single job takes on SQLite when nothing else is to be done, beside writing the same rows raw, in one run; and how
//! much of the processor a runtime takes that has nothing to do: `cargo bench -p enact-tests --bench latency`.
//!
//! `-- --jobs N` for the number of jobs, `-- --idle N` for the seconds of idleness. The two are taken in turns, so that what
//! else the machine does hits both alike. The processor's time is read from `/proc`, and so only on Linux.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark that cannot go on has nothing better to do than panic"
)]

mod domain;
mod load;
mod raw;

use std::path::Path;
use std::time::Instant;

use enact::prelude::*;
use enact_sqlite::SqliteStore;

use domain::{Deposit, DepositOnce};
use raw::RawRows;

/// Between two jobs nothing is to be done for so long.
const PAUSE: Duration = Duration::from_millis(2);

/// How many jobs are not counted: caches are cold at first.
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
    let mut raw_rows = RawRows::in_file(&folder.join("raw"));
    let bank = Runtime::builder(SqliteStore::open(folder.join("bank")).unwrap()).start().await.unwrap();
    let mut taken: [(&str, Vec<Duration>); 5] = [
        ("raw rows, in one transaction", Vec::new()),
        ("publish, until it is answered", Vec::new()),
        ("publish, until it is done", Vec::new()),
        ("the same, never retried", Vec::new()),
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

    println!("\nmicroseconds, {jobs} times, one after the other, with a pause between\n");
    println!("{:32} {:>9} {:>9} {:>9}", "", "p50", "p99", "p50 of raw");
    let raw = percentile(&mut taken[0].1.clone(), 50);
    for (what, mut times) in taken {
        let (half, most) = (percentile(&mut times, 50), percentile(&mut times, 99));
        let ratio = half.as_secs_f64() / raw.as_secs_f64();
        println!("{what:32} {:>9} {:>9} {ratio:>9.2}", half.as_micros(), most.as_micros());
    }
}

fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() * percent / 100).min(times.len() - 1)]
}

/// A runtime with nothing to do, on a database that has held something.
async fn measure_idleness(folder: &Path, idle: Duration) {
    let bank = Runtime::builder(SqliteStore::open(folder.join("bank")).unwrap()).start().await.unwrap();
    bank.execute(Deposit { account: load::account(0), cents: 5 }).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = processor_time();
    tokio::time::sleep(idle).await;
    match before.zip(processor_time()) {
        Some((before, after)) => {
            let taken = after.saturating_sub(before);
            let share = 100.0 * taken.as_secs_f64() / idle.as_secs_f64();
            println!("\nidle for {idle:?}: {taken:?} of a processor, {share:.2} %");
        }
        None => println!("\nidle: there is no /proc to read the processor's time from"),
    }
    bank.shutdown(Duration::from_mins(1)).await.unwrap();
}

/// What all threads of this process have taken of the processors, in nanoseconds.
fn processor_time() -> Option<Duration> {
    let threads = std::fs::read_dir("/proc/self/task").ok()?;
    let of_thread = |thread: std::fs::DirEntry| {
        let schedstat = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        schedstat.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
    };
    threads.map(|thread| of_thread(thread.ok()?)).sum()
}
