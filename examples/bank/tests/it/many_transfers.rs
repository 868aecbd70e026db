//! Many transfers that somebody makes difficult, and what must be true after them nevertheless.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use bank::domain::{Deposit, StartTransfer, Transfer, TransferId, TransferState};
use enact::prelude::*;
use enact::store::{Cursor, JobQuery, Store, StoredEvent};
use enact::{Job, JobId};
use enact_sqlite::SqliteStore;

use crate::process::{close, open, until};
use crate::program::balances;

/// What each account has at first, which is more than is ever taken from it.
const RICH: i64 = 100_000_000;

/// Numbers by chance, the same for the same seed.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// The next step of `SplitMix64`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % limit
    }
}

/// One attempt of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AttemptOf {
    pub(crate) job: JobId,
    pub(crate) number: u32,
}

impl Ord for AttemptOf {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.job, self.number).cmp(&(other.job, other.number))
    }
}

impl PartialOrd for AttemptOf {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Transfers between accounts that are rich enough, now and then to one that does not exist.
pub(crate) struct ManyTransfers {
    db: PathBuf,
    store: SqliteStore,
    accounts: u64,
    /// The transfers whose publication was answered, with their jobs.
    published: Vec<(StartTransfer, JobId)>,
}

impl ManyTransfers {
    pub(crate) async fn between_rich_accounts(db: &Path, accounts: u64) -> Self {
        let bank = open(db).await;
        for number in 0..accounts {
            let account = format!("a-{number}").into();
            bank.execute(Deposit { account, cents: RICH, transaction: None }).await.expect("it is booked");
        }
        close(bank).await;
        let store = SqliteStore::open(db).expect("the database opens");
        Self { db: db.to_owned(), store, accounts, published: Vec::new() }
    }

    /// Publishes some more, in one transaction.
    pub(crate) async fn publish(&mut self, office: &Runtime, random: &mut Random, count: usize) {
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
        let commands = transfers.iter().map(|transfer| office.publish(transfer.clone()));
        let jobs = office.publish_all(commands).await;
        let published = transfers.into_iter().zip(jobs);
        self.published
            .extend(published.map(|(transfer, job)| (transfer, job.expect("it is published").id())));
    }

    pub(crate) fn count(&self) -> usize {
        self.published.len()
    }

    /// How many jobs there are on record.
    pub(crate) async fn jobs(&self) -> u64 {
        self.store.count_jobs().await.expect("jobs are counted").iter().map(|count| count.count).sum()
    }

    /// How many have ended.
    pub(crate) async fn ended(&self) -> u64 {
        let counts = self.store.count_jobs().await.expect("jobs are counted");
        counts.iter().filter(|count| count.state.has_ended()).map(|count| count.count).sum()
    }

    /// The attempts that are under way on record.
    pub(crate) async fn running(&self) -> Vec<AttemptOf> {
        let running = self.find(vec![JobState::Running]).await;
        running.into_iter().map(|job| AttemptOf { job: job.id, number: job.attempts }).collect()
    }

    pub(crate) async fn until_done(&self) {
        let live = || async {
            let states = JobState::ALL.into_iter().filter(|state| !state.has_ended()).collect();
            let query = JobQuery { states, limit: 1, ..JobQuery::default() };
            self.store.jobs(&query).await.expect("jobs are listed").jobs.is_empty()
        };
        until(live).await;
    }

    /// What an attempt failed with; nothing if it has not failed.
    pub(crate) async fn outcome_of(&self, attempt: &AttemptOf) -> Option<FailureKind> {
        let attempts = self.store.attempts(attempt.job).await.expect("attempts are listed");
        let found = attempts.iter().find(|found| found.number == attempt.number);
        found.expect("no attempt is ever forgotten").failure.as_ref().map(Failure::kind)
    }

    /// The processes that have run attempts to a good end.
    pub(crate) async fn workers(&self) -> BTreeSet<String> {
        let mut workers = BTreeSet::new();
        for job in self.find(vec![JobState::Succeeded]).await {
            let attempts = self.store.attempts(job.id).await.expect("attempts are listed");
            let last = attempts.last().expect("who has succeeded was attempted");
            let (process, _) = last.worker.as_str().split_once('-').expect("it names its process");
            workers.insert(process.to_owned());
        }
        workers
    }

    /// All that was published has happened once, and nothing else has.
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
        self.verify_records().await;
        self.verify_balances();
    }

    /// Each transfer has started once, and has ended once, one way or the other.
    async fn verify_events(&self) {
        let mut found: BTreeMap<(String, String), u32> = BTreeMap::new();
        let mut cursor = Cursor::START;
        loop {
            let page = self.store.events(cursor, 1000).await.expect("events are read");
            let Some(last) = page.last() else { break };
            cursor = last.cursor;
            for StoredEvent { name, payload, .. } in page {
                let payload: serde_json::Value = payload.value().expect("an event is JSON");
                if let Some(transfer) = payload["transfer"].as_str() {
                    *found.entry((transfer.to_owned(), name.to_string())).or_default() += 1;
                }
            }
        }
        let expected = self.published.iter().flat_map(|(transfer, _)| {
            let end = if arrives(transfer) { "TransferCompleted" } else { "TransferRefunded" };
            ["TransferStarted", end].map(|name| ((transfer.transfer.to_string(), name.to_owned()), 1))
        });
        assert_eq!(found, expected.collect());
    }

    async fn verify_records(&self) {
        let bank = crate::process::office(&self.db).await;
        for (StartTransfer { transfer, .. }, expected) in
            self.published.iter().map(|(transfer, _)| (transfer, arrives(transfer)))
        {
            let record: Option<Transfer> =
                bank.entities().get(&TransferId::clone(transfer)).await.expect("entities are read");
            let state = record.expect("a transfer that has ended has a record").state;
            assert_eq!(state == TransferState::Completed, expected, "{transfer} {state}");
            assert_ne!(state, TransferState::Underway, "{transfer}");
        }
    }

    fn verify_balances(&self) {
        let mut expected: BTreeMap<_, _> =
            (0..self.accounts).map(|number| (format!("a-{number}"), RICH)).collect();
        for (transfer, _) in self.published.iter().filter(|(transfer, _)| arrives(transfer)) {
            *expected.entry(transfer.from.to_string()).or_default() -= transfer.cents;
            *expected.entry(transfer.to.to_string()).or_default() += transfer.cents;
        }
        let found = balances(&self.db);
        assert_eq!(found, expected);
        let sum = i64::try_from(self.accounts).unwrap_or_default() * RICH;
        assert_eq!(found.values().sum::<i64>(), sum);
    }

    async fn find(&self, states: Vec<JobState>) -> Vec<Job> {
        let mut query = JobQuery { states, limit: 1000, ..JobQuery::default() };
        let mut found = Vec::new();
        loop {
            let page = self.store.jobs(&query).await.expect("jobs are listed");
            found.extend(page.jobs);
            query.after = page.next;
            if query.after.is_none() {
                return found;
            }
        }
    }
}

fn arrives(transfer: &StartTransfer) -> bool {
    transfer.to.to_string().starts_with("a-")
}
