//! The baselines: rows of succeeded jobs, written without the library in groups of one transaction each.
//!
//! A job counts as done when an fsync of the log that began after its commit has returned. Two schemas are measured, each in two ways:
//! the writer waits for each fsync, or goes on with the next transaction meanwhile, as the store does.

mod lean;
mod log_sync;

use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;

pub(crate) use self::lean::LeanRows;
use self::log_sync::LogSync;
use crate::raw::{RawRows, Shape};

/// A database whose rows are those of jobs.
pub(crate) trait Rows {
    /// The accounts are in it afterwards.
    fn create(path: &Path, shape: Shape) -> Self;

    /// A commit waits for its fsync.
    fn open(path: &Path, shape: Shape) -> Self;

    fn database(&self) -> &Connection;

    /// Writes the rows of succeeded jobs in one transaction.
    fn write(&self, numbers: Range<usize>);

    /// Writes jobs that wait for a time in one transaction.
    fn write_waiting(&self, jobs: usize);
}

impl Rows for RawRows {
    fn create(path: &Path, shape: Shape) -> Self {
        let rows = Self::of_shape(path, shape);
        rows.write_accounts();
        rows
    }

    fn open(path: &Path, shape: Shape) -> Self {
        Self::of_shape(path, shape)
    }

    fn database(&self) -> &Connection {
        self.database()
    }

    fn write(&self, numbers: Range<usize>) {
        self.write(numbers);
    }

    fn write_waiting(&self, jobs: usize) {
        self.write_waiting(jobs);
    }
}

/// Creates a database with jobs that have ended or wait, and makes it durable.
pub(crate) fn fill<R: Rows>(path: &Path, shape: Shape, ended: usize, waiting: usize) {
    const GROUP: usize = 20_000;
    let rows = R::create(path, shape);
    rows.database().execute_batch("PRAGMA synchronous = OFF").unwrap();
    for start in (0..ended).step_by(GROUP) {
        rows.write(start..(start + GROUP).min(ended));
    }
    for start in (0..waiting).step_by(GROUP) {
        rows.write_waiting(GROUP.min(waiting - start));
    }
    drop(rows);
    // Otherwise the system writes them to disk during the rounds.
    std::fs::File::open(path).unwrap().sync_all().unwrap();
}

/// Each group waits for its fsync before the next one begins.
pub(crate) fn write_in_line<R: Rows>(
    path: &Path,
    shape: Shape,
    numbers: Range<usize>,
    group: usize,
) -> Duration {
    let rows = R::open(path, shape);
    let began = Instant::now();
    for group in groups(numbers, group) {
        rows.write(group);
    }
    began.elapsed()
}

/// The fsyncs are on a thread of their own.
pub(crate) fn write_overlapped<R: Rows>(
    path: &Path,
    shape: Shape,
    numbers: Range<usize>,
    group: usize,
) -> Duration {
    let rows = R::open(path, shape);
    rows.database().execute_batch("PRAGMA synchronous = NORMAL").unwrap();
    let began = Instant::now();
    let sync = LogSync::of(path);
    let mut committed = 0;
    for group in groups(numbers, group) {
        committed += group.len();
        rows.write(group.clone());
        sync.confirm(group.len());
    }
    assert_eq!(sync.finish(), committed);
    began.elapsed()
}

fn groups(numbers: Range<usize>, size: usize) -> impl Iterator<Item = Range<usize>> {
    let end = numbers.end;
    numbers.step_by(size).map(move |start| start..(start + size).min(end))
}
