//! Publishes many random transfers, and verifies their outcome.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use bank::domain::{Deposit, StartTransfer, Transfer, TransferState};
use enact::prelude::*;
use enact::store::Store;
use enact::{Cursor, StoredEvent};
use enact::{Job, JobId};
use enact_sqlite::SqliteStore;

use crate::process::{close, open, publisher, wait_until};
use crate::program::balances;

/// The initial balance of each account, which no test exhausts.
const INITIAL_CENTS: i64 = 100_000_000;

/// A random number generator (`SplitMix64`).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a number below `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % limit
    }
}

/// An attempt of a job.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct AttemptRef {
    pub(crate) job: JobId,
    pub(crate) number: u32,
}

/// Random transfers that are covered, some of them to accounts that do not exist.
pub(crate) struct ManyTransfers {
    db: PathBuf,
    store: SqliteStore,
    accounts: u64,
    /// The published transfers and their jobs.
    published: Vec<(StartTransfer, JobId)>,
}

impl ManyTransfers {
    pub(crate) async fn with_accounts(db: &Path, accounts: u64) -> Self {
        let bank = open(db).await;
        for number in 0..accounts {
            let account = format!("a-{number}").into();
            bank.execute(Deposit { account, cents: INITIAL_CENTS, transaction: None })
                .await
                .expect("the deposit succeeds");
        }
        close(bank).await;
        let store = SqliteStore::open(db).expect("the database opens");
        Self { db: db.to_owned(), store, accounts, published: Vec::new() }
    }

    /// Publishes `count` transfers in one transaction.
    pub(crate) async fn publish(&mut self, bank: &Runtime, random: &mut Random, count: usize) {
        let first = self.published.len();
        let transfers: Vec<_> = (first..first + count)
            .map(|number| {
                let from = random.below(self.accounts);
                let to = (from + 1 + random.below(self.accounts - 1)) % self.accounts;
                let to = if random.below(7) == 0 { format!("nobody-{number}") } else { format!("a-{to}") };
                let cents = i64::try_from(random.below(1000)).unwrap_or_default() + 1;
                let transfer = format!("t-{number}").into();
                StartTransfer { transfer, from: format!("a-{from}").into(), to: to.into(), cents }
            })
            .collect();
        let commands = transfers.iter().map(|transfer| bank.publish(transfer.clone()));
        let jobs = bank.publish_all(commands).await;
        let published = transfers.into_iter().zip(jobs);
        self.published.extend(
            published.map(|(transfer, job)| (transfer, job.expect("the transfer is published").id())),
        );
    }

    pub(crate) fn count(&self) -> usize {
        self.published.len()
    }

    /// Returns the number of stored jobs.
    pub(crate) async fn jobs(&self) -> u64 {
        self.store.count_jobs().await.expect("jobs are counted").iter().map(|count| count.count).sum()
    }

    /// Returns the number of jobs that have ended.
    pub(crate) async fn ended(&self) -> u64 {
        let counts = self.store.count_jobs().await.expect("jobs are counted");
        counts.iter().filter(|count| count.state.has_ended()).map(|count| count.count).sum()
    }

    /// Returns the attempts that are running according to the store.
    pub(crate) async fn running(&self) -> Vec<AttemptRef> {
        let running = self.find(vec![JobState::Running]).await;
        running.into_iter().map(|job| AttemptRef { job: job.id, number: job.attempts }).collect()
    }

    /// Waits until all jobs have ended.
    pub(crate) async fn wait_until_done(&self) {
        let is_done = || async {
            let states = JobState::ALL.iter().copied().filter(|state| !state.has_ended());
            let query = JobQuery::new().states(states).limit(1);
            self.store.jobs(&query).await.expect("jobs are listed").jobs.is_empty()
        };
        wait_until(is_done).await;
    }

    /// Returns the kind of an attempt's failure, or `None` if it has not failed.
    pub(crate) async fn failure_of(&self, attempt: &AttemptRef) -> Option<FailureKind> {
        let attempts = self.store.attempts(attempt.job).await.expect("attempts are listed");
        let found = attempts.iter().find(|found| found.number == attempt.number);
        found.expect("the attempt is stored").failure.as_ref().map(Failure::kind)
    }

