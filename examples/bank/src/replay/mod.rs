//! Does again what a ledger says was done: every row that can be read becomes a [`Deposit`] or a [`Withdraw`], and so a
//! job, and what became of each is summed up.
//!
//! A row's transaction is its idempotency key. A replay that was interrupted, or is done again, publishes all rows anew,
//! and those that are on record are answered with the job that they have: nothing is applied twice, and the summary
//! comes out the same.

mod summary;

use std::collections::VecDeque;
use std::io::{self, Read};
use std::time::Instant;

use enact::prelude::*;
use enact::{JobHandle, JobId, Publish};
use futures_util::future::join_all;
use uuid::Uuid;

pub use summary::{Refusal, Rejected, Summary};

use crate::domain::{Deposit, Withdraw};
use crate::ledger::{Direction, Ledger, Line, Row};
use crate::matter::wait_until_idle;

/// How many rows are published in one transaction.
const BATCH: usize = 500;

/// How many batches may be under way: enough to keep the workers busy, and little enough to be kept in memory.
const BATCHES_UNDER_WAY: usize = 20;

/// How far a replay has come.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    /// How many lines of the file have been dealt with: their jobs have ended, or they have become none.
    pub rows: u64,
    /// Up to which byte of the file.
    pub bytes: u64,
}

/// A replay that broke off. Done again, it goes on where it was.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The ledger could not be read any further.
    #[error("the ledger cannot be read any further")]
    Ledger(#[from] io::Error),
    /// The bank could not take it.
    #[error(transparent)]
    Bank(#[from] Failure),
}

/// Replays a ledger, and waits until everything that it has caused has ended. All of it belongs to the `matter`.
///
/// # Errors
/// If the ledger cannot be read to its end, or the store is out of reach.
pub async fn replay<R: Read>(
    bank: &Runtime,
    matter: &str,
    ledger: Ledger<R>,
    progress: impl FnMut(Progress),
) -> Result<Summary, ReplayError> {
    let seed = ContextSeed::new().with_correlation(matter);
    let replay = Replay {
        bank,
        progress,
        newest: newest_id(),
        under_way: VecDeque::new(),
        done: Progress::default(),
        summary: Summary::default(),
    };
    let summary = bank.scope(seed, replay.run(ledger)).await?;
    wait_until_idle(bank, matter).await?;
    Ok(summary)
}

struct Replay<'a, P> {
    bank: &'a Runtime,
    progress: P,
    /// The newest job that is known of.
    newest: JobId,
    under_way: VecDeque<Batch>,
    done: Progress,
    summary: Summary,
}

/// Rows whose jobs are on record, in the order of the file.
struct Batch {
    jobs: Vec<(u64, JobHandle<()>)>,
    /// How far the replay will have come when they have ended.
    end: Progress,
}

impl<P: FnMut(Progress)> Replay<'_, P> {
    async fn run<R: Read>(mut self, mut ledger: Ledger<R>) -> Result<Summary, ReplayError> {
        let began = Instant::now();
        loop {
            let lines = ledger.by_ref().take(BATCH).collect::<io::Result<Vec<_>>>()?;
            let is_last = lines.len() < BATCH;
            self.publish(lines, ledger.bytes()).await?;
            let may_stay = if is_last { 0 } else { BATCHES_UNDER_WAY };
            while self.under_way.len() > may_stay {
                self.settle_first().await?;
            }
            if is_last {
                self.summary.took(began.elapsed());
                return Ok(self.summary);
            }
        }
    }

    /// Puts the rows' jobs on record. From then on the runtime works on them.
    async fn publish(&mut self, lines: Vec<Line>, bytes: u64) -> Result<(), Failure> {
        let rows = lines.iter().filter_map(Line::row);
        let mut published = self.bank.publish_all(rows.map(|row| command(self.bank, row))).await.into_iter();
        let mut jobs = Vec::with_capacity(lines.len());
        self.summary.rows += lines.len() as u64;
        for line in lines {
            let row = match line {
                Line::Row(row) => row,
                Line::Malformed(malformed) => {
                    self.summary.malformed(&malformed);
                    continue;
                }
            };
            match published.next().expect("each row has an answer") {
                Ok(job) => {
                    self.count(&job);
                    jobs.push((row.line, job));
                }
                Err(failure) if failure.kind() == FailureKind::Unavailable => return Err(failure),
                Err(failure) => self.summary.rejected(row.line, &failure),
            }
        }
        self.under_way.push_back(Batch { jobs, end: Progress { rows: self.summary.rows, bytes } });
        Ok(())
    }

    /// Ids grow with time: one that is not newer than all others belongs to a job that was on record before. (What
    /// another process puts on record at this very time may be counted as new here, too.)
    fn count(&mut self, job: &JobHandle<()>) {
        if job.id() > self.newest {
            self.newest = job.id();
            self.summary.applied += 1;
        } else {
            self.summary.on_record += 1;
        }
    }

    /// Waits until the oldest batch has ended.
    async fn settle_first(&mut self) -> Result<(), Failure> {
        let Some(Batch { jobs, end }) = self.under_way.pop_front() else { return Ok(()) };
        let outcomes = join_all(jobs.iter().map(|(_, job)| job.outcome())).await;
        for ((line, _), outcome) in jobs.iter().zip(outcomes) {
            match outcome {
                Ok(()) => self.summary.succeeded += 1,
                Err(failure) if failure.kind() == FailureKind::Unavailable => return Err(failure),
                Err(failure) => self.summary.failed(*line, &failure),
            }
        }
        self.done = end;
        (self.progress)(self.done);
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

/// An id that is newer than those of all jobs up to now.
fn newest_id() -> JobId {
    Uuid::now_v7().to_string().parse().expect("a UUID is an id")
}
