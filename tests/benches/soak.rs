//! Ten minutes at full load on SQLite with retention. Throughput, memory and file size should stay constant:
//! `cargo bench -p enact-tests --bench soak`.
//!
//! `-- --seconds N` sets the length, `-- --every N` the seconds between two samples, `-- --keep N` the retention of jobs and
//! events in seconds. Prints a table and writes it as `soak.csv` and `soak.svg` to the target directory. Memory is read from
//! `/proc`, which exists on Linux only.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark that cannot go on panics")]

mod domain;
mod load;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use enact::Retention;
use enact::prelude::*;
use enact_sqlite::SqliteStore;
use plotters::prelude::*;

use domain::Deposit;

/// The number of clients, each with one job at a time: more than run at once, so that a job is always ready.
const CLIENTS: usize = 256;

fn main() {
    let seconds = |name, default: usize| Duration::from_secs(load::option(name).unwrap_or(default) as u64);
    let (length, every, keep) = (seconds("--seconds", 600), seconds("--every", 5), seconds("--keep", 10));
    let folder = tempfile::tempdir().unwrap();
    let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let samples = tokio.block_on(soak(&folder.path().join("bank"), length, every, keep));

    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (csv, svg) = (target.join("soak.csv"), target.join("soak.svg"));
    write_csv(&samples, &csv);
    draw(&samples, &svg).unwrap();
    println!("\n{}\n{}", csv.display(), svg.display());
    // Before the first jobs are old enough to be deleted, the database grows.
    let steady: Vec<_> = samples.into_iter().filter(|sample| sample.at > keep.as_secs_f64() * 2.0).collect();
    print_trend(&steady);
}

/// The measurements at one time.
#[derive(Clone, Copy)]
struct Sample {
    /// Seconds since the start.
    at: f64,
    /// Jobs per second that have ended since the previous sample.
    jobs_per_second: f64,
    memory_mib: f64,
    database_mib: f64,
    wal_mib: f64,
    jobs_stored: f64,
}

async fn soak(database: &Path, length: Duration, every: Duration, keep: Duration) -> Vec<Sample> {
    let retention = Retention::new().ended(keep).events(keep);
    let builder = Runtime::builder(SqliteStore::open(database).unwrap()).retention(retention);
    let bank = builder.start().await.unwrap();
    let done = Arc::new(AtomicU64::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..CLIENTS {
        clients.spawn(send(bank.clone(), client, done.clone(), stop.clone()));
    }

    println!(
        "{:>8} {:>15} {:>12} {:>14} {:>9} {:>12}",
        "seconds", "jobs per second", "memory MiB", "database MiB", "WAL MiB", "jobs stored"
    );
    let began = Instant::now();
    let (mut samples, mut last) = (Vec::new(), (0, 0.0));
    while began.elapsed() < length {
        tokio::time::sleep(every).await;
        let (count, at) = (done.load(Ordering::Relaxed), began.elapsed().as_secs_f64());
        let jobs_stored: u64 = bank.jobs().count().await.unwrap().iter().map(|count| count.count).sum();
        let sample = Sample {
            at,
            jobs_per_second: float(count - last.0) / (at - last.1),
            memory_mib: memory_mib().unwrap_or(0.0),
            database_mib: size_mib(database),
            wal_mib: size_mib(&with_suffix(database, "-wal")),
            jobs_stored: float(jobs_stored),
        };
        let Sample { at, jobs_per_second, memory_mib, database_mib, wal_mib, jobs_stored } = sample;
        println!(
            "{at:>8.0} {jobs_per_second:>15.0} {memory_mib:>12.1} {database_mib:>14.1} {wal_mib:>9.1} {jobs_stored:>12.0}"
        );
        samples.push(sample);
        last = (count, at);
    }
    stop.store(true, Ordering::Relaxed);
    while let Some(ended) = clients.join_next().await {
        ended.unwrap();
    }
    bank.shutdown(Duration::from_mins(1)).await.unwrap();
    samples
}

/// Publishes jobs one at a time, each when the one before has ended.
async fn send(bank: Runtime, client: usize, done: Arc<AtomicU64>, stop: Arc<AtomicBool>) {
    let mut number = client;
    while !stop.load(Ordering::Relaxed) {
        let job = bank.publish(Deposit { account: load::account(number), cents: 5 }).await.unwrap();
        job.outcome().await.unwrap();
        done.fetch_add(1, Ordering::Relaxed);
        number += CLIENTS + 1;
    }
}

#[expect(clippy::cast_precision_loss, reason = "nothing here is counted beyond 2⁵²")]
fn float(count: u64) -> f64 {
    count as f64
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn size_mib(path: &Path) -> f64 {
    fs::metadata(path).map_or(0.0, |file| float(file.len()) / f64::from(1 << 20))
}

/// The resident memory of this process.
fn memory_mib() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = resident.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib / 1024.0)
}

