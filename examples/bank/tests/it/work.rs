//! `bank work` stops as it is asked to.

use std::path::Path;
use std::time::{Duration, Instant};

use bank::domain::{Deposit, Withdraw};
use enact::prelude::*;
use enact::store::{JobQuery, Store};
use enact::{Job, JobId};
use enact_sqlite::SqliteStore;
use rustix::process::Signal;

use crate::process::{Worker, office, until};
use crate::program::{Place, bank};

/// As many letters as are on their way at a time, and one more.
const LETTERS: usize = 5;

/// Publishes withdrawals that holders are told of.
async fn publish_letters(db: &Path) {
    let office = office(db).await;
    for number in 0..LETTERS {
        let account = || format!("a-{number}").into();
        office
            .publish(Deposit { account: account(), cents: 10_000_000, transaction: None })
            .await
            .expect("published");
        let withdrawal = Withdraw { account: account(), cents: 5_000_000, transaction: None };
        office.publish(withdrawal).await.expect("published");
    }
}

async fn letters(store: &SqliteStore, state: JobState) -> Vec<Job> {
    let query = JobQuery::new().state(state).name("notify_holder");
    store.jobs(&query).await.expect("jobs are listed").jobs
}

/// A bank with as many letters on their way as it may have, and one that is ready.
async fn at_work(db: &Path, options: &[&str]) -> (Worker, SqliteStore, Vec<JobId>) {
    publish_letters(db).await;
    let worker = Worker::start(db, options);
    let store = SqliteStore::open(db).expect("the database opens");
    until(|| async {
        let states = [letters(&store, JobState::Running).await, letters(&store, JobState::Ready).await];
        states.map(|jobs| jobs.len()) == [LETTERS - 1, 1]
    })
    .await;
    let running = letters(&store, JobState::Running).await.iter().map(|job| job.id).collect();
    (worker, store, running)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_that_is_told_to_stop_ends_what_runs_and_begins_nothing() {
    for signal in [Signal::INT, Signal::TERM] {
        let place = Place::new();
        let db = place.path("bank.db");
        let (mut worker, store, running) = at_work(&db, &["--mail-takes", "1.5"]).await;
        worker.signal(signal);
        assert!(worker.line().starts_with("stops: what runs may end within 30s"));
        assert_eq!(worker.line(), "stopped\n");
        assert_eq!(worker.wait().code(), Some(0));

        let sent = letters(&store, JobState::Succeeded).await;
        assert_eq!(sent.iter().map(|job| job.id).collect::<Vec<_>>(), running);
        let [left] = &letters(&store, JobState::Ready).await[..] else { panic!("one letter is left") };
        assert_eq!(left.attempts, 0);
        assert_eq!(store.leases().await.expect("leases are read"), []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_end_in_time_is_given_back_at_once() {
    let place = Place::new();
    let db = place.path("bank.db");
    let (mut worker, store, running) = at_work(&db, &["--mail-takes", "600", "--grace", "0.3"]).await;
    let began = Instant::now();
    worker.signal(Signal::INT);
    assert!(worker.line().contains("within 300ms"));
    let stopped = worker.line();
    assert!(
        stopped.starts_with("stopped: ")
            && stopped.contains("4 executions")
            && stopped.contains("given back"),
        "{stopped}"
    );
    assert_eq!(worker.wait().code(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(8), "no lease is waited for");

    for id in &running {
        let attempts = store.attempts(*id).await.expect("attempts are listed");
        let failure = attempts[0].failure.as_ref().expect("it was dropped");
        assert_eq!((failure.kind(), failure.code()), (FailureKind::Lost, "shut_down"));
    }
    let next = Worker::start(&db, &[]);
    until(|| async { letters(&store, JobState::Succeeded).await.len() == LETTERS }).await;
    next.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_it_at_once_and_nothing_is_lost() {
    let place = Place::new();
    let db = place.path("bank.db");
    let options = ["--mail-takes", "600", "--grace", "600", "--lease", "0.5"];
    let (mut worker, store, running) = at_work(&db, &options).await;
    worker.signal(Signal::INT);
    assert!(worker.line().starts_with("stops"));
    let began = Instant::now();
    worker.signal(Signal::INT);
    assert_eq!(worker.wait().code(), Some(130));
    assert!(began.elapsed() < Duration::from_secs(5));

    let next = Worker::start(&db, &[]);
    until(|| async { letters(&store, JobState::Succeeded).await.len() == LETTERS }).await;
    next.stop();
    for id in running {
        let attempts = bank(&db, &["job", &id.to_string(), "--json"]).json()["attempts"].clone();
        assert_eq!(attempts[0]["failure"]["kind"], "lost");
        assert_eq!(attempts.as_array().map(Vec::len), Some(2));
    }
}
