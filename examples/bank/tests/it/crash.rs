//! Kills the bank with SIGKILL while it runs jobs, restarts it, and verifies every balance.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use bank::domain::{Account, AccountId, StartTransfer, Transfer, TransferState};
use bank::ledger::COLUMNS;
use enact::JobId;
use enact::prelude::*;
use enact::store::Store;
use enact_sqlite::SqliteStore;

use crate::many_transfers::{ManyTransfers, Random};
use crate::plain_loop;
use crate::process::{Worker, close, open, publisher, wait_until};
use crate::program::{TestDir, arguments, assert_as_expected, balances, program, random_ledger, replay};

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_that_is_killed_several_times_has_the_same_result() {
    const ROWS: u32 = 8_000;
    let dir = TestDir::new();
    let db = dir.path("bank.db");
    let text = random_ledger(ROWS);
    let ledger = dir.write("ledger.csv", &text);
    let expected = plain_loop::run(text.as_bytes());

    let mut killed = Vec::new();
    for ended in [1, 500, 2000] {
        kill_once(start(&db, &ledger), &db, ended).await;
        let live = jobs_in(&db, &LIVE).await;
        assert!(!live.is_empty(), "the replay finished before it was killed");
        // Reading runs no jobs.
        balances(&db);
        assert_eq!(jobs_in(&db, &LIVE).await, live);
        killed.extend(jobs_in(&db, &[JobState::Running]).await);
    }
    let report = replay(&db, &ledger);

    assert_as_expected(&report, &db, &expected);
    assert_lost(&db, &killed).await;
    let again = replay(&db, &ledger);
    assert_as_expected(&again, &db, &expected);
    assert_eq!(again["jobs"], report["jobs"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_transfers_are_completed_or_refunded() {
    const TRANSFERS: u32 = 600;
    const INITIAL_CENTS: i64 = 100_000_000;
    let dir = TestDir::new();
    let db = dir.path("bank.db");
    let header = COLUMNS.join(",");
    let rows = (0..10).map(|n| format!("r{n},a-{n},,credit,,,{INITIAL_CENTS},"));
    let rows: Vec<_> = std::iter::once(header).chain(rows).collect();
    replay(&db, &dir.write("deposits.csv", rows.join("\n")));

    // Every fifth transfer goes to an account that does not exist.
    let transfers = (0..TRANSFERS).map(|n| {
        let to = if n % 5 == 0 { format!("nobody-{n}") } else { format!("a-{}", (n * 7 + 1) % 10) };
        (format!("t{n}"), format!("a-{}", n % 10), to, i64::from(n) + 1)
    });
    let mut expected: BTreeMap<_, _> = (0..10).map(|n| (format!("a-{n}"), INITIAL_CENTS)).collect();
    for (_, from, to, cents) in transfers.clone().filter(|(_, _, to, _)| to.starts_with("a-")) {
        *expected.entry(from).or_default() -= cents;
        *expected.entry(to).or_default() += cents;
    }
    let bank = open(&db).await;
    let publish = transfers.clone().map(|(transfer, from, to, cents)| {
        bank.publish(StartTransfer { transfer: transfer.into(), from: from.into(), to: to.into(), cents })
    });
    let published = bank.publish_all(publish).await;
    assert!(published.iter().all(Result::is_ok));
    close(bank).await;

    // A replay runs all jobs in the database, the transfers included.
    let ledger = dir.write("long.csv", random_ledger(20_000).replace(",a-", ",b-"));
    for ended in [50, 700, 1500] {
        kill_once(start(&db, &ledger), &db, ended).await;
    }
    let bank = open(&db).await;
    let query = JobQuery::new().states(LIVE).limit(1);
    wait_until(|| async { bank.jobs().list(&query).await.is_ok_and(|page| page.jobs.is_empty()) }).await;

    for (id, from, to, cents) in transfers {
        let stored: Transfer = bank.entities().get(&id.into()).await.expect("readable").expect("stored");
        let is_completed = to.starts_with("a-");
        assert_eq!(matches!(stored.state, TransferState::Completed), is_completed, "{stored:?}");
        assert_eq!(matches!(stored.state, TransferState::Refunded(_)), !is_completed, "{stored:?}");
        assert_eq!((stored.from, stored.to, stored.cents), (from.into(), to.into(), cents));
    }
    let missing: Option<Account> = bank.entities().get(&AccountId::from("nobody-0")).await.expect("readable");
    assert_eq!(missing, None);
    close(bank).await;
    let mut found = balances(&db);
    found.retain(|account, _| account.starts_with("a-"));
    assert_eq!(found, expected);
}

/// `crash/run` runs this test with more kills. `BANK_KILLS` sets their number, `BANK_SEED` the random seed.
#[tokio::test(flavor = "multi_thread")]
async fn randomly_killed_transfers_are_completed_or_refunded_once() {
    const BURSTS: u32 = 3;
    let kills = variable("BANK_KILLS", 10);
    let seed = variable("BANK_SEED", 1848);
    let start = Instant::now();
    let mut random = Random::seeded(seed);
    let dir = TestDir::new();
    let db = dir.path("bank.db");
    let mut transfers = ManyTransfers::with_accounts(&db, 50).await;
    let publisher = publisher(&db).await;
    let mut killed = HashSet::new();
    for _ in 0..kills {
        let worker = Worker::start(&db, &["--lease", "0.2"]);
        for _ in 0..BURSTS {
            transfers.publish(&publisher, &mut random, 20).await;
            tokio::time::sleep(Duration::from_millis(random.below(250))).await;
        }
        // Kills at a random time. Until a kill has hit a running attempt, waits for one first.
        transfers.publish(&publisher, &mut random, 20).await;
        tokio::time::sleep(Duration::from_millis(random.below(40))).await;
        if killed.is_empty() {
            while transfers.running().await.is_empty() {
                transfers.publish(&publisher, &mut random, 20).await;
            }
        }
        worker.kill();
        killed.extend(transfers.running().await);
    }
    let last = Worker::start(&db, &["--lease", "0.2"]);
    transfers.wait_until_done().await;
    last.stop();

    transfers.verify().await;
    for attempt in &killed {
        assert_eq!(transfers.failure_of(attempt).await, Some(FailureKind::Lost), "{attempt:?}");
    }
    assert!(!killed.is_empty(), "no kill hit a running attempt");
    println!(
        "killed {kills} times (seed {seed}) in {:.0?}: {} transfers are completed or refunded, in {} jobs; {} attempts were lost",
        start.elapsed(),
        transfers.count(),
        transfers.jobs().await,
        killed.len()
    );
}

/// Returns the number in an environment variable.
fn variable(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is `{text}`; set it to a number")),
        Err(_) => default,
    }
}

const LIVE: [JobState; 3] = [JobState::Waiting, JobState::Ready, JobState::Running];

fn start(db: &Path, ledger: &Path) -> Child {
    program(arguments(&["replay", "--lease", "1"], &[("", ledger), ("--db", db)]))
        .stdout(Stdio::null())
        .spawn()
        .expect("the program starts")
}

/// Kills the program once `ended` more jobs have ended.
async fn kill_once(mut child: Child, db: &Path, ended: u64) {
    wait_until(|| async { db.exists() }).await;
    let store = SqliteStore::open(db).expect("the database opens");
    let before = ended_jobs(&store).await;
    wait_until(|| async { ended_jobs(&store).await >= before + ended }).await;
    child.kill().expect("the program can be killed");
    let status = child.wait().expect("the program can be waited for");
    assert_eq!(status.code(), None, "the program exited before it was killed");
}

async fn ended_jobs(store: &SqliteStore) -> u64 {
    let counts = store.count_jobs().await.expect("jobs are counted");
    counts.iter().filter(|count| count.state.has_ended()).map(|count| count.count).sum()
}

async fn jobs_in(db: &Path, states: &[JobState]) -> Vec<JobId> {
    let store = SqliteStore::open(db).expect("the database opens");
    let query = JobQuery::new().states(states.iter().copied()).limit(100_000);
    store.jobs(&query).await.expect("jobs are listed").jobs.iter().map(|job| job.id).collect()
}

/// Asserts that jobs that ran when the program was killed have a lost attempt, and have ended.
async fn assert_lost(db: &Path, killed: &[JobId]) {
    let store = SqliteStore::open(db).expect("the database opens");
    for id in killed {
        let attempts = store.attempts(*id).await.expect("attempts are listed");
        let mut kinds = attempts.iter().filter_map(|attempt| attempt.failure.as_ref()).map(Failure::kind);
        assert!(kinds.any(|kind| kind == FailureKind::Lost), "{attempts:?}");
        let job = store.job(*id).await.expect("jobs are read").expect("the job is stored");
        assert!(job.state.has_ended(), "{job:?}");
    }
    println!("{} attempts were killed and are recorded as lost", killed.len());
}