fn write_csv(samples: &[Sample], path: &Path) {
    let mut text = "seconds,jobs_per_second,memory_mib,database_mib,wal_mib,jobs_stored\n".to_owned();
    for Sample { at, jobs_per_second, memory_mib, database_mib, wal_mib, jobs_stored } in samples {
        writeln!(
            text,
            "{at:.1},{jobs_per_second:.1},{memory_mib:.1},{database_mib:.1},{wal_mib:.1},{jobs_stored}"
        )
        .unwrap();
    }
    fs::write(path, text).unwrap();
}

/// A label, a colour, and the value to plot.
type Curve = (&'static str, RGBColor, fn(&Sample) -> f64);

const CHARTS: [(&str, &[Curve]); 4] = [
    ("jobs per second", &[("jobs per second", BLUE, |sample| sample.jobs_per_second)]),
    ("memory, in MiB", &[("memory", RED, |sample| sample.memory_mib)]),
    (
        "file, in MiB",
        &[
            ("database", BLUE, |sample| sample.database_mib),
            ("write-ahead log", RED, |sample| sample.wal_mib),
        ],
    ),
    ("jobs stored", &[("jobs stored", BLUE, |sample| sample.jobs_stored)]),
];

fn draw(samples: &[Sample], path: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let picture = SVGBackend::new(path, (1000, 1200)).into_drawing_area();
    picture.fill(&WHITE)?;
    let end = samples.last().map_or(1.0, |sample| sample.at);
    for (area, (title, curves)) in picture.split_evenly((CHARTS.len(), 1)).iter().zip(CHARTS) {
        let values = curves.iter().flat_map(|(_, _, value)| samples.iter().map(value));
        let highest = values.fold(1.0, f64::max) * 1.1;
        let mut chart = ChartBuilder::on(area)
            .caption(title, ("sans-serif", 18))
            .margin(10)
            .x_label_area_size(30)
            .y_label_area_size(70)
            .build_cartesian_2d(0.0..end, 0.0..highest)?;
        chart.configure_mesh().x_desc("seconds").light_line_style(WHITE).draw()?;
        for (name, colour, value) in curves {
            let points = samples.iter().map(|sample| (sample.at, value(sample)));
            let drawn = chart.draw_series(LineSeries::new(points, colour))?.label(*name);
            let colour = *colour;
            drawn.legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 20, y)], colour));
        }
        if curves.len() > 1 {
            chart.configure_series_labels().border_style(BLACK).background_style(WHITE).draw()?;
        }
    }
    picture.present()?;
    Ok(())
}

/// Prints the mean of the last third relative to the first. A constant value gives 1.
fn print_trend(samples: &[Sample]) {
    let third = samples.len() / 3;
    if third == 0 {
        println!("too short for a comparison");
        return;
    }
    let (first, last) = (&samples[..third], &samples[samples.len() - third..]);
    let mean = |samples: &[Sample], value: fn(&Sample) -> f64| {
        samples.iter().map(value).sum::<f64>() / float(samples.len() as u64)
    };
    println!("\nlast third / first third:");
    for (_, curves) in CHARTS {
        for (name, _, value) in curves {
            println!("{name:>16} {:.2}", mean(last, *value) / mean(first, *value));
        }
    }
}
