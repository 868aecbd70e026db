//! The bank is killed with SIGKILL in the middle of its work, and started again: every cent is where it belongs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use bank::domain::{Account, AccountId, StartTransfer, Transfer, TransferState};
use bank::ledger::COLUMNS;
use enact::JobId;
use enact::prelude::*;
use enact::store::{JobQuery, Store};
use enact_sqlite::SqliteStore;

use crate::many_transfers::{ManyTransfers, Random};
use crate::plain_loop;
use crate::process::{Worker, close, office, open, until};
use crate::program::{Place, arguments, assert_as_expected, balances, made_up_ledger, program, replay};

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_that_is_killed_again_and_again_comes_to_the_same() {
    const ROWS: u32 = 8_000;
    let place = Place::new();
    let db = place.path("bank.db");
    let text = made_up_ledger(ROWS);
    let ledger = place.write("ledger.csv", &text);
    let expected = plain_loop::run(text.as_bytes());

    let mut cut_off = Vec::new();
    for ended in [1, 500, 2000] {
        kill_once(start(&db, &ledger), &db, ended).await;
        let live = jobs_in(&db, &LIVE).await;
        assert!(!live.is_empty(), "the replay was to be killed in the middle");
        // Who only reads runs no job.
        balances(&db);
        assert_eq!(jobs_in(&db, &LIVE).await, live);
        cut_off.extend(jobs_in(&db, &[JobState::Running]).await);
    }
    let report = replay(&db, &ledger);

    assert_as_expected(&report, &db, &expected);
    assert_lost(&db, &cut_off).await;
    let again = replay(&db, &ledger);
    assert_as_expected(&again, &db, &expected);
    assert_eq!(again["jobs"], report["jobs"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn transfers_that_are_killed_on_their_way_arrive_or_come_back() {
    const TRANSFERS: u32 = 600;
    const RICH: i64 = 100_000_000;
    let place = Place::new();
    let db = place.path("bank.db");
    let header = COLUMNS.join(",");
    let riches = (0..10).map(|n| format!("r{n},a-{n},,credit,,,{RICH},"));
    let riches: Vec<_> = std::iter::once(header).chain(riches).collect();
    replay(&db, &place.write("riches.csv", riches.join("\n")));

    // Every fifth goes to an account that does not exist.
    let transfers = (0..TRANSFERS).map(|n| {
        let to = if n % 5 == 0 { format!("nobody-{n}") } else { format!("a-{}", (n * 7 + 1) % 10) };
        (format!("t{n}"), format!("a-{}", n % 10), to, i64::from(n) + 1)
    });
    let mut expected: BTreeMap<_, _> = (0..10).map(|n| (format!("a-{n}"), RICH)).collect();
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

    // The program works on what it finds, whatever it was started for.
    let ledger = place.write("long.csv", made_up_ledger(20_000).replace(",a-", ",b-"));
    for ended in [50, 700, 1500] {
        kill_once(start(&db, &ledger), &db, ended).await;
    }
    let bank = open(&db).await;
    let mut query = JobQuery::new().limit(1);
    query.states.extend(LIVE);
    until(|| async { bank.jobs().list(&query).await.is_ok_and(|page| page.jobs.is_empty()) }).await;

    for (id, from, to, cents) in transfers {
        let record: Transfer = bank.entities().get(&id.into()).await.expect("readable").expect("on record");
        let arrived = to.starts_with("a-");
        assert_eq!(matches!(record.state, TransferState::Completed), arrived, "{record:?}");
        assert_eq!(matches!(record.state, TransferState::Refunded(_)), !arrived, "{record:?}");
        assert_eq!((record.from, record.to, record.cents), (from.into(), to.into(), cents));
    }
    let nobody: Option<Account> = bank.entities().get(&AccountId::from("nobody-0")).await.expect("readable");
    assert_eq!(nobody, None);
    close(bank).await;
    let mut found = balances(&db);
    found.retain(|account, _| account.starts_with("a-"));
    assert_eq!(found, expected);
}

/// `crash/run` has this do more: the variables say how often it is killed, and what the chances are.
#[tokio::test(flavor = "multi_thread")]
async fn transfers_that_are_killed_at_random_are_whole_or_undone_and_none_is_doubled() {
    const BURSTS: u32 = 3;
    let kills = variable("BANK_KILLS", 10);
    let seed = variable("BANK_SEED", 1848);
    let began = Instant::now();
    let mut random = Random::seeded(seed);
    let place = Place::new();
    let db = place.path("bank.db");
    let mut transfers = ManyTransfers::between_rich_accounts(&db, 50).await;
    let office = office(&db).await;
    let mut died = BTreeSet::new();
    for _ in 0..kills {
        let worker = Worker::start(&db, &["--lease", "0.2"]);
        for _ in 0..BURSTS {
            transfers.publish(&office, &mut random, 20).await;
            tokio::time::sleep(Duration::from_millis(random.below(250))).await;
        }
        // Killed when it is in the middle of something: at random, and at last when it has been seen to be.
        transfers.publish(&office, &mut random, 20).await;
        tokio::time::sleep(Duration::from_millis(random.below(40))).await;
        if died.is_empty() {
            let mut running = BTreeSet::new();
            while running.is_empty() {
                transfers.publish(&office, &mut random, 20).await;
                running = transfers.running().await.into_iter().collect();
            }
        }
        worker.kill();
        died.extend(transfers.running().await);
    }
    let last = Worker::start(&db, &["--lease", "0.2"]);
    transfers.until_done().await;
    last.stop();

    transfers.verify().await;
    for attempt in &died {
        assert_eq!(transfers.outcome_of(attempt).await, Some(FailureKind::Lost), "{attempt:?}");
    }
    assert!(!died.is_empty(), "it was to be killed in the middle of something");
    println!(
        "killed {kills} times (seed {seed}) in {:.0?}: {} transfers are whole or undone, in {} jobs; {} attempts died",
        began.elapsed(),
        transfers.count(),
        transfers.jobs().await,
        died.len()
    );
}

/// A number that whoever runs the tests may set.
fn variable(name: &str, otherwise: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is `{text}`, which is no number")),
        Err(_) => otherwise,
    }
}

const LIVE: [JobState; 3] = [JobState::Waiting, JobState::Ready, JobState::Running];

fn start(db: &Path, ledger: &Path) -> Child {
    program(arguments(&["replay", "--lease", "1"], &[("", ledger), ("--db", db)]))
        .stdout(Stdio::null())
        .spawn()
        .expect("the program starts")
}

/// Kills the program once so many jobs have ended in its time.
async fn kill_once(mut child: Child, db: &Path, ended: u64) {
    until(|| async { db.exists() }).await;
    let store = SqliteStore::open(db).expect("a second connection");
    let before = ended_jobs(&store).await;
    until(|| async { ended_jobs(&store).await >= before + ended }).await;
    child.kill().expect("the program can be killed");
    let status = child.wait().expect("the program has ended");
    assert_eq!(status.code(), None, "the program was to be killed, and has ended before");
}

async fn ended_jobs(store: &SqliteStore) -> u64 {
    let counts = store.count_jobs().await.expect("a second connection can count");
    counts.iter().filter(|count| count.state.has_ended()).map(|count| count.count).sum()
}

async fn jobs_in(db: &Path, states: &[JobState]) -> Vec<JobId> {
    let store = SqliteStore::open(db).expect("the database opens");
    let mut query = JobQuery::new().limit(100_000);
    query.states.extend(states);
    store.jobs(&query).await.expect("jobs are listed").jobs.iter().map(|job| job.id).collect()
}

/// What was running when the program was killed has an attempt that says so, and has ended well nevertheless.
async fn assert_lost(db: &Path, cut_off: &[JobId]) {
    let store = SqliteStore::open(db).expect("the database opens");
    for id in cut_off {
        let attempts = store.attempts(*id).await.expect("attempts are listed");
        let mut kinds = attempts.iter().filter_map(|attempt| attempt.failure.as_ref()).map(Failure::kind);
        assert!(kinds.any(|kind| kind == FailureKind::Lost), "{attempts:?}");
        let job = store.job(*id).await.expect("jobs are found").expect("the job is on record");
        assert!(job.state.has_ended(), "{job:?}");
    }
    println!("{} attempts were cut off and are recorded as lost", cut_off.len());
}
