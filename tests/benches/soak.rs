//! Ten minutes at full load on SQLite, with retention: throughput and memory stay as they are, and the file does not grow
//! beyond what is kept: `cargo bench -p enact-tests --bench soak`.
//!
//! `-- --seconds N` for another length, `-- --every N` for the seconds between two looks, `-- --keep N` for how many seconds jobs
//! and events are kept. Prints a table, and writes it as `soak.csv` and drawn as `soak.svg` to the target directory. Memory is
//! read from `/proc`, and so only on Linux.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark that cannot go on has nothing better to do than panic"
)]

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

/// How many jobs are on their way at a time: more than run, so that there is always one that is ready.
const ON_THEIR_WAY: usize = 256;

fn main() {
    let seconds =
        |name, otherwise: usize| Duration::from_secs(load::option(name).unwrap_or(otherwise) as u64);
    let (length, every, keep) = (seconds("--seconds", 600), seconds("--every", 5), seconds("--keep", 10));
    let folder = tempfile::tempdir().unwrap();
    let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let samples = tokio.block_on(soak(&folder.path().join("bank"), length, every, keep));

    let place = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (csv, svg) = (place.join("soak.csv"), place.join("soak.svg"));
    write_csv(&samples, &csv);
    draw(&samples, &svg).unwrap();
    println!("\n{}\n{}", csv.display(), svg.display());
    // What happens before anything is old enough to be deleted says nothing about what lasts.
    let settled: Vec<_> = samples.into_iter().filter(|sample| sample.at > keep.as_secs_f64() * 2.0).collect();
    judge(&settled);
}

/// What was seen at a time.
#[derive(Clone, Copy)]
struct Sample {
    /// Seconds since the beginning.
    at: f64,
    /// Jobs that have ended in a second since the sample before.
    jobs_a_second: f64,
    memory_mib: f64,
    database_mib: f64,
    log_mib: f64,
    jobs_on_record: f64,
}

async fn soak(database: &Path, length: Duration, every: Duration, keep: Duration) -> Vec<Sample> {
    let retention = Retention::new().ended(keep).events(keep);
    let builder = Runtime::builder(SqliteStore::open(database).unwrap()).retention(retention);
    let bank = builder.start().await.unwrap();
    let done = Arc::new(AtomicU64::new(0));
    let enough = Arc::new(AtomicBool::new(false));
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..ON_THEIR_WAY {
        clients.spawn(send(bank.clone(), client, done.clone(), enough.clone()));
    }

    println!(
        "{:>8} {:>14} {:>12} {:>14} {:>9} {:>15}",
        "seconds", "jobs a second", "memory MiB", "database MiB", "log MiB", "jobs on record"
    );
    let began = Instant::now();
    let (mut samples, mut last) = (Vec::new(), (0, 0.0));
    while began.elapsed() < length {
        tokio::time::sleep(every).await;
        let (count, at) = (done.load(Ordering::Relaxed), began.elapsed().as_secs_f64());
        let jobs_on_record: u64 = bank.jobs().count().await.unwrap().iter().map(|count| count.count).sum();
        let sample = Sample {
            at,
            jobs_a_second: float(count - last.0) / (at - last.1),
            memory_mib: memory_mib().unwrap_or(0.0),
            database_mib: size_mib(database),
            log_mib: size_mib(&with_suffix(database, "-wal")),
            jobs_on_record: float(jobs_on_record),
        };
        let Sample { at, jobs_a_second, memory_mib, database_mib, log_mib, jobs_on_record } = sample;
        println!(
            "{at:>8.0} {jobs_a_second:>14.0} {memory_mib:>12.1} {database_mib:>14.1} {log_mib:>9.1} {jobs_on_record:>15.0}"
        );
        samples.push(sample);
        last = (count, at);
    }
    enough.store(true, Ordering::Relaxed);
    while let Some(ended) = clients.join_next().await {
        ended.unwrap();
    }
    bank.shutdown(Duration::from_mins(1)).await.unwrap();
    samples
}

/// Publishes one job after the other, each when the one before has ended.
async fn send(bank: Runtime, client: usize, done: Arc<AtomicU64>, enough: Arc<AtomicBool>) {
    let mut number = client;
    while !enough.load(Ordering::Relaxed) {
        let job = bank.publish(Deposit { account: load::account(number), cents: 5 }).await.unwrap();
        job.outcome().await.unwrap();
        done.fetch_add(1, Ordering::Relaxed);
        number += ON_THEIR_WAY + 1;
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

/// What of this process is in memory.
fn memory_mib() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = resident.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib / 1024.0)
}

fn write_csv(samples: &[Sample], path: &Path) {
    let mut text = "seconds,jobs_a_second,memory_mib,database_mib,log_mib,jobs_on_record\n".to_owned();
    for Sample { at, jobs_a_second, memory_mib, database_mib, log_mib, jobs_on_record } in samples {
        writeln!(
            text,
            "{at:.1},{jobs_a_second:.1},{memory_mib:.1},{database_mib:.1},{log_mib:.1},{jobs_on_record}"
        )
        .unwrap();
    }
    fs::write(path, text).unwrap();
}

/// What is drawn of a sample, and in which colour.
type Curve = (&'static str, RGBColor, fn(&Sample) -> f64);

const CHARTS: [(&str, &[Curve]); 4] = [
    ("jobs a second", &[("jobs a second", BLUE, |sample| sample.jobs_a_second)]),
    ("memory, in MiB", &[("memory", RED, |sample| sample.memory_mib)]),
    (
        "file, in MiB",
        &[
            ("database", BLUE, |sample| sample.database_mib),
            ("write-ahead log", RED, |sample| sample.log_mib),
        ],
    ),
    ("jobs on record", &[("jobs on record", BLUE, |sample| sample.jobs_on_record)]),
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

/// How the end compares with the beginning: what is flat is near 1.
fn judge(samples: &[Sample]) {
    let third = samples.len() / 3;
    if third == 0 {
        println!("too short to say what lasts");
        return;
    }
    let (first, last) = (&samples[..third], &samples[samples.len() - third..]);
    let mean = |samples: &[Sample], value: fn(&Sample) -> f64| {
        samples.iter().map(value).sum::<f64>() / float(samples.len() as u64)
    };
    println!("\nthe last third, of the first:");
    for (_, curves) in CHARTS {
        for (name, _, value) in curves {
            println!("{name:>16} {:.2}", mean(last, *value) / mean(first, *value));
        }
    }
}
