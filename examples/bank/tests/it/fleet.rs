//! Several processes share a database: every job runs once, even if one of the processes stalls.

use std::collections::BTreeSet;
use std::time::Duration;

use enact::FailureKind;
use rustix::process::Signal;

use crate::many_transfers::{ManyTransfers, Random};
use crate::process::{Worker, publisher, read_text, wait_until};
use crate::program::TestDir;

#[tokio::test(flavor = "multi_thread")]
async fn three_processes_run_every_transfer_once() {
    const TRANSFERS: usize = 2_000;
    let dir = TestDir::new();
    let db = dir.path("bank.db");
    let mut random = Random::seeded(3);
    let mut transfers = ManyTransfers::with_accounts(&db, 40).await;
    let fleet = [(); 3].map(|()| Worker::start(&db, &[]));
    let publisher = publisher(&db).await;
    while transfers.count() < TRANSFERS {
        transfers.publish(&publisher, &mut random, 20).await;
    }
    transfers.wait_until_done().await;

    transfers.verify().await;
    let workers = transfers.workers().await;
    for worker in &fleet {
        assert!(
            workers.contains(&worker.id().to_string()),
            "process {} ran no jobs: {workers:?}",
            worker.id()
        );
    }
    fleet.into_iter().for_each(Worker::stop);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_process_cannot_commit_jobs_that_another_has_taken_over() {
    let dir = TestDir::new();
    let db = dir.path("bank.db");
    let log = dir.path("log");
    let mut random = Random::seeded(4);
    let mut transfers = ManyTransfers::with_accounts(&db, 40).await;
    let publisher = publisher(&db).await;
    let mut stalled = Worker::start_with_log(&db, &["--lease", "0.5"], &log);
    let unknown = "01a200f6-ad9d-72cb-b266-6f55ab783951".parse().expect("a job id");
    // A process that is stopped within a transaction blocks all others. Try again in that case.
    let taken_over = loop {
        let before = transfers.ended().await;
        transfers.publish(&publisher, &mut random, 200).await;
        let target = before + random.below(400);
        wait_until(|| async { transfers.ended().await > target }).await;
        stalled.signal(Signal::STOP);
        // The job does not exist. The call returns in time if the database is not locked. Then all threads have stopped, too.
        let jobs = publisher.jobs();
        let is_unlocked = tokio::time::timeout(Duration::from_millis(300), jobs.retry(unknown)).await.is_ok();
        let running = if is_unlocked { transfers.running().await } else { Vec::new() };
        if !running.is_empty() {
            break running;
        }
        stalled.signal(Signal::CONT);
        transfers.wait_until_done().await;
    };

    let other = Worker::start(&db, &["--lease", "0.5"]);
    transfers.wait_until_done().await;
    for attempt in &taken_over {
        assert_eq!(transfers.failure_of(attempt).await, Some(FailureKind::Lost), "{attempt:?}");
    }
    assert!(!stalled.has_ended());
    stalled.signal(Signal::CONT);
    // The commit is refused, or the attempt is aborted before it.
    let refused = || read_text(&log).matches("dropped its effects").count();
    wait_until(|| async { refused() >= taken_over.len() }).await;
    stalled.stop();
    other.stop();

    transfers.verify().await;
    let jobs: BTreeSet<_> = taken_over.iter().map(|attempt| attempt.job.to_string()).collect();
    println!("{} attempts were taken over, and {} commits were refused", jobs.len(), refused());
}
