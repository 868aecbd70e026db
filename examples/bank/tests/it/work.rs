//! `bank work` and stop signals.

use std::path::Path;
use std::time::{Duration, Instant};

use bank::domain::{Deposit, Withdraw};
use enact::prelude::*;
use enact::store::Store;
use enact::{Job, JobId};
use enact_sqlite::SqliteStore;
use rustix::process::Signal;

use crate::process::{Worker, publisher, wait_until};
use crate::program::{TestDir, bank};

/// One more than the concurrency of the queue `mail`.
const NOTIFICATIONS: usize = 5;

/// Publishes withdrawals that cause notifications.
async fn publish_large_withdrawals(db: &Path) {
    let publisher = publisher(db).await;
    for number in 0..NOTIFICATIONS {
        let account = || format!("a-{number}").into();
        publisher
            .publish(Deposit { account: account(), cents: 10_000_000, transaction: None })
            .await
            .expect("published");
        let withdrawal = Withdraw { account: account(), cents: 5_000_000, transaction: None };
        publisher.publish(withdrawal).await.expect("published");
    }
}

async fn notifications(store: &SqliteStore, state: JobState) -> Vec<Job> {
    let query = JobQuery::new().state(state).name("notify_holder");
    store.jobs(&query).await.expect("jobs are listed").jobs
}

/// Starts a worker, and waits until it runs as many notifications as it can, with one left that is ready.
async fn start_notifying(db: &Path, options: &[&str]) -> (Worker, SqliteStore, Vec<JobId>) {
    publish_large_withdrawals(db).await;
    let worker = Worker::start(db, options);
    let store = SqliteStore::open(db).expect("the database opens");
    wait_until(|| async {
        let states =
            [notifications(&store, JobState::Running).await, notifications(&store, JobState::Ready).await];
        states.map(|jobs| jobs.len()) == [NOTIFICATIONS - 1, 1]
    })
    .await;
    let running = notifications(&store, JobState::Running).await.iter().map(|job| job.id).collect();
    (worker, store, running)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_bank_finishes_running_jobs_and_starts_no_others() {
    for signal in [Signal::INT, Signal::TERM] {
        let dir = TestDir::new();
        let db = dir.path("bank.db");
        let (mut worker, store, running) = start_notifying(&db, &["--mail-delay", "1.5"]).await;
        worker.signal(signal);
        assert!(worker.line().starts_with("stopping: running jobs have 30s to finish"));
        assert_eq!(worker.line(), "stopped\n");
        assert_eq!(worker.wait().code(), Some(0));

        let succeeded = notifications(&store, JobState::Succeeded).await;
        assert_eq!(succeeded.iter().map(|job| job.id).collect::<Vec<_>>(), running);
        let [left] = &notifications(&store, JobState::Ready).await[..] else {
            panic!("one notification is left")
        };
        assert_eq!(left.attempts, 0);
        assert_eq!(store.leases().await.expect("leases are read"), []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_do_not_finish_within_the_grace_period_are_released() {
    let dir = TestDir::new();
    let db = dir.path("bank.db");
    let (mut worker, store, running) = start_notifying(&db, &["--mail-delay", "600", "--grace", "0.3"]).await;
    let start = Instant::now();
    worker.signal(Signal::INT);
    assert!(worker.line().contains("have 300ms to finish"));
    let stopped = worker.line();
    assert!(
        stopped.starts_with("stopped before all jobs finished: ") && stopped.contains("4 executions"),
        "{stopped}"
    );
    assert_eq!(worker.wait().code(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(8), "the program waited for the lease to expire");

    for id in &running {
        let attempts = store.attempts(*id).await.expect("attempts are listed");
        let failure = attempts[0].failure.as_ref().expect("the attempt was aborted");
        assert_eq!((failure.kind(), failure.code()), (FailureKind::Lost, "shut_down"));
    }
    let next = Worker::start(&db, &[]);
    wait_until(|| async { notifications(&store, JobState::Succeeded).await.len() == NOTIFICATIONS }).await;
    next.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_exits_at_once_and_loses_no_job() {
    let dir = TestDir::new();
    let db = dir.path("bank.db");
    let options = ["--mail-delay", "600", "--grace", "600", "--lease", "0.5"];
    let (mut worker, store, running) = start_notifying(&db, &options).await;
    worker.signal(Signal::INT);
    assert!(worker.line().starts_with("stopping"));
    let start = Instant::now();
    worker.signal(Signal::INT);
    assert_eq!(worker.wait().code(), Some(130));
    assert!(start.elapsed() < Duration::from_secs(5));

    let next = Worker::start(&db, &[]);
    wait_until(|| async { notifications(&store, JobState::Succeeded).await.len() == NOTIFICATIONS }).await;
    next.stop();
    for id in running {
        let attempts = bank(&db, &["job", &id.to_string(), "--json"]).json()["attempts"].clone();
        assert_eq!(attempts[0]["failure"]["kind"], "lost");
        assert_eq!(attempts.as_array().map(Vec::len), Some(2));
    }
}
