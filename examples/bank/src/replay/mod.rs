//! Replays a ledger: publishes a [`Deposit`] or a [`Withdraw`] for each row, and sums up the outcomes of their jobs.
//!
//! The transaction of a row is the idempotency key of its command. A replay that was interrupted, or runs again, publishes
//! every row again and gets the existing jobs back: nothing is applied twice, and the outcomes are the same.

mod summary;

use std::collections::VecDeque;
use std::io::{self, Read};
use std::time::Instant;

use enact::prelude::*;
use enact::{JobId, Publish};
use futures_util::future::join_all;
use uuid::Uuid;

pub use summary::{Refusal, Rejected, Summary};

use crate::correlation::wait_until_idle;
use crate::domain::{Deposit, Withdraw};
use crate::ledger::{Direction, Ledger, Line, Row};

/// The number of rows that are published in one transaction.
const BATCH: usize = 500;

/// The maximum number of batches whose jobs have not ended. Keeps the workers busy and bounds memory.
const MAX_BATCHES_IN_FLIGHT: usize = 20;

/// The progress of a replay.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// The number of lines that are done: malformed, rejected, or with a job that has ended.
    pub rows: u64,
    /// The position in the file, in bytes.
    pub bytes: u64,
}

/// Why a replay stopped early. Running it again continues it.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The ledger cannot be read.
    #[error("cannot read the rest of the ledger")]
    Ledger(#[from] io::Error),
    /// The bank's store is unavailable, or the bank has shut down.
    #[error(transparent)]
    Bank(#[from] Failure),
}

/// Replays a ledger and waits until all jobs that it causes have ended. They share the correlation id `correlation`.
///
/// # Errors
/// If the ledger cannot be read to its end, or the store is unavailable.
pub async fn replay<R: Read>(
    bank: &Runtime,
    correlation: &str,
    ledger: Ledger<R>,
    on_progress: impl FnMut(Progress),
) -> Result<Summary, ReplayError> {
    let seed = ContextSeed::new().with_correlation(correlation);
    let replay = Replay {
        bank,
        on_progress,
        newest: newest_id(),
        in_flight: VecDeque::new(),
        summary: Summary::default(),
    };
    let summary = bank.scope(seed, replay.run(ledger)).await?;
    wait_until_idle(bank, correlation).await?;
    Ok(summary)
}

struct Replay<'a, P> {
    bank: &'a Runtime,
    on_progress: P,
    /// The newest job id seen so far.
    newest: JobId,
    in_flight: VecDeque<Batch>,
    summary: Summary,
}

/// The published rows of a batch.
struct Batch {
    /// The rows' line numbers and jobs.
    jobs: Vec<(u64, JobHandle<()>)>,
    /// The progress once these jobs have ended.
    end: Progress,
}

impl<P: FnMut(Progress)> Replay<'_, P> {
    async fn run<R: Read>(mut self, mut ledger: Ledger<R>) -> Result<Summary, ReplayError> {
        let start = Instant::now();
        loop {
            let lines = ledger.by_ref().take(BATCH).collect::<io::Result<Vec<_>>>()?;
            let is_last = lines.len() < BATCH;
            self.publish(lines, ledger.bytes()).await?;
            let max_in_flight = if is_last { 0 } else { MAX_BATCHES_IN_FLIGHT };
            while self.in_flight.len() > max_in_flight {
                self.await_oldest().await?;
            }
            if is_last {
                self.summary.set_elapsed(start.elapsed());
                return Ok(self.summary);
            }
        }
    }

    /// Publishes a batch of lines, which ends at `bytes`.
    async fn publish(&mut self, lines: Vec<Line>, bytes: u64) -> Result<(), Failure> {
        let rows = lines.iter().filter_map(Line::row);
        let mut published = self.bank.publish_all(rows.map(|row| command(self.bank, row))).await.into_iter();
        let mut jobs = Vec::with_capacity(lines.len());
        self.summary.rows += lines.len() as u64;
        for line in lines {
            let row = match line {
                Line::Row(row) => row,
                Line::Malformed(malformed) => {
                    self.summary.add_malformed(&malformed);
                    continue;
                }
            };
            match published.next().expect("`publish_all` returns a result for each row") {
                Ok(job) => {
                    self.count(&job);
                    jobs.push((row.line, job));
                }
                Err(failure) if failure.kind() == FailureKind::Unavailable => return Err(failure),
                Err(failure) => self.summary.add_rejected(row.line, &failure),
            }
        }
        self.in_flight.push_back(Batch { jobs, end: Progress { rows: self.summary.rows, bytes } });
        Ok(())
    }

    /// Counts a job as new or existing. Ids increase with time, so a job is new if its id is the newest so far. (A job
    /// that another process publishes during the replay may be counted as new as well.)
    fn count(&mut self, job: &JobHandle<()>) {
        if job.id() > self.newest {
            self.newest = job.id();
            self.summary.new_jobs += 1;
        } else {
            self.summary.existing_jobs += 1;
        }
    }

    /// Waits until the jobs of the oldest batch have ended.
    async fn await_oldest(&mut self) -> Result<(), Failure> {
        let Some(Batch { jobs, end }) = self.in_flight.pop_front() else { return Ok(()) };
        let outcomes = join_all(jobs.iter().map(|(_, job)| job.outcome())).await;
        for ((line, _), outcome) in jobs.iter().zip(outcomes) {
            match outcome {
                Ok(()) => self.summary.succeeded += 1,
                Err(failure) if failure.kind() == FailureKind::Unavailable => return Err(failure),
                Err(failure) => self.summary.add_failed(*line, &failure),
            }
        }
        (self.on_progress)(end);
        Ok(())
    }
}

fn command(bank: &Runtime, row: &Row) -> Publish<()> {
    let Row { line: _, transaction, account, direction, cents } = row.clone();
    let transaction = Some(transaction);
    match direction {
        Direction::Credit => bank.publish(Deposit { account, cents, transaction }),
        Direction::Debit => bank.publish(Withdraw { account, cents, transaction }),
    }
}

/// Returns an id that is newer than those of all existing jobs.
fn newest_id() -> JobId {
    Uuid::now_v7().to_string().parse().expect("a UUID is a valid job id")
}