    /// Returns the ids of the processes that ran successful attempts.
    pub(crate) async fn workers(&self) -> BTreeSet<String> {
        let mut workers = BTreeSet::new();
        for job in self.find(vec![JobState::Succeeded]).await {
            let attempts = self.store.attempts(job.id).await.expect("attempts are listed");
            let last = attempts.last().expect("a succeeded job has an attempt");
            let (process, _) =
                last.worker.as_str().split_once('-').expect("a worker's name starts with its process id");
            workers.insert(process.to_owned());
        }
        workers
    }

    /// Asserts that each transfer was carried out once, and nothing else happened.
    pub(crate) async fn verify(&self) {
        let jobs: HashMap<JobId, Job> =
            self.find(Vec::new()).await.into_iter().map(|job| (job.id, job)).collect();
        for (transfer, job) in &self.published {
            assert_eq!(jobs.get(job).map(|job| job.state), Some(JobState::Succeeded), "{transfer:?}");
        }
        for job in jobs.values() {
            assert_eq!(job.state, JobState::Succeeded, "{job:?}");
            let attempts = self.store.attempts(job.id).await.expect("attempts are listed");
            assert_eq!(
                attempts.iter().filter(|attempt| attempt.failure.is_none()).count(),
                1,
                "{attempts:?}"
            );
        }
        self.verify_events().await;
        self.verify_states().await;
        self.verify_balances();
    }

    /// Asserts that each transfer started once and ended once.
    async fn verify_events(&self) {
        let mut found: BTreeMap<(String, String), u32> = BTreeMap::new();
        let mut cursor = Cursor::START;
        loop {
            let page = self.store.events(&cursor, 1000).await.expect("events are read");
            let Some(last) = page.last() else { break };
            cursor = last.cursor.clone();
            for StoredEvent { name, payload, .. } in page {
                let payload: serde_json::Value = payload.value().expect("the payload is JSON");
                if let Some(transfer) = payload["transfer"].as_str() {
                    *found.entry((transfer.to_owned(), name.to_string())).or_default() += 1;
                }
            }
        }
        let expected = self.published.iter().flat_map(|(transfer, _)| {
            let end = if is_completed(transfer) { "TransferCompleted" } else { "TransferRefunded" };
            ["TransferStarted", end].map(|name| ((transfer.transfer.to_string(), name.to_owned()), 1))
        });
        assert_eq!(found, expected.collect());
    }

    /// Asserts that each transfer is stored as completed or refunded.
    async fn verify_states(&self) {
        let bank = publisher(&self.db).await;
        for (start, _) in &self.published {
            let stored = bank.entities::<Transfer>().get(&start.transfer).await.expect("entities are read");
            let state = stored.expect("the transfer is stored").state;
            assert_eq!(state == TransferState::Completed, is_completed(start), "{start:?}: {state}");
            assert_ne!(state, TransferState::Pending, "{start:?}");
        }
    }

    /// Asserts that each balance is exact.
    fn verify_balances(&self) {
        let mut expected: BTreeMap<_, _> =
            (0..self.accounts).map(|number| (format!("a-{number}"), INITIAL_CENTS)).collect();
        for (transfer, _) in self.published.iter().filter(|(transfer, _)| is_completed(transfer)) {
            *expected.entry(transfer.from.to_string()).or_default() -= transfer.cents;
            *expected.entry(transfer.to.to_string()).or_default() += transfer.cents;
        }
        let found = balances(&self.db);
        assert_eq!(found, expected);
        let sum = i64::try_from(self.accounts).unwrap_or_default() * INITIAL_CENTS;
        assert_eq!(found.values().sum::<i64>(), sum);
    }

    /// Returns all jobs in these states, or in any state if there are none.
    async fn find(&self, states: Vec<JobState>) -> Vec<Job> {
        let mut query = JobQuery::new().states(states).limit(1000);
        let mut found = Vec::new();
        loop {
            let page = self.store.jobs(&query).await.expect("jobs are listed");
            found.extend(page.jobs);
            query.page = page.next;
            if query.page.is_none() {
                return found;
            }
        }
    }
}

/// Returns whether a transfer is to be completed, and not refunded.
fn is_completed(transfer: &StartTransfer) -> bool {
    transfer.to.to_string().starts_with("a-")
}
